/// A text on its way to the vocabulary: bytes, and the pieces they have been cut into.
struct PreTokenizedText {
  /// Valid UTF-8.
  var bytes: [UInt8]
  /// In order, without overlap; what no piece covers has been dropped.
  var pieces: [Range<Int>]
  /// Whether it goes on where another text ended, so that nothing may be put before its start.
  let continues: Bool
  /// Whether it stands at the very start of the input.
  let startsInput: Bool

  init(_ text: String, continues: Bool, startsInput: Bool) {
    bytes = Array(text.utf8)
    pieces = bytes.isEmpty ? [] : [0..<bytes.count]
    self.continues = continues
    self.startsInput = startsInput
  }

  /// Cuts every piece where `matches` says.
  mutating func split(
    _ behavior: SplitBehavior, inverted: Bool = false,
    at matches: (ArraySlice<UInt8>) -> [Range<Int>]
  ) {
    pieces = pieces.flatMap { piece in
      behavior.pieces(of: piece, matches: matches(bytes[piece]), inverted: inverted)
    }
  }

  /// Rewrites every piece; `rewrite` also learns whether it is the first.
  mutating func rewrite(_ rewrite: (ArraySlice<UInt8>, _ isFirst: Bool) -> [UInt8]) {
    var rewritten: [UInt8] = []
    rewritten.reserveCapacity(bytes.count * 2)
    for index in pieces.indices {
      let start = rewritten.count
      rewritten.append(contentsOf: rewrite(bytes[pieces[index]], pieces[index].lowerBound == 0))
      pieces[index] = start..<rewritten.count
    }
    bytes = rewritten
  }
}

/// How text is cut into the words that merging never crosses (`pre_tokenizer` in tokenizer.json).
indirect enum PreTokenizer: Sendable {
  case sequence([PreTokenizer])
  /// Bytes become characters of the byte-level alphabet; `splitsWords` cuts by GPT-2's pattern first.
  case byteLevel(addsPrefixSpace: Bool, splitsWords: Bool)
  case digits(individual: Bool)
  case split(SplitPattern, SplitBehavior, inverted: Bool)
  /// Spaces become `replacement`, as in SentencePiece.
  case metaspace(replacement: [UInt8], prepend: PrependScheme, splits: Bool)
  /// Runs of word characters, and runs of anything else that is not white space.
  case words
  /// White space disappears.
  case whiteSpace
  case punctuation(SplitBehavior)

  /// Where Metaspace puts a leading replacement character.
  enum PrependScheme: String, Sendable, CaseIterable {
    case always, never, first
  }

  static let supported =
    "Sequence, ByteLevel, Digits, Split, Metaspace, Whitespace, WhitespaceSplit, Punctuation"

  init(_ node: ConfigurationNode) throws(TokenizerError) {
    let type = try node.required("type", "a pre-tokenizer's name").string()
    switch type {
    case "Sequence":
      var members: [PreTokenizer] = []
      for member in try node.required("pretokenizers", "an array").elements() {
        members.append(try PreTokenizer(member))
      }
      self = .sequence(members)
    case "ByteLevel":
      self = .byteLevel(
        addsPrefixSpace: try node.boolean("add_prefix_space", default: true),
        splitsWords: try node.boolean("use_regex", default: true))
    case "Digits":
      self = .digits(individual: try node.boolean("individual_digits", default: false))
    case "Split":
      self = .split(
        try SplitPattern(try node.required("pattern", "a pattern")),
        try SplitBehavior(try node.required("behavior", "a split behaviour")),
        inverted: try node.boolean("invert", default: false))
    case "Metaspace":
      self = .metaspace(
        replacement: Array(try node["replacement"]?.string().utf8 ?? "▁".utf8),
        prepend: try PrependScheme(metaspace: node),
        splits: try node.boolean("split", default: true))
    case "Whitespace": self = .words
    case "WhitespaceSplit": self = .whiteSpace
    case "Punctuation":
      self = .punctuation(
        try node["behavior"].map { node throws(TokenizerError) in try SplitBehavior(node) }
          ?? .isolated)
    default: throw node.unsupported(type, supported: Self.supported)
    }
  }

  func apply(to text: inout PreTokenizedText) {
    switch self {
    case .sequence(let members):
      for member in members { member.apply(to: &text) }
    case .byteLevel(let addsPrefixSpace, let splitsWords):
      if addsPrefixSpace {
        let continues = text.continues
        text.rewrite { piece, isFirst in
          piece.first == UInt8(ascii: " ") || (isFirst && continues)
            ? Array(piece) : [UInt8(ascii: " ")] + piece
        }
      }
      if splitsWords { text.split(.isolated, at: ByteLevelWords.words) }
      text.rewrite { piece, _ in piece.flatMap { ByteLevelAlphabet.encodings[Int($0)] } }
    case .digits(let individual):
      text.split(individual ? .isolated : .contiguous) { piece in
        Self.scalars(of: piece) { ScalarClass($0.value) == .number }
      }
    case .split(let pattern, let behavior, let inverted):
      text.split(behavior, inverted: inverted) { pattern.matches(in: $0) }
    case .metaspace(let replacement, let prepend, let splits):
      let (continues, startsInput) = (text.continues, text.startsInput)
      text.rewrite { piece, isFirst in
        let marked = piece.flatMap { $0 == UInt8(ascii: " ") ? replacement : [$0] }
        if marked.starts(with: replacement) || (isFirst && continues) { return marked }
        switch prepend {
        case .always: return replacement + marked
        case .never: return marked
        case .first: return isFirst && startsInput ? replacement + marked : marked
        }
      }
      if splits {
        text.split(.mergedWithNext) { UTF8Text.occurrences(of: replacement, in: $0) }
      }
    case .words:
      text.split(.removed, inverted: true) { piece in
        let words = SplitBehavior.contiguous.pieces(
          of: piece.indices, matches: Self.scalars(of: piece, where: \.isWordCharacter),
          inverted: false)
        return words.flatMap { word in
          SplitBehavior.removed.pieces(
            of: word,
            matches: Self.scalars(of: piece[word], where: \.properties.isWhitespace),
            inverted: false)
        }
      }
    case .whiteSpace:
      text.split(.removed) { Self.scalars(of: $0, where: \.properties.isWhitespace) }
    case .punctuation(let behavior):
      text.split(behavior) { Self.scalars(of: $0, where: \.isPunctuation) }
    }
  }

  /// The ranges of the single scalars that satisfy a condition.
  private static func scalars(
    of text: ArraySlice<UInt8>, where condition: (Unicode.Scalar) -> Bool
  ) -> [Range<Int>] {
    var found: [Range<Int>] = []
    var position = text.startIndex
    while position < text.endIndex {
      let (value, length) = UTF8Text.scalar(in: text, at: position)
      if let scalar = Unicode.Scalar(value), condition(scalar) {
        found.append(position..<position + length)
      }
      position += length
    }
    return found
  }
}

extension PreTokenizer.PrependScheme {
  /// `prepend_scheme`, or what older files say with `add_prefix_space`.
  init(metaspace node: ConfigurationNode) throws(TokenizerError) {
    guard let scheme = node["prepend_scheme"] else {
      self = try node.boolean("add_prefix_space", default: true) ? .always : .never
      return
    }
    let name = try scheme.string()
    guard let value = Self(rawValue: name) else {
      throw scheme.unsupported(
        name, supported: Self.allCases.map(\.rawValue).joined(separator: ", "))
    }
    self = value
  }
}
