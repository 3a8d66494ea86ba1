import Foundation

/// How text is rewritten before it is cut up (`normalizer` in tokenizer.json).
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case nfc, nfd, nfkc, nfkd
  case lowercase
  case prepend(String)
  case replace(SplitPattern, with: [UInt8])
  case strip(left: Bool, right: Bool)
  case precompiled(PrecompiledMap)
  /// Drops combining marks.
  case stripAccents

  static let supported =
    "Sequence, NFC, NFD, NFKC, NFKD, Lowercase, Precompiled, Prepend, Replace, Strip, StripAccents"

  init(_ node: ConfigurationNode) throws(TokenizerError) {
    let type = try node.required("type", "a normalizer's name").string()
    switch type {
    case "Sequence":
      var members: [Normalizer] = []
      for member in try node.required("normalizers", "an array").elements() {
        members.append(try Normalizer(member))
      }
      self = .sequence(members)
    case "NFC": self = .nfc
    case "NFD": self = .nfd
    case "NFKC": self = .nfkc
    case "NFKD": self = .nfkd
    case "Lowercase": self = .lowercase
    case "Prepend": self = .prepend(try node.required("prepend", "a string").string())
    case "Replace":
      self = .replace(
        try SplitPattern(try node.required("pattern", "a pattern")),
        with: Array(try node.required("content", "a string").string().utf8))
    case "Strip":
      self = .strip(
        left: try node.boolean("strip_left", default: true),
        right: try node.boolean("strip_right", default: true))
    case "StripAccents": self = .stripAccents
    case "Precompiled":
      let map = try node.required("precompiled_charsmap", "a map in base 64")
      guard let compiled = PrecompiledMap(base64: try map.string()) else {
        throw map.mismatch("a map in base 64")
      }
      self = .precompiled(compiled)
    default: throw node.unsupported(type, supported: Self.supported)
    }
  }

  /// - Parameter continues: Whether the text goes on where another ended; then nothing is put
  ///   before it.
  func normalize(_ text: String, continues: Bool) -> String {
    switch self {
    case .sequence(let members):
      return members.reduce(text) { $1.normalize($0, continues: continues) }
    case .nfc: return text.precomposedStringWithCanonicalMapping
    case .nfd: return text.decomposedStringWithCanonicalMapping
    // Foundation composes each character alone: a half-width letter and the mark behind it stay two.
    case .nfkc:
      return text.decomposedStringWithCompatibilityMapping.precomposedStringWithCanonicalMapping
    case .nfkd: return text.decomposedStringWithCompatibilityMapping
    case .lowercase:
      return text.unicodeScalars.reduce(into: "") { $0 += $1.properties.lowercaseMapping }
    case .precompiled(let map): return map.normalize(text)
    case .stripAccents:
      return String(
        String.UnicodeScalarView(
          text.unicodeScalars.filter {
            ![.nonspacingMark, .spacingMark, .enclosingMark].contains($0.properties.generalCategory)
          }))
    case .prepend(let prefix): return text.isEmpty || continues ? text : prefix + text
    case .replace(let pattern, let content):
      let bytes = Array(text.utf8)
      let matches = pattern.matches(in: bytes[...])
      guard !matches.isEmpty else { return text }
      var replaced: [UInt8] = []
      var end = 0
      for match in matches {
        replaced.append(contentsOf: bytes[end..<match.lowerBound])
        replaced.append(contentsOf: content)
        end = match.upperBound
      }
      replaced.append(contentsOf: bytes[end...])
      return String(decoding: replaced, as: UTF8.self)
    case .strip(let left, let right):
      var scalars = text.unicodeScalars[...]
      if left { scalars = scalars.drop { $0.properties.isWhitespace } }
      if right {
        while scalars.last?.properties.isWhitespace == true { scalars.removeLast() }
      }
      return String(scalars)
    }
  }
}
