/// The methods of Python's `str`.
extension Library {
  static let textMethods: [String: Method<Text>] =
    changingMethods.merging(splittingMethods) { $1 }.merging(searchingMethods) { $1 }
    .merging(askingMethods) { $1 }.merging(paddingMethods) { $1 }

  private static func plain(_ change: @escaping @Sendable (Text) -> Text) -> Method<Text> {
    Method { text, _, interpreter in
      try interpreter.charge(text.count / 8)
      return .text(change(text))
    }
  }

  private static let changingMethods: [String: Method<Text>] = [
    "upper": plain(\.uppercased),
    "lower": plain(\.lowercased),
    "casefold": plain { text in
      text.replacingEach { $0 == "ß" || $0 == "ẞ" ? "ss" : $0.properties.lowercaseMapping }
    },
    "capitalize": plain(\.capitalized),
    "title": plain(\.titlecased),
    "swapcase": plain(\.swappedCase),
    "strip": stripping(.both),
    "lstrip": stripping(.left),
    "rstrip": stripping(.right),
    "removeprefix": Method(["prefix"], required: 1) { text, arguments, _ in
      let prefix = try arguments.text("prefix") ?? Text()
      let has = text.hasPrefix(prefix, in: 0..<text.count)
      return .text(has ? text[prefix.count..<text.count] : text)
    },
    "removesuffix": Method(["suffix"], required: 1) { text, arguments, _ in
      let suffix = try arguments.text("suffix") ?? Text()
      let has = text.hasSuffix(suffix, in: 0..<text.count)
      return .text(has ? text[0..<text.count - suffix.count] : text)
    },
    "replace": Method(["old", "new", "count"], required: 2) { text, arguments, interpreter in
      let old = try arguments.text("old") ?? Text()
      let new = try arguments.text("new") ?? Text()
      let limit = try arguments.integer("count")
      return .text(
        try replace(text, old, new, limit.flatMap { $0 < 0 ? nil : $0 }, interpreter))
    },
    "format": .open { text, arguments, interpreter in
      .text(try interpreter.format(text, arguments))
    },
    "format_map": Method(["mapping"], required: 1) { text, arguments, interpreter in
      guard case .dictionary(let dictionary) = arguments.value("mapping") else {
        throw TemplateError.operation("'format_map' expects a dictionary")
      }
      let named = zip(dictionary.keys, dictionary.values).compactMap { key, value in
        key.text.map { (name: $0.string, value: value) }
      }
      return .text(try interpreter.format(text, Arguments(named: named)))
    },
  ]

  private static let splittingMethods: [String: Method<Text>] = [
    "split": splitting(fromRight: false),
    "rsplit": splitting(fromRight: true),
    "splitlines": Method(["keepends"]) { text, arguments, interpreter in
      try list(text.lines(keepingEnds: arguments.isTrue("keepends")), of: text, interpreter)
    },
    "partition": partition(fromRight: false),
    "rpartition": partition(fromRight: true),
    "join": Method(["iterable"], required: 1) { separator, arguments, interpreter in
      let items = try interpreter.items(of: arguments.value("iterable"))
      let parts = try items.map { item in
        guard let text = item.text else {
          throw TemplateError.operation("'join' expects strings, found \(item.kind)")
        }
        return text
      }
      try interpreter.reserve(parts.reduce(0) { $0 + $1.count + separator.count })
      return .text(Text.joined(parts, by: separator))
    },
  ]

  private static let searchingMethods: [String: Method<Text>] = [
    "startswith": ending { text, part, range in text.hasPrefix(part, in: range) },
    "endswith": ending { text, part, range in text.hasSuffix(part, in: range) },
    "find": finding { $0.firstOffset(of: $1, in: $2) ?? -1 },
    "rfind": finding { $0.lastOffset(of: $1, in: $2) ?? -1 },
    "index": finding { try found($0.firstOffset(of: $1, in: $2)) },
    "rindex": finding { try found($0.lastOffset(of: $1, in: $2)) },
    "count": finding { $0.occurrences(of: $1, in: $2) },
  ]

