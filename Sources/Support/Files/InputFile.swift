import Crypto
package import Foundation

/// A file of settings, records or text that was read whole.
///
/// A byte order mark before a text does not count, and lines end with LF, CRLF or CR: editors and
/// spreadsheets write all of these.
package struct InputFile: Sendable {
  /// The most that is read of a file; each is far beyond what is published.
  package enum Limit: Int, Sendable {
    /// Configurations, indices of shards, templates, recipes: 64 MiB.
    case settings = 67_108_864
    /// Tokenizers: 256 MiB.
    case vocabulary = 268_435_456
    /// Prompts, dialogues, replies, journals, runs: 2 GiB.
    case records = 2_147_483_648
  }

  package typealias Fault = RegularFile.Fault

  /// The bytes as they stand in the file.
  package let data: Data

  /// - Throws: `Fault` where there is no regular file, or it is larger than the limit or unreadable.
  package init(_ url: URL, _ limit: Limit) throws(Fault) {
    data = try RegularFile(url.path).read(atMost: limit.rawValue)
  }

  /// - Returns: nil where there is nothing of that name.
  package static func ifPresent(_ url: URL, _ limit: Limit) throws(Fault) -> InputFile? {
    do {
      return try InputFile(url, limit)
    } catch {
      guard !error.isMissing else { return nil }
      throw error
    }
  }

  private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]

  /// The bytes without a byte order mark.
  package var body: Data { Self.withoutMark(data) }

  private static func withoutMark(_ bytes: Data) -> Data {
    bytes.starts(with: byteOrderMark) ? bytes.dropFirst(byteOrderMark.count) : bytes
  }

  /// The text, without a byte order mark.
  ///
  /// - Throws: `Fault` where it is not UTF-8.
  package func text() throws(Fault) -> String {
    if data.starts(with: [0xFF, 0xFE]) || data.starts(with: [0xFE, 0xFF]) {
      throw Fault(kind: .notText, reason: "it is UTF-16 text; save it as UTF-8")
    }
    guard let text = String(validating: body, as: UTF8.self) else {
      throw Fault(kind: .notText, reason: "it is not UTF-8 text")
    }
    return text
  }

  package struct Line: Sendable {
    /// Counted from 1, blank ones included.
    package let number: Int
    /// Without the line's end.
    package let bytes: Data
  }

  /// The lines that are not blank.
  package var lines: [Line] {
    var lines: [Line] = []
    let bytes = body
    var (start, number) = (bytes.startIndex, 1)
    func end(before end: Data.Index) {
      let line = Self.withoutMark(bytes[start..<end])
      if line.contains(where: { $0 > 0x20 }) { lines.append(Line(number: number, bytes: line)) }
      number += 1
    }
    unsafe bytes.withUnsafeBytes { buffer in
      for offset in buffer.indices {
        let byte = unsafe buffer[offset]
        let isEnd = byte == UInt8(ascii: "\n") || byte == UInt8(ascii: "\r")
        guard isEnd else { continue }
        let place = bytes.startIndex + offset
        // Of CRLF the first ends the line, and the second is passed over.
        let isSecond =
          unsafe byte == UInt8(ascii: "\n") && offset > 0
          && buffer[offset - 1] == UInt8(ascii: "\r")
        if !isSecond { end(before: place) }
        start = place + 1
      }
    }
    if start < bytes.endIndex { end(before: bytes.endIndex) }
    return lines
  }

  /// SHA-256 of a file of any size, as `Digest` writes it.
  package static func digest(of url: URL) throws(Fault) -> String {
    let file = try RegularFile(url.path)
    var hash = SHA256()
    var piece = [UInt8](repeating: 0, count: 1 << 20)
    while true {
      let count = unsafe piece.withUnsafeMutableBytes { [descriptor = file.descriptor] buffer in
        unsafe read(descriptor, buffer.baseAddress, buffer.count)
      }
      if count < 0 && errno == EINTR { continue }
      guard count >= 0 else {
        throw Fault(
          kind: .system(code: errno), reason: unsafe String(cString: strerror(errno)))
      }
      guard count > 0 else { return Digest.text(hash.finalize()) }
      hash.update(data: piece[..<count])
    }
  }
}

extension FileError {
  /// Why a file that is needed cannot be read.
  package init(_ file: URL, _ fault: InputFile.Fault) {
    self = .unreadable(path: file.path, reason: fault.reason)
  }
}
