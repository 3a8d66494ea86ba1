extension Library {
  static let sequenceFilters: [String: Filter] = [
    "length": length,
    "count": length,
    "default": standard,
    "d": standard,
    "list": Filter { value, _, interpreter in
      .list(try ListValue(try interpreter.items(of: value), origin: value.origin))
    },
    "first": Filter { value, _, interpreter in
      try interpreter.iterator(over: value).next()
        ?? .undefined(Undefined(message: "there is no first item: the sequence is empty"))
    },
    "last": Filter { value, _, interpreter in
      try reversed(value, interpreter).last
        ?? .undefined(Undefined(message: "there is no last item: the sequence is empty"))
    },
    "reverse": Filter { value, _, interpreter in
      if case .text(let text) = value {
        return try interpreter.slice(.text(text), start: nil, stop: nil, step: .int(-1))
      }
      let items = try interpreter.items(of: value)
      if case .iterator = value { return .list(try ListValue(items.reversed())) }
      return .iterator(try IteratorValue("reversed", items.reversed()))
    },
    "join": Filter(["d", "attribute"]) { value, arguments, interpreter in
      let separator = try arguments["d"]?.printed(interpreter) ?? Text()
      let getter = try attributeGetter(arguments["attribute"])
      let parts = try interpreter.items(of: value).map {
        try getter($0, interpreter).printed(interpreter)
      }
      try interpreter.reserve(parts.reduce(0) { $0 + $1.count + separator.count })
      return .text(Text.joined(parts, by: separator))
    },
    "items": Filter { value, _, _ in
      try generator(over: value) {
        switch value {
        case .undefined: .iterator(try IteratorValue("generator", []))
        case .dictionary(let dictionary):
          .iterator(try IteratorValue("generator", try dictionary.items))
        default: throw TemplateError.operation("the filter 'items' expects a dictionary")
        }
      }
    },
    "dictsort": Filter(["case_sensitive", "by", "reverse"]) { value, arguments, interpreter in
      guard case .dictionary(let dictionary) = value else {
        throw TemplateError.operation("the filter 'dictsort' expects a dictionary")
      }
      let by = try arguments.text("by") ?? "key"
      guard by == "key" || by == "value" else {
        throw TemplateError.operation("the filter 'dictsort' sorts by 'key' or 'value'")
      }
      let fold = !arguments.isTrue("case_sensitive")
      let members = try interpreter.sorted(
        Array(zip(dictionary.keys, dictionary.values)), descending: arguments.isTrue("reverse")
      ) { member in
        let key = by == "key" ? member.0 : member.1
        return fold ? key.caseFolded : key
      }
      return .list(
        try ListValue(members.map { .tuple(try ListValue([$0.0, $0.1], origin: value.origin)) }))
    },
    "sort": Filter(["reverse", "case_sensitive", "attribute"]) { value, arguments, interpreter in
      let getters = try attributeGetters(arguments["attribute"])
      let fold = !arguments.isTrue("case_sensitive")
      let items = try interpreter.sorted(
        try interpreter.items(of: value), descending: arguments.isTrue("reverse")
      ) { item in
        let keys = try getters.map { getter in
          let key = try getter(item, interpreter)
          return fold ? key.caseFolded : key
        }
        return .tuple(try ListValue(keys))
      }
      return .list(try ListValue(items, origin: value.origin))
    },
    "unique": Filter(["case_sensitive", "attribute"]) { value, arguments, interpreter in
      try generator(over: value) { try unique(value, arguments, interpreter) }
    },
    "batch": Filter(["linecount", "fill_with"], required: 1) { value, arguments, interpreter in
      try generator(over: value) { try batch(value, arguments, interpreter) }
    },
    "slice": Filter(["slices", "fill_with"], required: 1) { value, arguments, interpreter in
      try generator(over: value) {
        .iterator(
          try IteratorValue(
            "generator",
            try slices(try interpreter.items(of: value), arguments, interpreter)
              .map { .list(try ListValue($0)) }))
      }
    },
    "groupby": Filter(["attribute", "default", "case_sensitive"], required: 1) {
      value, arguments, interpreter in try grouped(value, arguments, interpreter)
    },
    "attr": Filter(["name"], required: 1) { value, arguments, interpreter in
      let name = try arguments.value("name").printed(interpreter).string
      if case .dictionary(let dictionary) = value, dictionary[name] != nil,
        try method(name, of: value) == nil
      {
        return .undefined(Undefined(message: "\(value.kind) has no attribute '\(name)'"))
      }
      return try interpreter.attribute(name, of: value)
    },
  ]

  private static let length = Filter { value, _, interpreter in
    guard let length = try interpreter.length(of: value) else {
      throw TemplateError.operation("\(value.kind) has no length")
    }
    return .int(length)
  }

  private static let standard = Filter(["default_value", "boolean"]) { value, arguments, _ in
    let isMissing = value.isUndefined || (arguments.isTrue("boolean") && !value.isTrue)
    return isMissing ? arguments["default_value"] ?? .text(Text()) : value
  }

  /// What can be gone over from its end.
  private static func reversed(_ value: Value, _ interpreter: Interpreter) throws -> [Value] {
    if case .iterator = value {
      throw TemplateError.operation("an iterator has no last item: make a list of it")
    }
    return try interpreter.items(of: value)
  }

  /// The first of equal elements.
  private static func unique(
    _ value: Value, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Value {
    let getter = try attributeGetter(arguments["attribute"])
    let fold = !arguments.isTrue("case_sensitive")
    let items = try interpreter.iterator(over: value)
    var seen: Set<Key> = []
    return .iterator(
      try IteratorValue("generator", over: value) {
        while let item = try items.next() {
          let key = try getter(item, interpreter)
          if seen.insert(try Key(fold ? key.caseFolded : key)).inserted { return item }
        }
        return nil
      })
  }

  /// Lists of so many elements, the last filled up.
  private static func batch(
    _ value: Value, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Value {
    let size = try arguments.integer("linecount") ?? 0
    let items = try interpreter.items(of: value)
    guard size > 0 else {
      return .iterator(
        try IteratorValue("generator", items.isEmpty ? [] : [.list(try ListValue(items))]))
    }
    var batches: [[Value]] = stride(from: 0, to: items.count, by: size).map {
      Array(items[$0..<min($0 + size, items.count)])
    }
    if let filling = arguments.given("fill_with"), let last = batches.last {
      try interpreter.reserve(size)
      let missing = Array(repeating: filling, count: size - last.count)
      batches[batches.count - 1] += missing
    }
    return .iterator(
      try IteratorValue("generator", try batches.map { .list(try ListValue($0)) }))
  }

  /// So many lists of nearly equal length, the longer ones first.
  private static func slices(
    _ items: [Value], _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> [[Value]] {
    let number = try arguments.integer("slices") ?? 0
    guard number > 0 else { throw TemplateError.operation("the filter 'slice' divides by zero") }
    try interpreter.reserve(number, 8)
    let (length, longer) = items.count.quotientAndRemainder(dividingBy: number)
    var start = 0
    return (0..<number).map { index in
      let end = start + length + (index < longer ? 1 : 0)
      defer { start = end }
      let slice = Array(items[start..<end])
      let filling = index >= longer ? arguments.given("fill_with") : nil
      return slice + (filling.map { [$0] } ?? [])
    }
  }

  private static func grouped(
    _ value: Value, _ arguments: BoundArguments, _ interpreter: Interpreter
  ) throws -> Value {
    let getter = try attributeGetter(
      arguments["attribute"], default: arguments.given("default"))
    let fold = !arguments.isTrue("case_sensitive")
    let keyed = try interpreter.items(of: value).map { item in
      let key = try getter(item, interpreter)
      return (key: key, folded: fold ? key.caseFolded : key, item: item)
    }
    var groups: [(key: Value, folded: Value, items: [Value])] = []
    for (key, folded, item) in try interpreter.sorted(keyed, by: { $0.folded }) {
      if let last = groups.last, try last.folded.equals(folded, interpreter) {
        groups[groups.count - 1].items.append(item)
      } else {
        groups.append((key, folded, [item]))
      }
    }
    return .list(
      try ListValue(
        try groups.map {
          .tuple(
            try ListValue([$0.key, .list(try ListValue($0.items))], names: ["grouper", "list"]))
        }))
  }
}

extension Value {
  /// As filters compare by default: texts without regard to case.
  var caseFolded: Value {
    if case .text(let text) = self { .text(text.lowercased) } else { self }
  }

  /// Whose a list made of the value is.
  var origin: Origin {
    switch self {
    case .list(let list), .tuple(let list), .view(_, let list): list.origin
    case .dictionary(let dictionary): dictionary.origin
    case .text(let text): text.runs.first?.mark.origin ?? .template
    default: .template
    }
  }
}
