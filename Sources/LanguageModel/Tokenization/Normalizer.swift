import Foundation

/// Rewrites text before it is cut into words.
indirect enum Normalizer: Sendable {
  case sequence([Normalizer])
  case form(Form)
  case lowercase
  case strip(left: Bool, right: Bool)
  case prepend(String)
  case replaceText(String, with: String)
  case replacePattern(Pattern, with: String)

  enum Form: String, Sendable {
    case nfc = "NFC"
    case nfd = "NFD"
    case nfkc = "NFKC"
    case nfkd = "NFKD"
  }

  init(_ value: JSONValue, file: String) throws(TokenizerError) {
    let type = value["type"]?.string ?? "none"
    switch type {
    case "Sequence":
      var parts: [Normalizer] = []
      for part in value["normalizers"]?.array ?? [] {
        parts.append(try Normalizer(part, file: file))
      }
      self = .sequence(parts)
    case "NFC", "NFD", "NFKC", "NFKD":
      self = .form(Form(rawValue: type) ?? .nfc)
    case "Lowercase":
      self = .lowercase
    case "Strip":
      self = .strip(
        left: value["strip_left"]?.bool ?? true, right: value["strip_right"]?.bool ?? true)
    case "Prepend":
      self = .prepend(value["prepend"]?.string ?? "")
    case "Replace":
      let content = value["content"]?.string ?? ""
      if let text = value["pattern"]?["String"]?.string {
        self = .replaceText(text, with: content)
      } else {
        let text = value["pattern"]?["Regex"]?.string ?? ""
        guard let pattern = Pattern(text) else { throw .invalidPattern(file: file, pattern: text) }
        self = .replacePattern(pattern, with: content)
      }
    default:
      throw .unsupported(file: file, component: "the normalizer \(type)")
    }
  }

  func apply(_ text: String) -> String {
    switch self {
    case .sequence(let parts):
      parts.reduce(text) { $1.apply($0) }
    case .form(.nfc):
      text.precomposedStringWithCanonicalMapping
    case .form(.nfd):
      text.decomposedStringWithCanonicalMapping
    case .form(.nfkc):
      text.precomposedStringWithCompatibilityMapping
    case .form(.nfkd):
      text.decomposedStringWithCompatibilityMapping
    case .lowercase:
      text.lowercased()
    case .strip(let left, let right):
      Self.strip(text, left: left, right: right)
    case .prepend(let prefix):
      text.isEmpty ? text : prefix + text
    case .replaceText(let old, let new):
      text.replacingOccurrences(of: old, with: new, options: .literal)
    case .replacePattern(let pattern, let new):
      pattern.replace(text, with: new)
    }
  }

  private static func strip(_ text: String, left: Bool, right: Bool) -> String {
    var scalars = text.unicodeScalars[...]
    if left { scalars = scalars.drop { $0.properties.isWhitespace } }
    if right {
      while let last = scalars.last, last.properties.isWhitespace { scalars.removeLast() }
    }
    return String(scalars)
  }
}
