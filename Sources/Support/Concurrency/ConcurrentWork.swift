/// Works on elements, at most so many at a time, and hands over what came of each, in the order in which
/// it is done.
///
/// What `done` throws cancels the rest and is thrown. Where the task is cancelled no further work begins.
package func workConcurrently<Element: Sendable, Value: Sendable>(
  on elements: [Element], atMost limit: Int,
  _ work: @escaping @Sendable (Element) async -> Value,
  done: (Element, Value) throws -> Void
) async throws {
  try await withThrowingTaskGroup(of: (Element, Value).self) { group in
    var waiting = elements.makeIterator()
    func begin() {
      guard !Task.isCancelled, let element = waiting.next() else { return }
      group.addTask { (element, await work(element)) }
    }
    for _ in 0..<limit { begin() }
    while let (element, value) = try await group.next() {
      try done(element, value)
      begin()
    }
  }
  try Task.checkCancellation()
}