  private static func asking(_ ask: @escaping @Sendable (Text) -> Bool) -> Method<Text> {
    Method { text, _, interpreter in
      try interpreter.charge(text.count / 8)
      return .boolean(ask(text))
    }
  }

  private static let askingMethods: [String: Method<Text>] = [
    "islower": asking(\.isLower),
    "isupper": asking(\.isUpper),
    "istitle": asking(\.isTitle),
    "isspace": asking { $0.consists(of: \.isPythonSpace) },
    "isalpha": asking { $0.consists(of: \.isPythonAlpha) },
    "isalnum": asking { $0.consists(of: \.isPythonAlphanumeric) },
    "isdigit": asking { $0.consists(of: \.isPythonDigit) },
    "isdecimal": asking { $0.consists(of: \.isPythonDecimal) },
    "isnumeric": asking { $0.consists(of: \.isPythonNumeric) },
    "isascii": asking { $0.scalars.allSatisfy(\.isASCII) },
    "isprintable": asking { $0.scalars.allSatisfy(\.isPythonPrintable) },
    "isidentifier": asking {
      $0.scalars.first?.isNameStart == true && $0.consists(of: \.isNamePart)
    },
  ]

  private static let paddingMethods: [String: Method<Text>] = [
    "ljust": padding(.right),
    "rjust": padding(.left),
    "center": padding(.both),
    "zfill": Method(["width"], required: 1) { text, arguments, interpreter in
      let width = try arguments.integer("width") ?? 0
      let sign = text.scalars.first == "-" || text.scalars.first == "+" ? 1 : 0
      let digits = text[sign..<text.count]
      let filled = try pad(digits, to: max(0, width) - sign, .left, "0", interpreter)
      return .text(Text.joined([text[0..<sign], filled]))
    },
    "expandtabs": Method(["tabsize"]) { text, arguments, interpreter in
      let size = max(0, try arguments.integer("tabsize") ?? 8)
      try interpreter.reserve(text.occurrences(of: "\t", in: 0..<text.count), size)
      var column = 0
      return .text(
        text.replacingEach { scalar in
          if scalar == "\t" {
            let width = size == 0 ? 0 : size - column % size
            column += width
            return String(repeating: " ", count: width)
          }
          column = scalar == "\n" || scalar == "\r" ? 0 : column + 1
          return String(scalar)
        })
    },
  ]
}

