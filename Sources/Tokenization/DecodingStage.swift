/// One step from token texts back to plain text (`decoder` in tokenizer.json), fed one fragment at
/// a time so that a streamed reply and a whole one come out alike.
enum DecodingStage: Sendable {
  /// Characters of the byte-level alphabet become bytes, and those text.
  case byteLevel(pending: [UInt8] = [])
  case replace(SplitPattern, with: [UInt8])
  /// Runs of `<0x..>` tokens become text if together they are UTF-8, else U+FFFD each.
  case byteFallback(pending: [UInt8] = [])
  /// Everything counts as one token from here on.
  case fuse
  /// Takes up to `start` of `content` off the front and `stop` off the end: of each token, or once
  /// over all where a stage before fuses them.
  case strip(content: Unicode.Scalar, start: Int, stop: Int, fused: FusedStrip?)
  case metaspace(replacement: [UInt8], dropsFirst: Bool)
  /// Without a decoder, tokens are set apart by spaces.
  case spaced(isFirst: Bool = true)

  /// How far a strip over fused text has come.
  struct FusedStrip: Sendable {
    var leftToStrip: Int
    var heldBack: [Unicode.Scalar] = []
  }

  static let supported = "Sequence, ByteLevel, Replace, ByteFallback, Fuse, Strip, Metaspace"

  /// The stages a `decoder` stands for, in order.
  static func stages(_ node: ConfigurationNode?) throws(TokenizerError) -> [DecodingStage] {
    guard let node else { return [.spaced()] }
    var stages: [DecodingStage] = []
    try append(node, to: &stages)
    return stages
  }

  private static func append(
    _ node: ConfigurationNode, to stages: inout [DecodingStage]
  ) throws(TokenizerError) {
    let isFused = stages.contains { stage in
      switch stage {
      case .fuse, .byteLevel: true
      default: false
      }
    }
    let type = try node.required("type", "a decoder's name").string()
    if isFused, !["Sequence", "Strip", "Fuse"].contains(type) {
      throw node.unsupported("\(type) behind Fuse or ByteLevel", supported: "Strip there")
    }
    switch type {
    case "Sequence":
      for member in try node.required("decoders", "an array").elements() {
        try append(member, to: &stages)
      }
    case "ByteLevel": stages.append(.byteLevel())
    case "Replace":
      stages.append(
        .replace(
          try SplitPattern(try node.required("pattern", "a pattern")),
          with: Array(try node.required("content", "a string").string().utf8)))
    case "ByteFallback": stages.append(.byteFallback())
    case "Fuse": stages.append(.fuse)
    case "Strip":
      let contentNode = try node.required("content", "a character")
      let content = try contentNode.string().unicodeScalars
      guard let scalar = content.first, content.count == 1 else {
        throw contentNode.mismatch("one character")
      }
      let start = try Self.count(try node.required("start", "an integer"))
      let stop = try Self.count(try node.required("stop", "an integer"))
      stages.append(
        .strip(
          content: scalar, start: start, stop: stop,
          fused: isFused ? FusedStrip(leftToStrip: start) : nil))
    case "Metaspace":
      stages.append(
        .metaspace(
          replacement: Array(try node["replacement"]?.string().utf8 ?? "▁".utf8),
          dropsFirst: try PreTokenizer.PrependScheme(metaspace: node) != .never))
    default: throw node.unsupported(type, supported: supported)
    }
  }

  private static func count(_ node: ConfigurationNode) throws(TokenizerError) -> Int {
    let count = try node.integer()
    guard count >= 0 else { throw node.mismatch("0 or more") }
    return count
  }

