import CLibcurl
import Dispatch
package import Foundation
package import Support
import Synchronization

/// A request as bytes.
package struct TransportRequest: Sendable {
  package var url: URL
  /// nil sends GET, otherwise POST.
  package var body: Data?
  /// Asks for the headers alone, as HEAD does.
  package var isHead = false
  /// Takes the body of a successful answer as it comes; nil gathers it.
  package var sink: (any BodySink)?
  /// `Name: value` lines.
  package var headers: [String]
  /// Taken out of everything that the server sends, before anybody reads it.
  package var secrets: Secrets
  /// A shorter time than the transport's until an answer begins; nil for that one.
  package var firstByteSeconds: Double?

  package init(
    url: URL, body: Data? = nil, headers: [String] = [], secrets: Secrets = Secrets(),
    firstByteSeconds: Double? = nil
  ) {
    self.url = url
    self.body = body
    self.headers = headers
    self.secrets = secrets
    self.firstByteSeconds = firstByteSeconds
  }
}

/// The beginning of an answer.
package struct ResponseHead: Sendable {
  package var status: Int
  package var headers: ResponseHeaders
}

/// Takes a body that is too large to be held, piece by piece, on the transfer's thread.
package protocol BodySink: AnyObject, Sendable {
  /// - Returns: why no more of it is wanted; nil to go on.
  func take(_ piece: Data, of head: ResponseHead) -> String?
}

/// A response as bytes.
package struct TransportResponse: Sendable {
  package var status: Int
  package var headers: ResponseHeaders
  package var body: Data
  package var milliseconds: Double
  /// Whether a connection was opened for it. One that stood before leads to the process that it led to
  /// then: a server that was started again cannot answer over it.
  package var hasNewConnection: Bool

  package init(
    status: Int, headers: ResponseHeaders, body: Data, milliseconds: Double,
    hasNewConnection: Bool = false
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.milliseconds = milliseconds
    self.hasNewConnection = hasNewConnection
  }
}

/// HTTP over libcurl's multi interface: one thread that owns every handle, connections kept alive,
/// a bounded number of transfers at a time.
///
/// Redirects are not followed (a key must not travel to another host), TLS certificates are
/// verified, HTTP/2 is used where the server offers it over TLS.
package final class Transport: Sendable {
  package struct Limits: Sendable {
    /// Transfers at a time; further requests wait in order.
    package var connections: Int
    package var connectSeconds: Double
    /// From the request's start to the first byte of the body: the time a model takes to answer.
    package var firstByteSeconds: Double
    /// From the first byte to the last: a body that trickles is given up. Of one that a sink takes, the
    /// longest time without a byte.
    package var bodySeconds: Double
    package var bodyBytes: Int
    package var headerBytes: Int
    /// In whole seconds: a host whose system acknowledges nothing for so long is cut off. A server that
    /// computes is not silent in this sense.
    package var silenceSeconds: Int
    /// Certificates to trust instead of the system's; nil for those.
    package var certificateFile: String?
    /// Hosts that are reached without a proxy, as libcurl reads them.
    package var hostsWithoutProxy: String

    package init(
      connections: Int = 16, connectSeconds: Double = 10, firstByteSeconds: Double = 600,
      bodySeconds: Double = 60, bodyBytes: Int = 4 << 20, headerBytes: Int = 256 << 10,
      silenceSeconds: Int = 30,
      certificateFile: String? = NetworkEnvironment.process.certificateFile,
      hostsWithoutProxy: String = NetworkEnvironment.process.hostsWithoutProxy
    ) {
      self.connections = connections
      self.connectSeconds = connectSeconds
      self.firstByteSeconds = firstByteSeconds
      self.bodySeconds = bodySeconds
      self.bodyBytes = bodyBytes
      self.headerBytes = headerBytes
      self.silenceSeconds = silenceSeconds
      self.certificateFile = certificateFile
      self.hostsWithoutProxy = hostsWithoutProxy
    }
  }

  package let limits: Limits
  private let mailbox: TransferMailbox

  package init(limits: Limits = Limits()) {
    precondition(limits.connections >= 1)
    self.limits = limits
    _ = Self.globalSetUp
    let mailbox = TransferMailbox()
    self.mailbox = mailbox
    let thread = Thread {
      var loop = TransferLoop(mailbox: mailbox, limits: limits)
      loop.run()
    }
    thread.name = "loxeval-http"
    thread.start()
  }

  deinit { mailbox.post(.stop) }

  /// Fails what is under way and ends the thread.
  package func shutDown() { mailbox.post(.stop) }

  /// libcurl's process-wide state, set up once before any thread uses it.
  private static let globalSetUp = curl_global_init(3)  // CURL_GLOBAL_DEFAULT: SSL and Win32

  /// Sends a request and waits for the whole response; cancelling the task aborts the transfer.
  package func send(_ request: TransportRequest) async throws(TransportError) -> TransportResponse {
    let transfer = Transfer(request)
    let result: Result<TransportResponse, TransportError> = await withTaskCancellationHandler {
      await withCheckedContinuation { continuation in
        transfer.whenFinished { continuation.resume(returning: $0) }
        mailbox.post(.start(transfer))
      }
    } onCancel: {
      mailbox.post(.cancel(transfer))
    }
    return try result.get()
  }

  /// The same for threads that may wait.
  ///
  /// - Parameter isCancelled: asked each tenth of a second whether the answer is still wanted.
  package func sendWaiting(
    _ request: TransportRequest, isCancelled: () -> Bool = { false }
  ) throws(TransportError) -> TransportResponse {
    let transfer = Transfer(request)
    let answer = Mutex<Result<TransportResponse, TransportError>?>(nil)
    let isDone = DispatchSemaphore(value: 0)
    transfer.whenFinished { result in
      answer.withLock { $0 = result }
      isDone.signal()
    }
    mailbox.post(.start(transfer))
    while isDone.wait(timeout: .now() + .milliseconds(100)) == .timedOut {
      guard isCancelled() else { continue }
      mailbox.post(.cancel(transfer))
      isDone.wait()
      break
    }
    return try (answer.withLock { $0 } ?? .failure(.shutDown)).get()
  }
}
