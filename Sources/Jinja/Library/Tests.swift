extension Library {
  static let tests: [String: Test] = valueTests.merging(comparisonTests) { $1 }

  private static let valueTests: [String: Test] = [
    "defined": Test { value, _, _ in !value.isUndefined },
    "undefined": Test { value, _, _ in value.isUndefined },
    "none": Test { value, _, _ in value.isNone },
    "boolean": Test { value, _, _ in if case .boolean = value { true } else { false } },
    "true": Test { value, _, _ in if case .boolean(true) = value { true } else { false } },
    "false": Test { value, _, _ in if case .boolean(false) = value { true } else { false } },
    "integer": Test { value, _, _ in if case .integer = value { true } else { false } },
    "float": Test { value, _, _ in if case .float = value { true } else { false } },
    "number": Test { value, _, _ in value.number != nil },
    "string": Test { value, _, _ in value.text != nil },
    "mapping": Test { value, _, _ in if case .dictionary = value { true } else { false } },
    "sequence": Test { value, _, _ in
      switch value {
      case .undefined, .text, .list, .tuple, .dictionary, .range: true
      default: false
      }
    },
    "iterable": Test { value, _, _ in
      switch value {
      case .none, .boolean, .integer, .float, .function, .namespace: false
      default: true
      }
    },
    "callable": Test { value, _, _ in
      switch value {
      case .function, .undefined, .loop: true
      default: false
      }
    },
    "escaped": Test { value, _, _ in value.text?.isMarkup == true },
    "lower": Test { value, _, interpreter in try value.printed(interpreter).isLower },
    "upper": Test { value, _, interpreter in try value.printed(interpreter).isUpper },
    "odd": Test { value, _, interpreter in
      try interpreter.arithmetic(.remainder, value, .int(2)).equals(.int(1), interpreter)
    },
    "even": Test { value, _, interpreter in
      try interpreter.arithmetic(.remainder, value, .int(2)).equals(.int(0), interpreter)
    },
    "divisibleby": Test(["num"], required: 1) { value, arguments, interpreter in
      try interpreter.arithmetic(.remainder, value, arguments.value("num"))
        .equals(.int(0), interpreter)
    },
    "filter": Test { value, _, _ in try isName(value, in: Array(filters.keys)) },
    "test": Test { value, _, _ in try isName(value, in: Array(tests.keys)) },
    "sameas": Test(["other"], required: 1) { value, arguments, _ in
      value.isSame(as: arguments.value("other"))
    },
  ]

  /// What cannot be a key cannot be looked for.
  private static func isName(_ value: Value, in names: [String]) throws -> Bool {
    _ = try Key(value)
    return value.text.map { names.contains($0.string) } ?? false
  }

  private static func comparing(_ comparison: Comparison) -> Test {
    Test(["other"], required: 1) { value, arguments, interpreter in
      try interpreter.compare(value, comparison, arguments.value("other"))
    }
  }

  private static let comparisonTests: [String: Test] = Dictionary(
    uniqueKeysWithValues: [
      (["eq", "equalto", "=="], Comparison.equal), (["ne", "!="], .unequal),
      (["gt", "greaterthan", ">"], .greater), (["ge", ">="], .greaterOrEqual),
      (["lt", "lessthan", "<"], .less), (["le", "<="], .lessOrEqual), (["in"], .in),
    ].flatMap { names, comparison in names.map { ($0, comparing(comparison)) } })
}

extension Value {
  /// Python's `is`, for what a template can tell apart.
  fileprivate func isSame(as other: Value) -> Bool {
    switch (self, other) {
    case (.undefined, .undefined), (.none, .none): true
    case (.boolean(let left), .boolean(let right)): left == right
    case (.integer(let left), .integer(let right)): left == right
    case (.float(let left), .float(let right)): left == right
    case (.text(let left), .text(let right)): left == right
    case (.list(let left), .list(let right)), (.tuple(let left), .tuple(let right)): left === right
    case (.dictionary(let left), .dictionary(let right)): left === right
    case (.namespace(let left), .namespace(let right)): left === right
    case (.function(let left), .function(let right)): left === right
    default: false
    }
  }
}
