package import Foundation

/// Everything that must not be kept or printed: keys, passwords, values of headers. The one place that
/// knows how each may be spelled, and takes it out of a text.
///
/// It works on bytes and before anything is cut: no part of a secret is left over, and neither a NUL nor
/// a combining character beside it hides it.
package struct Secrets: Hashable, Sendable {
  /// What stands in a secret's place.
  package static let mark = "[key]"

  /// Shorter ones are placeholders (`none`, `EMPTY`), and words of replies: they are taken out of messages
  /// only.
  private static let shortestInReplies = 6
  private static let shortest = 3

  /// The secrets themselves, and other texts that give them away; longest first.
  private var known: [[UInt8]] = []

  package init() {}

  package init(_ secrets: [String]) {
    for secret in secrets { insert(secret) }
  }

  package var isEmpty: Bool { known.isEmpty }

  package mutating func insert(_ secret: String) {
    add(secret)
    // As a basic authorization or a log of one has it.
    add(Data(secret.utf8).base64EncodedString())
  }

  /// A user's name and password: the password, and both together as they are sent.
  package mutating func insert(user: String, password: String) {
    insert(password.isEmpty ? user : password)
    insert("\(user):\(password)")
  }

  package mutating func formUnion(_ other: Secrets) {
    for secret in other.known where !known.contains(secret) { known.append(secret) }
    known.sort { $0.count > $1.count }
  }

  private mutating func add(_ text: String) {
    var bytes = Array(text.utf8)
    while bytes.last == UInt8(ascii: "=") { bytes.removeLast() }
    // The alphabet of base64 for addresses.
    let other = bytes.map { byte in
      switch byte {
      case UInt8(ascii: "+"): UInt8(ascii: "-")
      case UInt8(ascii: "/"): UInt8(ascii: "_")
      default: byte
      }
    }
    for spelled in [bytes, other]
    where spelled.count >= Self.shortest && !known.contains(spelled) { known.append(spelled) }
    known.sort { $0.count > $1.count }
  }

  /// A text for people, without any secret.
  package func cleaned(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard let clean = replaced(bytes, shortest: Self.shortest) else { return text }
    return String(decoding: clean, as: UTF8.self)
  }

  /// What a server sent, replies included, without any secret that is more than a placeholder.
  package func cleaned(_ data: Data) -> Data {
    guard !known.isEmpty, let clean = replaced([UInt8](data), shortest: Self.shortestInReplies)
    else {
      return data
    }
    return Data(clean)
  }

  /// nil where there is nothing to replace.
  private func replaced(_ bytes: [UInt8], shortest: Int) -> [UInt8]? {
    let secrets = known.filter { $0.count >= shortest }
    guard !secrets.isEmpty else { return nil }
    var starts = [Bool](repeating: false, count: 256)
    for secret in secrets { starts[Int(secret[0])] = true }
    for byte in "%\\&".utf8 { starts[Int(byte)] = true }
    var result: [UInt8]?
    var copied = 0
    var position = 0
    while position < bytes.count {
      guard starts[Int(bytes[position])],
        let end = secrets.lazy.compactMap({ Self.end(of: $0, in: bytes, at: position) }).first
      else {
        position += 1
        continue
      }
      result = (result ?? []) + bytes[copied..<position] + Self.mark.utf8
      position = end
      copied = end
    }
    guard var result else { return nil }
    result += bytes[copied...]
    return result
  }

  /// Where a secret that begins at a place ends, each of its bytes as it is or escaped: `%2F`, `\/`,
  /// `\u002f`, `&amp;`. nil where it does not stand there.
  private static func end(of secret: [UInt8], in bytes: [UInt8], at start: Int) -> Int? {
    // A backslash may be itself or begin an escape, so that several ways are followed at once.
    var ends: Set = [start]
    for byte in secret {
      var next: Set<Int> = []
      for position in ends {
        if position < bytes.count, bytes[position] == byte { next.insert(position + 1) }
        if let length = escapeLength(of: byte, in: bytes, at: position) {
          next.insert(position + length)
        }
      }
      if next.isEmpty { return nil }
      ends = next
    }
    return ends.max()
  }

  private static func escapeLength(of byte: UInt8, in bytes: [UInt8], at position: Int) -> Int? {
    guard position < bytes.count else { return nil }
    func hexadecimal(_ start: Int, _ count: Int) -> Int? {
      guard start + count <= bytes.count else { return nil }
      return Int(String(decoding: bytes[start..<(start + count)], as: UTF8.self), radix: 16)
    }
    switch bytes[position] {
    case UInt8(ascii: "%"):
      return hexadecimal(position + 1, 2) == Int(byte) ? 3 : nil
    case UInt8(ascii: "\\"):
      // JSON inside JSON escapes the escapes.
      var next = position
      while next < bytes.count, bytes[next] == UInt8(ascii: "\\") { next += 1 }
      if next < bytes.count, bytes[next] == byte { return next + 1 - position }
      if next < bytes.count, bytes[next] == UInt8(ascii: "u"),
        hexadecimal(next + 1, 4) == Int(byte), byte < 0x80
      {
        return next + 5 - position
      }
      return byte == UInt8(ascii: "\\") && next - position >= 2 ? 2 : nil
    case UInt8(ascii: "&"):
      for (name, value) in [
        ("&amp;", "&"), ("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&#39;", "'"),
      ] where value.utf8.first == byte && bytes[position...].starts(with: name.utf8) {
        return name.utf8.count
      }
      return nil
    default:
      return nil
    }
  }
}

extension Secrets {
  /// What a command line says, without keys: no address in it has a user's name, password or query, and
  /// no option or variable of a key its value.
  package static func withoutCredentials(_ text: String) -> String {
    let keys =
      /((?i)(?:--?(?:[a-z]+[-_])?(?:api[-_]?key|password|secret|(?:hf|auth|access|bearer)[-_]token)|[A-Z0-9_]*_(?:KEY|TOKEN|SECRET|PASSWORD))(?:=|\s+(?=[^\s-])))("[^"]*"|'[^']*'|\S+)/
    var result = ""
    let plain = text.replacing(keys) { "\($0.1)\(mark)" }
    var rest = plain[...]
    while let scheme = rest.range(of: "://") {
      result += rest[..<scheme.upperBound]
      rest = rest[scheme.upperBound...]
      let end = rest.firstIndex(where: \.isWhitespace) ?? rest.endIndex
      var address = rest[..<end]
      rest = rest[end...]
      // Wherever it stands: a password may hold what should have been escaped there.
      if let sign = address.lastIndex(of: "@") {
        result += mark
        address = address[sign...]
      }
      result += withoutQuery(address)
    }
    return result + rest
  }

  /// The values of a query, all but the version that some providers want there.
  private static func withoutQuery(_ address: Substring) -> String {
    guard let sign = address.firstIndex(of: "?") else { return String(address) }
    let query = address[address.index(after: sign)...]
    let items = query.split(separator: "&", omittingEmptySubsequences: false).map { item in
      let name = item.prefix { $0 != "=" }
      if name == item { return name.isEmpty ? "" : mark }
      return isPublic(String(name)) ? String(item) : "\(name)=\(mark)"
    }
    return address[...sign] + items.joined(separator: "&")
  }

  /// Whether a query's item holds nothing secret.
  package static func isPublic(_ name: String) -> Bool {
    ["api-version", "api_version", "version"].contains(name.lowercased())
  }
}