  /// Takes one fragment and returns those that are ready.
  mutating func push(_ token: String) -> [String] {
    switch self {
    case .byteLevel(var pending):
      pending.append(contentsOf: ByteLevelAlphabet.bytes(of: token))
      let complete = pending.count - Self.incompleteTail(of: pending)
      let text = String(decoding: pending[..<complete], as: UTF8.self)
      self = .byteLevel(pending: Array(pending[complete...]))
      return text.isEmpty ? [] : [text]
    case .replace(let pattern, let content):
      return [Normalizer.replace(pattern, with: content).normalize(token, continues: true)]
    case .byteFallback(var pending):
      if let byte = Self.byte(of: token) {
        pending.append(byte)
        self = .byteFallback(pending: pending)
        return []
      }
      self = .byteFallback()
      return Self.text(ofBytes: pending) + [token]
    case .fuse: return [token]
    case .strip(let content, let start, let stop, var fused):
      guard fused != nil else {
        return [Self.strip(token, content: content, start: start, stop: stop)]
      }
      let text = fused?.push(token, content: content, stop: stop) ?? ""
      self = .strip(content: content, start: start, stop: stop, fused: fused)
      return text.isEmpty ? [] : [text]
    case .metaspace(let replacement, let dropsFirst):
      self = .metaspace(replacement: replacement, dropsFirst: false)
      let content: [UInt8] = dropsFirst ? [] : [UInt8(ascii: " ")]
      return [
        Normalizer.replace(.text(replacement), with: content).normalize(token, continues: true)
      ]
    case .spaced(let isFirst):
      self = .spaced(isFirst: false)
      return [isFirst ? token : " " + token]
    }
  }

  /// What is left when no more tokens come.
  mutating func finish() -> [String] {
    switch self {
    case .byteLevel(let pending):
      self = .byteLevel()
      return pending.isEmpty ? [] : [String(decoding: pending, as: UTF8.self)]
    case .byteFallback(let pending):
      self = .byteFallback()
      return Self.text(ofBytes: pending)
    case .strip(let content, let start, let stop, let fused?):
      self = .strip(
        content: content, start: start, stop: stop, fused: FusedStrip(leftToStrip: start))
      let kept = fused.heldBack.dropLast(stop)
      return kept.isEmpty ? [] : [String(String.UnicodeScalarView(kept))]
    default: return []
    }
  }

  /// How many bytes at the end are the start of a character whose rest may still come.
  private static func incompleteTail(of bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      if lead & 0xC0 == 0x80 { continue }
      let tail = bytes[(bytes.count - length)...]
      return isStartOfCharacter(tail) ? length : 0
    }
    return 0
  }

  /// Whether bytes could be completed to one scalar (Unicode 3.9, table 3-7).
  private static func isStartOfCharacter(_ bytes: ArraySlice<UInt8>) -> Bool {
    guard let lead = bytes.first else { return false }
    let second = bytes.dropFirst().first
    switch lead {
    case 0xC2...0xDF: return bytes.count < 2
    case 0xE0: return bytes.count < 3 && second.map { $0 >= 0xA0 } ?? true
    case 0xED: return bytes.count < 3 && second.map { $0 <= 0x9F } ?? true
    case 0xE1...0xEF: return bytes.count < 3
    case 0xF0: return bytes.count < 4 && second.map { $0 >= 0x90 } ?? true
    case 0xF4: return bytes.count < 4 && second.map { $0 <= 0x8F } ?? true
    case 0xF1...0xF3: return bytes.count < 4
    default: return false
    }
  }

  /// The byte a `<0x..>` token stands for.
  private static func byte(of token: String) -> UInt8? {
    guard token.utf8.count == 6, token.hasPrefix("<0x"), token.hasSuffix(">") else { return nil }
    return UInt8(token.dropFirst(3).prefix(2), radix: 16)
  }

  private static func text(ofBytes bytes: [UInt8]) -> [String] {
    if bytes.isEmpty { return [] }
    if let text = String(validating: bytes, as: UTF8.self) { return [text] }
    return bytes.map { _ in "\u{FFFD}" }
  }

  private static func strip(
    _ token: String, content: Unicode.Scalar, start: Int, stop: Int
  ) -> String {
    var scalars = token.unicodeScalars[...]
    let leading = scalars.prefix(start).prefix { $0 == content }.count
    scalars = scalars.dropFirst(leading)
    let trailing = scalars.suffix(stop).reversed().prefix { $0 == content }.count
    return String(scalars.dropLast(trailing))
  }
}

extension DecodingStage.FusedStrip {
  fileprivate mutating func push(_ text: String, content: Unicode.Scalar, stop: Int) -> String {
    var ready = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if leftToStrip > 0 {
        if scalar == content {
          leftToStrip -= 1
          continue
        }
        leftToStrip = 0
      }
      if scalar == content {
        heldBack.append(scalar)
        if heldBack.count > stop { ready.append(heldBack.removeLast()) }
      } else {
        ready.append(contentsOf: heldBack)
        heldBack = []
        ready.append(scalar)
      }
    }
    return String(ready)
  }
}
