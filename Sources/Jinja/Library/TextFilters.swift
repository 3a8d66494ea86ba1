extension Library {
  /// A filter of one text.
  private static func onText(_ change: @escaping @Sendable (Text) -> Text) -> Filter {
    Filter { value, _, interpreter in
      let text = try value.printed(interpreter)
      try interpreter.charge(text.count / 8)
      return .text(change(text))
    }
  }

  static let textFilters: [String: Filter] = [
    "string": onText { $0 },
    "upper": onText(\.uppercased),
    "lower": onText(\.lowercased),
    "capitalize": onText(\.capitalized),
    "title": onText(\.wordsCapitalized),
    "safe": onText { $0.markup(true) },
    "escape": onText(\.escaped),
    "e": onText(\.escaped),
    "forceescape": onText { $0.markup(false).escaped },
    "trim": Filter(["chars"]) { value, arguments, interpreter in
      .text(try strip(try value.printed(interpreter), .both, arguments, interpreter))
    },
    "replace": Filter(["old", "new", "count"], required: 2) { value, arguments, interpreter in
      let old = try arguments.value("old").printed(interpreter)
      let new = try arguments.value("new").printed(interpreter)
      let limit = try arguments.given("count") == nil ? nil : arguments.integer("count")
      let text = try value.printed(interpreter)
      return .text(try replace(text, old, new, limit, interpreter))
    },
    "indent": Filter(["width", "first", "blank"]) { value, arguments, interpreter in
      .text(try indent(try string(value, of: "indent"), arguments, interpreter))
    },
    "center": Filter(["width"]) { value, arguments, interpreter in
      let text = try value.printed(interpreter)
      return .text(
        try pad(text, to: try arguments.integer("width") ?? 80, .both, " ", interpreter))
    },
    "truncate": Filter(["length", "killwords", "end", "leeway"]) { value, arguments, interpreter in
      try truncate(value, arguments, interpreter)
    },
    "wordcount": Filter { value, _, interpreter in
      let text = try value.printed(interpreter)
      try interpreter.charge(text.count / 8)
      return .int(text.wordCount)
    },
    "format": .open { value, arguments, interpreter in
      guard arguments.positional.isEmpty || arguments.named.isEmpty else {
        throw TemplateError.operation(
          "the filter 'format' takes plain or named arguments, not both")
      }
      let values =
        arguments.named.isEmpty
        ? Value.tuple(try ListValue(arguments.positional))
        : .dictionary(
          try DictionaryValue(arguments.named.map { (.string($0.name), $0.value) }))
      return .text(
        try interpreter.percentFormat(try value.printed(interpreter), values))
    },
    "tojson": Filter(["ensure_ascii", "indent", "separators", "sort_keys"]) {
      value, arguments, interpreter in .text(try json(value, arguments, interpreter))
    },
  ]

  /// Of the few filters that take nothing but strings.
  private static func string(_ value: Value, of filter: String) throws -> Text {
    guard let text = value.text else {
      throw TemplateError.operation("the filter '\(filter)' expects a string, found \(value.kind)")
    }
    return text
  }

  /// All lines but the first, and with `blank` also empty ones, further in.
  private static func indent(
    _ text: Text, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Text {
    let width = arguments["width"]
    let indentation =
      try width?.text
      ?? Text(" ").repeated(spaces(try arguments.integer("width") ?? 4, interpreter))
    let indentsBlank = arguments.isTrue("blank")
    var lines = (Text.joined([text, "\n"])).lines()
    try interpreter.reserve(text.count + lines.count * indentation.count)
    let first = lines.isEmpty ? Text() : lines.removeFirst()
    let rest = lines.map { $0.isEmpty && !indentsBlank ? $0 : Text.joined([indentation, $0]) }
    let indented = Text.joined([first] + rest, by: "\n")
    return arguments.isTrue("first") ? Text.joined([indentation, indented]) : indented
  }

  static func spaces(_ number: Int, _ interpreter: Interpreter) throws -> Int {
    try interpreter.checkSize(number)
    return max(0, number)
  }

  /// Cut to a length, before a word unless `killwords`, with an ellipsis counted in.
  private static func truncate(
    _ value: Value, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Value {
    let length = try arguments.integer("length") ?? 255
    let end = try arguments.text("end") ?? "..."
    guard length >= end.count else {
      throw TemplateError.operation(
        "the filter 'truncate' expects a length of at least \(end.count), found \(length)")
    }
    let leeway = try arguments.given("leeway") == nil ? 5 : arguments.integer("leeway") ?? 5
    if let found = try interpreter.length(of: value), found <= length + leeway { return value }
    let text = try string(value, of: "truncate")
    let cut = text[0..<length - end.count]
    if arguments.isTrue("killwords") { return .text(Text.joined([cut, end])) }
    let lastSpace = cut.lastOffset(of: " ", in: 0..<cut.count)
    return .text(Text.joined([cut[0..<(lastSpace ?? cut.count)], end]))
  }

  private static func json(
    _ value: Value, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Text {
    var indentation: Text?
    if let indent = arguments.given("indent") {
      indentation =
        try indent.text
        ?? Text(" ").repeated(spaces(try arguments.integer("indent") ?? 0, interpreter))
    }
    var json = JSONText(interpreter, indentation: indentation)
    json.escapesNonASCII = arguments.isTrue("ensure_ascii")
    json.sortsKeys = arguments.isTrue("sort_keys")
    if let separators = arguments.given("separators") {
      let texts = try interpreter.items(of: separators).compactMap(\.text)
      guard texts.count == 2 else {
        throw arguments.mismatch("separators", separators, "two strings")
      }
      (json.itemSeparator, json.keySeparator) = (texts[0].string, texts[1].string)
    }
    try json.add(value)
    return json.text
  }
}

extension Text {
  /// The first letter of each word in upper case, all others in lower case; words begin after white
  /// space, hyphens and opening brackets.
  fileprivate var wordsCapitalized: Text {
    var words: [Text] = []
    var start = 0
    let isBreak = { (scalar: Unicode.Scalar) in
      scalar.isPythonSpace || "-({[<".unicodeScalars.contains(scalar)
    }
    while start < count {
      var end = start + 1
      while end < count, isBreak(scalars[end]) == isBreak(scalars[start]) { end += 1 }
      words.append(self[start..<start + 1].uppercased)
      words.append(self[start + 1..<end].lowercased)
      start = end
    }
    return Text.joined(words)
  }

  fileprivate var wordCount: Int {
    var number = 0
    var isInWord = false
    for scalar in scalars {
      let isWord = scalar == "_" || scalar.isPythonAlphanumeric
      if isWord, !isInWord { number += 1 }
      isInWord = isWord
    }
    return number
  }
}