/// What several of them share.
extension Library {
  static func strip(
    _ text: Text, _ side: Text.Side, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Text {
    try interpreter.charge(text.count / 8)
    guard arguments.given("chars") != nil, let chars = try arguments.text("chars") else {
      return text.stripped(side)
    }
    let stripped = Set(chars.scalars)
    return text.stripped(side) { stripped.contains($0) }
  }

  private static func stripping(_ side: Text.Side) -> Method<Text> {
    Method(["chars"]) { text, arguments, interpreter in
      .text(try strip(text, side, arguments, interpreter))
    }
  }

  static func replace(
    _ text: Text, _ old: Text, _ new: Text, _ limit: Int?, _ interpreter: Interpreter
  ) throws -> Text {
    let places = min(text.occurrences(of: old, in: 0..<text.count), max(0, limit ?? .max))
    try interpreter.reserve(max(new.count, 1), places)
    try interpreter.reserve(text.count + new.count * places)
    return text.replacing(old, with: new, limit: limit.flatMap { $0 < 0 ? nil : $0 })
  }

  private static func list(
    _ parts: [Text], of text: Text, _ interpreter: Interpreter
  ) throws -> Value {
    try interpreter.charge(text.count / 8 + parts.count)
    return .list(
      try ListValue(parts.map(Value.text), origin: text.runs.first?.mark.origin ?? .template))
  }

  private static func splitting(fromRight: Bool) -> Method<Text> {
    Method(["sep", "maxsplit"]) { text, arguments, interpreter in
      let limit = try arguments.integer("maxsplit").flatMap { $0 < 0 ? nil : $0 }
      guard arguments.given("sep") != nil, let separator = try arguments.text("sep") else {
        return try list(
          text.splitAtSpaces(limit: limit, fromRight: fromRight), of: text, interpreter)
      }
      guard !separator.isEmpty else {
        throw TemplateError.operation("a string cannot be split at an empty one")
      }
      return try list(
        text.split(at: separator, limit: limit, fromRight: fromRight), of: text, interpreter)
    }
  }

  private static func partition(fromRight: Bool) -> Method<Text> {
    Method(["sep"], required: 1) { text, arguments, _ in
      let separator = try arguments.text("sep") ?? Text()
      guard !separator.isEmpty else {
        throw TemplateError.operation("a string cannot be split at an empty one")
      }
      let all = 0..<text.count
      let place =
        fromRight
        ? text.lastOffset(of: separator, in: all) : text.firstOffset(of: separator, in: all)
      guard let place else {
        let parts = fromRight ? [Text(), Text(), text] : [text, Text(), Text()]
        return .tuple(try ListValue(parts.map(Value.text)))
      }
      let end = place + separator.count
      return .tuple(
        try ListValue([
          .text(text[0..<place]), .text(text[place..<end]), .text(text[end..<text.count]),
        ]))
    }
  }

  /// The range that `start` and `end` name, as in a slice; nil where `start` lies behind the text.
  private static func range(_ text: Text, _ arguments: BoundArguments) throws -> Range<Int>? {
    let bound = { (name: String, standard: Int) -> Int in
      guard arguments.given(name) != nil, let value = try arguments.integer(name) else {
        return standard
      }
      return value < 0 ? max(0, value + text.count) : value
    }
    let start = try bound("start", 0)
    let end = min(try bound("end", text.count), text.count)
    return start <= end ? start..<end : nil
  }

  private static func finding(
    _ find: @escaping @Sendable (Text, Text, Range<Int>) throws -> Int
  ) -> Method<Text> {
    Method(["sub", "start", "end"], required: 1) { text, arguments, interpreter in
      try interpreter.charge(text.count / 8)
      let part = try arguments.text("sub") ?? Text()
      guard let range = try range(text, arguments) else {
        // Behind the text there is nothing, not even an empty string.
        return .int(try find(Text(), "x", 0..<0))
      }
      return .int(try find(text, part, range))
    }
  }

  private static func found(_ offset: Int?) throws -> Int {
    guard let offset else { throw TemplateError.operation("the string does not hold the other") }
    return offset
  }

  private static func ending(
    _ has: @escaping @Sendable (Text, Text, Range<Int>) -> Bool
  ) -> Method<Text> {
    Method(["prefix", "start", "end"], required: 1) { text, arguments, _ in
      let value = arguments.value("prefix")
      let parts: [Value]
      if case .tuple(let list) = value { parts = list.items } else { parts = [value] }
      let texts = try parts.map { part in
        guard let text = part.text else {
          throw arguments.mismatch("prefix", value, "a string or a tuple of strings")
        }
        return text
      }
      guard let range = try range(text, arguments) else { return .boolean(false) }
      return .boolean(texts.contains { has(text, $0, range) })
    }
  }

  static func pad(
    _ text: Text, to width: Int, _ side: Text.Side, _ filling: Text, _ interpreter: Interpreter
  ) throws -> Text {
    let missing = width - text.count
    guard missing > 0 else { return text }
    try interpreter.reserve(width)
    // Python's own way to halve an odd number.
    let left = side == .left ? missing : side == .right ? 0 : missing / 2 + (missing & width & 1)
    return Text.joined([filling.repeated(left), text, filling.repeated(missing - left)])
      .markup(text.isMarkup)
  }

  private static func padding(_ side: Text.Side) -> Method<Text> {
    Method(["width", "fillchar"], required: 1) { text, arguments, interpreter in
      let filling = try arguments.text("fillchar") ?? " "
      guard filling.count == 1 else {
        throw arguments.mismatch("fillchar", arguments.value("fillchar"), "one character")
      }
      return .text(
        try pad(text, to: try arguments.integer("width") ?? 0, side, filling, interpreter))
    }
  }
}
