/// Turns a stream of tokens into text as it comes, holding back bytes that are not yet a whole
/// character.
public struct TokenDecoder: Sendable {
  private let tokenizer: Tokenizer
  private let skipSpecialTokens: Bool
  private var held: [UInt8] = []
  private var isFirst = true

  public init(tokenizer: Tokenizer, skipSpecialTokens: Bool = true) {
    self.tokenizer = tokenizer
    self.skipSpecialTokens = skipSpecialTokens
  }

  /// - Returns: the text that this token completes; often its own, sometimes none.
  public mutating func append(_ id: Int) -> String {
    let bytes = tokenizer.bytes(
      of: id, isFirst: isFirst, skipSpecialTokens: skipSpecialTokens)
    if !bytes.isEmpty { isFirst = false }
    held += bytes
    let whole = held.count - Self.incompleteSuffix(held)
    defer { held.removeFirst(whole) }
    return String(decoding: held[..<whole], as: UTF8.self)
  }

  /// - Returns: what was held back, with U+FFFD for a character that never became whole.
  public mutating func finish() -> String {
    defer { held = [] }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end begin a UTF-8 character that is not complete.
  private static func incompleteSuffix(_ bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let byte = bytes[bytes.count - length]
      let needed =
        switch byte {
        case 0xC2...0xDF: 2
        case 0xE0...0xEF: 3
        case 0xF0...0xF4: 4
        default: 0
        }
      if needed > 0 { return needed > length ? length : 0 }
      if byte & 0xC0 != 0x80 { return 0 }
    }
    return 0
  }
}
