/// What was opened for a run's servers: connections, processes, what they were told to load. It is closed
/// in the reverse order, once, however the work with it ends.
package actor ServerScope {
  private var closings: [@Sendable () async -> Void] = []
  private var isClosed = false

  private init() {}

  /// Says how to close what was just opened, or is about to be: an opening that fails midway leaves
  /// nothing behind, and what comes too late is closed at once.
  func onClose(_ close: @escaping @Sendable () async -> Void) async {
    if isClosed { await close() } else { closings.append(close) }
  }

  private func close() async {
    isClosed = true
    while let close = closings.popLast() { await close() }
  }

  /// Works with a new scope and closes it.
  static func with<Value>(_ body: (ServerScope) async throws -> Value) async throws -> Value {
    let scope = ServerScope()
    do {
      let value = try await body(scope)
      await scope.close()
      return value
    } catch {
      await scope.close()
      throw error
    }
  }
}
