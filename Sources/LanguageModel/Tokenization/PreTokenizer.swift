import Foundation

/// Cuts normalised text into the words that byte-pair encoding works on.
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  case digits(individual: Bool)
  case byteLevel(addsPrefixSpace: Bool, splits: Bool)
  case split(Pattern, Pattern.Behaviour, invert: Bool)
  case metaspace(replacement: String, prepends: MetaspacePrepending, splits: Bool)

  enum MetaspacePrepending: String, Sendable {
    case always, first, never
  }

  /// GPT-2's word pattern.
  private static let words = Pattern(
    #"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"#)!
  private static let runsOfDigits = Pattern(#"\p{N}+"#)!
  private static let singleDigits = Pattern(#"\p{N}"#)!

  init(_ value: JSONValue, file: String) throws(TokenizerError) {
    let type = value["type"]?.string ?? "none"
    switch type {
    case "Sequence":
      var parts: [PreTokenizer] = []
      for part in value["pretokenizers"]?.array ?? [] {
        parts.append(try PreTokenizer(part, file: file))
      }
      self = .sequence(parts)
    case "Digits":
      self = .digits(individual: value["individual_digits"]?.bool ?? false)
    case "ByteLevel":
      self = .byteLevel(
        addsPrefixSpace: value["add_prefix_space"]?.bool ?? true,
        splits: value["use_regex"]?.bool ?? true)
    case "Split":
      guard let behaviour = value["behavior"]?.string.flatMap(Pattern.Behaviour.init) else {
        throw .unsupported(
          file: file, component: "Split behavior \(value["behavior"]?.string ?? "none")")
      }
      let pattern: Pattern
      if let text = value["pattern"]?["String"]?.string {
        pattern = Pattern(literal: text)
      } else {
        let text = value["pattern"]?["Regex"]?.string ?? ""
        guard let compiled = Pattern(text) else {
          throw .invalidPattern(file: file, pattern: text)
        }
        pattern = compiled
      }
      self = .split(pattern, behaviour, invert: value["invert"]?.bool ?? false)
    case "Metaspace":
      let scheme = value["prepend_scheme"]?.string ?? "always"
      guard let prepends = MetaspacePrepending(rawValue: scheme) else {
        throw .unsupported(file: file, component: "Metaspace prepend_scheme \(scheme)")
      }
      self = .metaspace(
        replacement: value["replacement"]?.string ?? "▁", prepends: prepends,
        splits: value["split"]?.bool ?? true)
    case "Whitespace":
      self = .split(Pattern(#"\w+|[^\w\s]+"#)!, .removed, invert: true)
    case "WhitespaceSplit":
      self = .split(Pattern(#"\s+"#)!, .removed, invert: false)
    default:
      throw .unsupported(file: file, component: "the pre-tokenizer \(type)")
    }
  }

  /// - Parameter isFirst: whether the text begins the whole input.
  func words(_ text: String, isFirst: Bool) -> [String] {
    switch self {
    case .sequence(let parts):
      var pieces = [text]
      for part in parts {
        pieces = pieces.enumerated().flatMap { part.words($1, isFirst: isFirst && $0 == 0) }
      }
      return pieces
    case .digits(let individual):
      return (individual ? Self.singleDigits : Self.runsOfDigits).split(text, .isolated)
    case .byteLevel(let addsPrefixSpace, let splits):
      let text = addsPrefixSpace && !text.hasPrefix(" ") ? " " + text : text
      return (splits ? Self.words.split(text, .isolated) : [text]).map(ByteAlphabet.encode)
    case .split(let pattern, let behaviour, let invert):
      return pattern.split(text, behaviour, invert: invert)
    case .metaspace(let replacement, let prepends, let splits):
      var text = text.replacingOccurrences(of: " ", with: replacement)
      let wanted = prepends == .always || prepends == .first && isFirst
      if wanted && !text.hasPrefix(replacement) { text = replacement + text }
      return splits ? Pattern(literal: replacement).split(text, .mergedWithNext) : [text]
    }
  }
}
