import CLibcurl
import Foundation
import Support

/// One of libcurl's easy handles. What requests of a study have in common (address, headers, limits) is set once: of one
/// that follows another of its kind the body alone is.
@safe
final class EasyHandle {
  /// What all requests of one kind share.
  private struct Kind: Equatable {
    let url: URL
    let headers: [String]
    let isHead: Bool
    let hasBody: Bool
    let hasSink: Bool

    init(_ request: TransportRequest) {
      url = request.url
      headers = request.headers
      isHead = request.isHead
      hasBody = request.body != nil
      hasSink = request.sink != nil
    }
  }

  @unsafe let raw: UnsafeMutableRawPointer
  /// What it sends and gathers now; nil between transfers.
  private(set) var transfer: Transfer?
  private var kind: Kind?
  /// Must outlive every transfer that it was set for.
  private var headerList: UnsafeMutablePointer<curl_slist>?

  /// nil where libcurl has no more.
  init?() {
    guard let raw = unsafe curl_easy_init() else { return nil }
    unsafe self.raw = raw
  }

  deinit {
    unsafe curl_easy_cleanup(raw)
    unsafe curl_slist_free_all(headerList)
  }

  var key: Key { unsafe Key(raw) }

  /// A handle as libcurl names it.
  struct Key: Hashable {
    private let address: UInt

    @unsafe init(_ raw: UnsafeMutableRawPointer) { address = UInt(bitPattern: raw) }
  }

  /// Gets ready for a transfer.
  ///
  /// - Throws: `TransportError.invalidURL` or `invalidKey` where its request cannot be sent.
  func begin(_ transfer: Transfer, _ limits: Transport.Limits) throws(TransportError) {
    let kind = Kind(transfer.request)
    if kind != self.kind {
      self.kind = nil
      try Self.check(kind)
      set(kind, limits)
      self.kind = kind
    }
    self.transfer = transfer
    let context = unsafe Unmanaged.passUnretained(transfer).toOpaque()
    unsafe loxeval_set_pointer(raw, CURLOPT_WRITEDATA, context)
    unsafe loxeval_set_pointer(raw, CURLOPT_HEADERDATA, context)
    guard let body = transfer.request.body else { return }
    unsafe loxeval_set_offset(raw, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count))
    unsafe body.withUnsafeBytes { bytes in
      // Copied by libcurl, so the bytes need not stay.
      _ = unsafe loxeval_set_string(
        raw, CURLOPT_COPYPOSTFIELDS, bytes.bindMemory(to: CChar.self).baseAddress)
    }
  }

  /// - Returns: the transfer that has come to its end.
  func finish() -> Transfer? {
    defer { transfer = nil }
    return transfer
  }

  private static func check(_ kind: Kind) throws(TransportError) {
    guard let scheme = kind.url.scheme?.lowercased(), ["http", "https"].contains(scheme),
      kind.url.host != nil
    else { throw .invalidURL(Secrets.withoutCredentials(kind.url.absoluteString)) }
    // What libcurl takes as one string ends at a NUL, and a line end begins another header.
    guard kind.headers.allSatisfy({ !$0.utf8.contains { $0 == 0 || $0 == 10 || $0 == 13 } })
    else { throw .invalidKey("expected each header to be one line, found a line end in one") }
  }

  /// Sets every option that the requests of a kind share.
  private func set(_ kind: Kind, _ limits: Transport.Limits) {
    unsafe curl_easy_reset(raw)
    unsafe loxeval_set_string(raw, CURLOPT_URL, kind.url.absoluteString)
    unsafe loxeval_set_long(raw, CURLOPT_NOSIGNAL, 1)
    unsafe loxeval_set_long(raw, CURLOPT_FOLLOWLOCATION, 0)
    unsafe loxeval_set_string(raw, CURLOPT_PROTOCOLS_STR, "http,https")
    unsafe loxeval_set_string(raw, CURLOPT_NOPROXY, limits.hostsWithoutProxy)
    if !kind.hasSink, !kind.isHead {
      unsafe loxeval_set_string(raw, CURLOPT_ACCEPT_ENCODING, "")
    }
    unsafe loxeval_set_long(raw, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_2TLS))
    // Where the server speaks HTTP/2, further requests share its connection.
    unsafe loxeval_set_long(raw, CURLOPT_PIPEWAIT, 1)
    if let file = limits.certificateFile {
      unsafe loxeval_set_string(raw, CURLOPT_CAINFO, file)
    }
    if kind.isHead {
      unsafe loxeval_set_long(raw, CURLOPT_NOBODY, 1)
    } else if !kind.hasSink {
      unsafe loxeval_set_offset(raw, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(limits.bodyBytes))
    }
    unsafe loxeval_set_long(raw, CURLOPT_CONNECTTIMEOUT_MS, Int(limits.connectSeconds * 1_000))
    unsafe loxeval_set_silence_limit(raw, limits.silenceSeconds)
    unsafe loxeval_set_callback(raw, CURLOPT_WRITEFUNCTION, receiveBody)
    unsafe loxeval_set_callback(raw, CURLOPT_HEADERFUNCTION, receiveHeader)
    if kind.hasBody { unsafe loxeval_set_long(raw, CURLOPT_POST, 1) }
    var list: UnsafeMutablePointer<curl_slist>?
    // libcurl would wait for "100 Continue" before larger bodies.
    for line in kind.headers + ["Expect:"] {
      unsafe list = curl_slist_append(list, line)
    }
    unsafe loxeval_set_list(raw, CURLOPT_HTTPHEADER, list)
    unsafe curl_slist_free_all(headerList)
    unsafe headerList = list
  }
}

/// libcurl's callback for body bytes.
private func receiveBody(
  _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  unsafe hand(data, size * count, to: context) { unsafe $0.take($1) }
}

/// libcurl's callback for one header line.
private func receiveHeader(
  _ data: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  unsafe hand(data, size * count, to: context) { unsafe $0.note($1) }
}

/// Hands bytes to the transfer that libcurl got them for.
///
/// - Returns: how many were taken: fewer than all abort the transfer.
private func hand(
  _ data: UnsafeMutablePointer<CChar>?, _ count: Int, to context: UnsafeMutableRawPointer?,
  _ isTaken: (Transfer, UnsafeRawBufferPointer) -> Bool
) -> Int {
  guard let data = unsafe data, let context = unsafe context else { return 0 }
  let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  return unsafe isTaken(transfer, UnsafeRawBufferPointer(start: data, count: count)) ? count : 0
}
