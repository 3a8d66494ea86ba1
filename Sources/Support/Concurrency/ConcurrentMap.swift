import Foundation
import Synchronization

/// What comes of each element, in their order, worked out by as many threads as there are processors.
///
/// For plain computing in functions that return when it is done: the result is that of `map`, whatever the
/// number of threads.
///
/// - Parameter transform: of one element; what one takes should outweigh handing it to a thread, some microseconds.
package func mapConcurrently<Element: Sendable, Value: Sendable>(
  _ elements: [Element], _ transform: @escaping @Sendable (Element) -> Value
) -> [Value] {
  let threads = min(ProcessInfo.processInfo.activeProcessorCount, elements.count)
  guard threads > 1 else { return elements.map(transform) }
  // Several pieces a thread, since some take longer than others.
  let count = min(elements.count, 8 * threads)
  let pieces = Pieces<Value>(count: count)
  runOnThreads(threads) { _ in
    while let piece = pieces.next() {
      let range = elements.count * piece / count..<elements.count * (piece + 1) / count
      pieces.put(elements[range].map(transform), at: piece)
    }
  }
  return pieces.joined()
}

/// Pieces of work that are given out in order, and what came of each.
private final class Pieces<Value: Sendable>: Sendable {
  private let state: Mutex<(next: Int, done: [[Value]])>

  init(count: Int) { state = Mutex((0, Array(repeating: [], count: count))) }

  func next() -> Int? {
    state.withLock { state in
      guard state.next < state.done.count else { return nil }
      defer { state.next += 1 }
      return state.next
    }
  }

  func put(_ values: [Value], at piece: Int) { state.withLock { $0.done[piece] = values } }

  func joined() -> [Value] { state.withLock { Array($0.done.joined()) } }
}
