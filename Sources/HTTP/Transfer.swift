import Foundation
import Support
import Synchronization

/// One request on its way, and what has come of its answer. Owned by the transfer thread between `start` and its
/// completion.
final class Transfer: @unchecked Sendable {
  // Unchecked: after it was posted, only the transfer thread touches these fields; what is told of its
  // end is guarded by its own lock.
  let request: TransportRequest
  private(set) var status = 0
  private(set) var headers: ResponseHeaders = [:]
  private(set) var body = Data()
  private(set) var startedAt = ContinuousClock.now
  private(set) var firstByteAt: ContinuousClock.Instant?
  private(set) var lastByteAt: ContinuousClock.Instant?
  /// Why no more of the answer is taken.
  private(set) var failure: TransportError?
  private var bodyLimit = 0
  private(set) var headerLimit = 0
  private var headerBytes = 0
  private let finished = Mutex<(@Sendable (Result<TransportResponse, TransportError>) -> Void)?>(
    nil)

  init(_ request: TransportRequest) { self.request = request }

  /// Where the body of this answer goes; nil gathers it: whoever waits for a file wants no page of errors in
  /// it.
  var sink: (any BodySink)? { (200..<300).contains(status) ? request.sink : nil }

  func whenFinished(
    _ body: @escaping @Sendable (Result<TransportResponse, TransportError>) -> Void
  ) {
    finished.withLock { $0 = body }
  }

  /// Hands over the result; later calls do nothing.
  func finish(_ result: Result<TransportResponse, TransportError>) {
    let waiting = finished.withLock { value in
      defer { value = nil }
      return value
    }
    waiting?(result)
  }

  // MARK: - On the transfer thread

  func begin(_ limits: Transport.Limits) {
    startedAt = .now
    bodyLimit = limits.bodyBytes
    headerLimit = limits.headerBytes
  }

  /// Takes bytes of the body.
  ///
  /// - Returns: whether more are wanted.
  func take(_ bytes: UnsafeRawBufferPointer) -> Bool {
    if firstByteAt == nil { firstByteAt = .now }
    if let sink {
      lastByteAt = .now
      let head = ResponseHead(status: status, headers: headers)
      guard let reason = unsafe sink.take(Data(bytes), of: head) else { return true }
      failure = .refused(reason)
      return false
    }
    guard body.count + bytes.count <= bodyLimit else {
      failure = .bodyTooLarge(limit: bodyLimit)
      return false
    }
    unsafe body.append(contentsOf: bytes)
    return true
  }

  /// Keeps one header line.
  ///
  /// - Returns: whether more are wanted.
  func note(_ line: UnsafeRawBufferPointer) -> Bool {
    // Interim responses count too: a server could send them for ever.
    headerBytes += line.count
    guard headerBytes <= headerLimit else {
      failure = .headersTooLarge(limit: headerLimit)
      return false
    }
    // A new status line begins a new set: those before were interim responses.
    if unsafe line.starts(with: "HTTP/".utf8) {
      headers = [:]
      status = unsafe Self.status(in: line)
    } else {
      unsafe headers.append(line)
    }
    return true
  }

  /// The number in `HTTP/1.1 200 OK`; 0 where there is none.
  private static func status(in line: UnsafeRawBufferPointer) -> Int {
    let space = UInt8(ascii: " ")
    let digits = unsafe line.drop { $0 != space }.drop { $0 == space }
      .prefix { (0x30...0x39).contains($0) }
    return unsafe digits.count > 6 ? 0 : digits.reduce(0) { $0 * 10 + Int($1 - 0x30) }
  }
}
