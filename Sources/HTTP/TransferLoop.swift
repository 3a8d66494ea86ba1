import CLibcurl
import Foundation
import Support

/// One of libcurl's easy handles, as a key: its address. Owned by the loop that made it.
private struct EasyHandle: Hashable {
  private let address: UInt

  init?() {
    guard let handle = unsafe curl_easy_init() else { return nil }
    unsafe self.init(handle)
  }

  @unsafe init(_ handle: UnsafeMutableRawPointer) { address = UInt(bitPattern: handle) }

  @unsafe var raw: UnsafeMutableRawPointer? { unsafe UnsafeMutableRawPointer(bitPattern: address) }
}

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
  private var active: [EasyHandle: ActiveTransfer] = [:]
  private var idle: [EasyHandle] = []
  /// When transfers are next looked through for those that take too long.
  private var nextCheck = ContinuousClock.now

  @safe
  private struct ActiveTransfer {
    let transfer: Transfer
    let headerList: UnsafeMutablePointer<curl_slist>?
  }

  init(mailbox: TransferMailbox, limits: Transport.Limits) {
    self.mailbox = mailbox
    self.limits = limits
    // Several servers may be asked in turns: what was opened to one is kept while others are asked.
    multi = MultiHandle(connections: 8 * limits.connections)
    mailbox.attach(multi)
  }

  deinit {
    for handle in idle { unsafe curl_easy_cleanup(handle.raw) }
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
    for handle in Array(active.keys) { end(handle, .failure(.shutDown)) }
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
        if let handle = active.first(where: { $0.value.transfer === transfer })?.key {
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
      transfer.startedAt = .now
      transfer.bodyLimit = limits.bodyBytes
      transfer.headerLimit = limits.headerBytes
      let headers = unsafe configure(handle.raw, transfer)
      active[handle] = unsafe ActiveTransfer(transfer: transfer, headerList: headers)
      unsafe curl_multi_add_handle(multi.raw, handle.raw)
    }
  }

  /// Sets every option of one transfer; returns the header list, which must outlive it.
  private func configure(
    _ handle: UnsafeMutableRawPointer?, _ transfer: Transfer
  ) -> UnsafeMutablePointer<curl_slist>? {
    unsafe curl_easy_reset(handle)
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    unsafe loxeval_set_string(handle, CURLOPT_URL, transfer.request.url.absoluteString)
    unsafe loxeval_set_long(handle, CURLOPT_NOSIGNAL, 1)
    unsafe loxeval_set_long(handle, CURLOPT_FOLLOWLOCATION, 0)
    unsafe loxeval_set_string(handle, CURLOPT_PROTOCOLS_STR, "http,https")
    unsafe loxeval_set_string(handle, CURLOPT_NOPROXY, limits.hostsWithoutProxy)
    if transfer.request.sink == nil, !transfer.request.isHead {
      unsafe loxeval_set_string(handle, CURLOPT_ACCEPT_ENCODING, "")
    }
    unsafe loxeval_set_long(handle, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    // Where the server speaks HTTP/2, further requests share its connection.
    unsafe loxeval_set_long(handle, CURLOPT_PIPEWAIT, 1)
    if let file = limits.certificateFile {
      unsafe loxeval_set_string(handle, CURLOPT_CAINFO, file)
    }
    if transfer.request.isHead {
      unsafe loxeval_set_long(handle, CURLOPT_NOBODY, 1)
    } else if transfer.request.sink == nil {
      unsafe loxeval_set_offset(
        handle, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limits.bodyBytes))
    }
    unsafe loxeval_set_long(
      handle, CURLOPT_CONNECTTIMEOUT_MS, Int(limits.connectSeconds * 1_000))
    unsafe loxeval_set_silence_limit(handle, limits.silenceSeconds)
    unsafe loxeval_set_callback(handle, CURLOPT_WRITEFUNCTION, receiveBody)
    unsafe loxeval_set_pointer(handle, CURLOPT_WRITEDATA, context)
    unsafe loxeval_set_callback(handle, CURLOPT_HEADERFUNCTION, receiveHeader)
    unsafe loxeval_set_pointer(handle, CURLOPT_HEADERDATA, context)
    if let body = transfer.request.body {
      unsafe loxeval_set_long(handle, CURLOPT_POST, 1)
      unsafe loxeval_set_offset(handle, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
      unsafe body.withUnsafeBytes { bytes in
        // Copied by libcurl, so the bytes need not stay.
        _ = unsafe loxeval_set_string(
          handle, CURLOPT_COPYPOSTFIELDS, bytes.bindMemory(to: CChar.self).baseAddress)
      }
    }
    var list: UnsafeMutablePointer<curl_slist>?
    // libcurl would wait for "100 Continue" before larger bodies.
    for line in transfer.request.headers + ["Expect:"] {
      unsafe list = curl_slist_append(list, line)
    }
    unsafe loxeval_set_list(handle, CURLOPT_HTTPHEADER, list)
    return unsafe list
  }

  private mutating func collectFinished() {
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(multi.raw, &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE,
        let raw = unsafe message.pointee.easy_handle
      else { continue }
      let handle = unsafe EasyHandle(raw)
      guard let transfer = active[handle]?.transfer else { continue }
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
        status: status, headers: transfer.headers.mapValues(secrets.cleaned),
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
    for (handle, entry) in active {
      let transfer = entry.transfer
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
    guard let entry = active.removeValue(forKey: handle) else { return }
    unsafe curl_multi_remove_handle(multi.raw, handle.raw)
    unsafe curl_slist_free_all(entry.headerList)
    idle.append(handle)
    entry.transfer.finish(result)
  }
}

/// libcurl's callback for body bytes; less than `count` as the result aborts the transfer.
private func receiveBody(
  _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let data = unsafe data, let context = unsafe context else { return 0 }
  let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  if transfer.firstByteAt == nil { transfer.firstByteAt = .now }
  if let sink = transfer.sink {
    transfer.lastByteAt = .now
    let head = ResponseHead(status: transfer.status, headers: transfer.headers)
    let piece = unsafe Data(bytes: data, count: size * count)
    guard let reason = sink.take(piece, of: head) else { return size * count }
    transfer.failure = .refused(reason)
    return 0
  }
  guard transfer.body.count + size * count <= transfer.bodyLimit else {
    transfer.failure = .bodyTooLarge(limit: transfer.bodyLimit)
    return 0
  }
  unsafe transfer.body.append(Data(bytes: data, count: size * count))
  return size * count
}

/// libcurl's callback for one header line.
private func receiveHeader(
  _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let data = unsafe data, let context = unsafe context else { return 0 }
  let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  // Interim responses count too: a server could send them for ever.
  transfer.headerBytes += size * count
  guard transfer.headerBytes <= transfer.headerLimit else {
    transfer.failure = .headersTooLarge(limit: transfer.headerLimit)
    return 0
  }
  unsafe transfer.noteHeader(UnsafeRawBufferPointer(start: data, count: size * count))
  return size * count
}

extension Transfer {
  /// Keeps one header line.
  fileprivate func noteHeader(_ line: UnsafeRawBufferPointer) {
    // A new status line begins a new set: those before were interim responses.
    if unsafe line.starts(with: "HTTP/".utf8) {
      headers = [:]
      let words = unsafe String(decoding: line, as: UTF8.self).split(separator: " ")
      status = words.count > 1 ? Int(words[1].prefix { $0.isNumber }) ?? 0 : 0
    }
    guard let colon = unsafe line.firstIndex(of: UInt8(ascii: ":")), headers.count < 256 else {
      return
    }
    func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
    var value = unsafe line[(colon + 1)...].drop(while: isBlank)
    while let last = unsafe value.last, isBlank(last) { unsafe value.removeLast() }
    let name = unsafe String(decoding: line[..<colon], as: UTF8.self).lowercased()
    headers[name] = unsafe String(decoding: value, as: UTF8.self)
  }
}
