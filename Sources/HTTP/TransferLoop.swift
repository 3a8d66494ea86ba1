import CLibcurl
import Foundation
import Support

/// One of libcurl's multi handles. It lives as long as anybody holds it: a caller may be about to wake its thread when
/// that ends.
@safe
final class MultiHandle: @unchecked Sendable {
  // Unchecked: only the transfer thread uses `raw`, but for waking it, which libcurl allows to any.
  @unsafe let raw: UnsafeMutableRawPointer

  /// - Parameter connections: kept open, idle ones among them, at most.
  init(connections: Int) {
    // Fails only without memory.
    unsafe raw = curl_multi_init()!
    unsafe loxeval_multi_set_long(raw, CURLMOPT_MAXCONNECTS, connections)
  }

  deinit { unsafe curl_multi_cleanup(raw) }

  /// Ends the thread's wait for the network, now or the next one.
  func wake() { unsafe curl_multi_wakeup(raw) }
}

/// The transfer thread's work: owns every easy handle, and shares the multi handle with those who wake it.
@safe
struct TransferLoop: ~Copyable {
  private let mailbox: TransferMailbox
  private let limits: Transport.Limits
  private let multi: MultiHandle
  private var waiting: [Transfer] = []
  private var active: [EasyHandle.Key: EasyHandle] = [:]
  private var idle: [EasyHandle] = []
  /// When transfers are next looked through for those that take too long.
  private var nextCheck = ContinuousClock.now

  init(mailbox: TransferMailbox, limits: Transport.Limits) {
    self.mailbox = mailbox
    self.limits = limits
    // Several servers may be asked in turns: what was opened to one is kept while others are asked.
    multi = MultiHandle(connections: 8 * limits.connections)
    mailbox.attach(multi)
  }

  mutating func run() {
    while receive() {
      startWaiting()
      var running: Int32 = 0
      unsafe curl_multi_perform(multi.raw, &running)
      collectFinished()
      giveUpOverdue()
      // Woken early by messages and by the network; the second is for the deadlines.
      let hasRoom = !waiting.isEmpty && active.count < limits.connections
      let patience: Int32 = hasRoom ? 0 : active.isEmpty ? 60_000 : 250
      unsafe curl_multi_poll(multi.raw, nil, 0, patience, nil)
    }
    let late = mailbox.close()
    for case .start(let transfer) in late { transfer.finish(.failure(.shutDown)) }
    for transfer in waiting { transfer.finish(.failure(.shutDown)) }
    for handle in Array(active.values) { end(handle, .failure(.shutDown)) }
  }

  /// Takes the callers' messages; false once the client was shut down.
  private mutating func receive() -> Bool {
    var isStopping = false
    for message in mailbox.take() {
      switch message {
      case .start(let transfer):
        waiting.append(transfer)
      case .cancel(let transfer):
        waiting.removeAll { $0 === transfer }
        if let handle = active.values.first(where: { $0.transfer === transfer }) {
          end(handle, .failure(.cancelled))
        } else {
          transfer.finish(.failure(.cancelled))
        }
      case .stop:
        // What came with it is taken all the same: it must be told that it came too late.
        isStopping = true
      }
    }
    return !isStopping
  }

  private mutating func startWaiting() {
    while active.count < limits.connections, !waiting.isEmpty {
      let transfer = waiting.removeFirst()
      guard let handle = idle.popLast() ?? EasyHandle() else {
        transfer.finish(.failure(.unreachable("libcurl has no more handles")))
        continue
      }
      do throws(TransportError) {
        try handle.begin(transfer, limits)
      } catch {
        idle.append(handle)
        transfer.finish(.failure(error))
        continue
      }
      transfer.begin(limits)
      active[handle.key] = handle
      unsafe curl_multi_add_handle(multi.raw, handle.raw)
    }
  }

  private mutating func collectFinished() {
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(multi.raw, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE,
        let raw = unsafe message.pointee.easy_handle
      else { continue }
      guard let handle = unsafe active[EasyHandle.Key(raw)], let transfer = handle.transfer else {
        continue
      }
      let code = unsafe loxeval_message_result(message)
      end(handle, outcome(of: transfer, handle, code))
    }
  }

  private func outcome(
    of transfer: Transfer, _ handle: EasyHandle, _ code: CURLcode
  ) -> Result<TransportResponse, TransportError> {
    if let failure = transfer.failure { return .failure(failure) }
    if code == CURLE_OPERATION_TIMEDOUT {
      return .failure(.timedOut(phase: .connection, seconds: limits.connectSeconds))
    }
    if code == CURLE_FILESIZE_EXCEEDED {
      return .failure(.bodyTooLarge(limit: limits.bodyBytes))
    }
    // libcurl's own limit on one header line, a third of a megabyte, is told as a lack of memory.
    if code == CURLE_OUT_OF_MEMORY {
      return .failure(.headersTooLarge(limit: transfer.headerLimit))
    }
    if Self.isUntrusted(code) {
      return .failure(.untrusted(unsafe String(cString: curl_easy_strerror(code))))
    }
    guard code == CURLE_OK else {
      let reason = unsafe String(cString: curl_easy_strerror(code))
      return .failure(Self.isUnreachable(code) ? .unreachable(reason) : .connection(reason))
    }
    var status = 0
    unsafe loxeval_get_long(handle.raw, CURLINFO_RESPONSE_CODE, &status)
    var opened = 0
    unsafe loxeval_get_long(handle.raw, CURLINFO_NUM_CONNECTS, &opened)
    let secrets = transfer.request.secrets
    return .success(
      TransportResponse(
        status: status, headers: transfer.headers.hiding(secrets),
        body: secrets.cleaned(transfer.body),
        milliseconds: (ContinuousClock.now - transfer.startedAt).milliseconds,
        hasNewConnection: opened > 0))
  }

  private static func isUnreachable(_ code: CURLcode) -> Bool {
    [CURLE_COULDNT_CONNECT, CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY].contains(code)
  }

  private static func isUntrusted(_ code: CURLcode) -> Bool {
    [
      CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CACERT_BADFILE,
      CURLE_SSL_ISSUER_ERROR, CURLE_SSL_INVALIDCERTSTATUS,
    ].contains(code)
  }

  private mutating func giveUpOverdue() {
    let now = ContinuousClock.now
    guard now >= nextCheck else { return }
    nextCheck = now + .milliseconds(100)
    for handle in active.values {
      guard let transfer = handle.transfer else { continue }
      if let first = transfer.sink == nil ? transfer.firstByteAt : transfer.lastByteAt {
        if (now - first).milliseconds > limits.bodySeconds * 1_000 {
          end(handle, .failure(.timedOut(phase: .body, seconds: limits.bodySeconds)))
        }
        continue
      }
      let most = min(transfer.request.firstByteSeconds ?? .infinity, limits.firstByteSeconds)
      if (now - transfer.startedAt).milliseconds > most * 1_000 {
        end(handle, .failure(.timedOut(phase: .firstByte, seconds: most)))
      }
    }
  }

  /// Takes a transfer off the wire, keeps its handle for another, and reports its result.
  private mutating func end(
    _ handle: EasyHandle, _ result: Result<TransportResponse, TransportError>
  ) {
    guard active.removeValue(forKey: handle.key) != nil else { return }
    unsafe curl_multi_remove_handle(multi.raw, handle.raw)
    idle.append(handle)
    handle.finish()?.finish(result)
  }
}
