import FlyingSocks
import Foundation

/// Bytes that are produced while they are sent: the body of a streamed reply.
///
/// The producer starts with the first read and is cancelled when the body is dropped, which frees
/// the engine's slot when a client goes away.
struct EventStream: AsyncBufferedSequence {
  typealias Element = UInt8

  private let stream: AsyncStream<Data>

  init(_ produce: @escaping @Sendable (AsyncStream<Data>.Continuation) async -> Void) {
    stream = AsyncStream { continuation in
      let task = Task {
        await produce(continuation)
        continuation.finish()
      }
      continuation.onTermination = { _ in task.cancel() }
    }
  }

  func makeAsyncIterator() -> Iterator { Iterator(base: stream.makeAsyncIterator()) }

  struct Iterator: AsyncBufferedIteratorProtocol {
    var base: AsyncStream<Data>.Iterator
    private var buffer = Data()

    init(base: AsyncStream<Data>.Iterator) { self.base = base }

    mutating func next() async throws -> UInt8? {
      if buffer.isEmpty {
        guard let data = await base.next() else { return nil }
        buffer = data
      }
      return buffer.isEmpty ? nil : buffer.removeFirst()
    }

    mutating func nextBuffer(suggested count: Int) async throws -> Data? {
      if !buffer.isEmpty {
        defer { buffer = Data() }
        return buffer
      }
      return await base.next()
    }
  }
}
