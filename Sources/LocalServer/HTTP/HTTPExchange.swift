import Foundation
import Synchronization

/// One request on a connection, collected and answered. Its methods run on the connection's thread,
/// which may wait.
final class HTTPExchange {
  private(set) var request: HTTPRequest
  /// Sent once the body has come to its end, whatever it held.
  private(set) var refusal: HTTPReply?
  private let limit: Int
  private var received = 0

  init(_ request: HTTPRequest, refusal: HTTPReply?, bodyLimit: Int) {
    self.request = request
    self.refusal = refusal
    limit = bodyLimit
  }

  /// - Returns: false where the client sends far more than will ever be read.
  func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    received += bytes.count
    if received > limit {
      request.body = Data()
      if refusal == nil { refusal = .error(.tooLarge(limit: limit)) }
      // A client that still sends does not read: what little is left is let in, to be answered.
      return received <= 8 * limit
    }
    if refusal == nil { unsafe request.body.append(contentsOf: bytes) }
    return true
  }

  /// Waits for the reply.
  ///
  /// - Returns: nil where the client went away before it; the work is cancelled then.
  func answer(
    on connection: HTTPConnection, _ respond: @escaping @Sendable (HTTPRequest) async -> HTTPReply
  ) -> HTTPReply? {
    if let refusal { return refusal }
    let request = request
    let box = Mailbox<HTTPReply>()
    let task = Task { box.put(await respond(request)) }
    while true {
      if case .item(let reply) = box.take(waiting: .milliseconds(100)) { return reply }
      if connection.isDeserted {
        task.cancel()
        return nil
      }
    }
  }
}

/// Values handed from a task to a thread that waits for them.
final class Mailbox<Item: Sendable>: Sendable {
  enum Taken {
    case item(Item)
    case nothingYet
    case end
  }

  private let items = Mutex<(waiting: [Item], isEnded: Bool)>(([], false))
  private let arrival = DispatchSemaphore(value: 0)

  func put(_ item: Item) {
    items.withLock { $0.waiting.append(item) }
    arrival.signal()
  }

  func end() {
    items.withLock { $0.isEnded = true }
    arrival.signal()
  }

  func take(waiting time: DispatchTimeInterval) -> Taken {
    let isTimedOut = arrival.wait(timeout: .now() + time) == .timedOut
    return items.withLock { items in
      if !items.waiting.isEmpty { return .item(items.waiting.removeFirst()) }
      return items.isEnded && !isTimedOut ? .end : .nothingYet
    }
  }
}

/// The body of a streamed reply, read by the connection's thread.
final class EventBody {
  private let connection: HTTPConnection
  private let pieces = Mailbox<Data>()
  private let producer: Task<Void, Never>
  private let sendTime: Duration
  private var piece = Data()

  init(
    _ produce: @escaping @Sendable (@Sendable (Data) -> Void) async -> Void,
    on connection: HTTPConnection, sendTime: Duration
  ) {
    self.connection = connection
    self.sendTime = sendTime
    let pieces = pieces
    producer = Task {
      await produce { pieces.put($0) }
      pieces.end()
    }
  }

  deinit { producer.cancel() }

  enum Step {
    case bytes(Int)
    case end
    case deserted
  }

  /// Waits for the next bytes and copies as many as there is room for.
  func read(into buffer: UnsafeMutableRawBufferPointer) -> Step {
    connection.phase = .answering
    defer { connection.phase = .sending(until: .now + sendTime) }
    while piece.isEmpty {
      switch pieces.take(waiting: .milliseconds(100)) {
      case .item(let next): piece = next
      case .end: return .end
      case .nothingYet: if connection.isDeserted { return .deserted }
      }
    }
    let count = min(piece.count, buffer.count)
    unsafe buffer.copyBytes(from: piece.prefix(count))
    piece = piece.dropFirst(count)
    return .bytes(count)
  }
}
