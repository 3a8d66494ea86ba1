/// Expressions, from the loosest operator to the tightest.
extension Parser {
  /// Expressions with commas between them are a tuple.
  ///
  /// - Parameter takesInlineIf: whether they may be `a if b`, as in the conditions of `if` they may not.
  mutating func expressionOrTuple(
    inParentheses: Bool = false, takesInlineIf: Bool = true
  ) throws(TemplateError) -> Expression {
    let location = current.location
    var items: [Expression] = []
    var isTuple = false
    while true {
      if !items.isEmpty { try expect(",") }
      if isAtTupleEnd { break }
      items.append(try takesInlineIf ? expression() : disjunction())
      guard isAt(",") else { break }
      isTuple = true
    }
    if !isTuple, let only = items.first { return only }
    guard isTuple || inParentheses else {
      throw failure("expected an expression, found \(current.kind)")
    }
    return try expression(.tuple(items), over: items, at: location)
  }

  private var isAtTupleEnd: Bool {
    current.kind == .variableEnd || current.kind == .blockEnd || isAt(")")
  }

  mutating func expression() throws(TemplateError) -> Expression {
    try nested { parser throws(TemplateError) in try parser.conditional() }
  }

  /// `a if b else c`
  private mutating func conditional() throws(TemplateError) -> Expression {
    let known = unknownNames.count
    let location = current.location
    var value = try disjunction()
    while skip(name: "if") {
      let test = try disjunction()
      let otherwise = skip(name: "else") ? try expression() : nil
      value = try expression(
        .conditional(test: test, then: value, otherwise: otherwise),
        over: [test, value] + (otherwise.map { [$0] } ?? []), at: location)
      unknownNames.removeLast(unknownNames.count - known)
    }
    return value
  }

  mutating func disjunction() throws(TemplateError) -> Expression {
    var left = try conjunction()
    while isAt(name: "or") {
      let location = current.location
      advance()
      let right = try conjunction()
      left = try expression(.or(left, right), over: [left, right], at: location)
    }
    return left
  }

  private mutating func conjunction() throws(TemplateError) -> Expression {
    var left = try negation()
    while isAt(name: "and") {
      let location = current.location
      advance()
      let right = try negation()
      left = try expression(.and(left, right), over: [left, right], at: location)
    }
    return left
  }

  private mutating func negation() throws(TemplateError) -> Expression {
    guard isAt(name: "not") else { return try comparison() }
    let location = current.location
    advance()
    let value = try nested { parser throws(TemplateError) in try parser.negation() }
    return try expression(.not(value), over: [value], at: location)
  }

  private mutating func comparison() throws(TemplateError) -> Expression {
    let first = try sum()
    var pairs: [(operation: Comparison, right: Expression)] = []
    let location = current.location
    while let operation = skipComparison() { pairs.append((operation, try sum())) }
    guard !pairs.isEmpty else { return first }
    return try expression(
      .comparison(first, pairs), over: [first] + pairs.map(\.right), at: location)
  }

  private mutating func skipComparison() -> Comparison? {
    if case .symbol(let symbol) = current.kind, let operation = Comparison(rawValue: symbol) {
      advance()
      return operation
    }
    if skip(name: "in") { return .in }
    if isAt(name: "not"), next.kind == .name("in") {
      advance()
      advance()
      return .notIn
    }
    return nil
  }

  private mutating func sum() throws(TemplateError) -> Expression {
    var left = try concatenation()
    while let (operation, location) = skipArithmetic([.add, .subtract]) {
      let right = try concatenation()
      left = try expression(
        .arithmetic(operation, left, right), over: [left, right], at: location)
    }
    return left
  }

  private mutating func concatenation() throws(TemplateError) -> Expression {
    let location = current.location
    var parts = [try product()]
    while skip("~") { parts.append(try product()) }
    return parts.count == 1
      ? parts[0] : try expression(.concatenation(parts), over: parts, at: location)
  }

  private mutating func product() throws(TemplateError) -> Expression {
    var left = try power()
    while let (operation, location) = skipArithmetic([
      .multiply, .divide, .floorDivide, .remainder,
    ]) {
      let right = try power()
      left = try expression(
        .arithmetic(operation, left, right), over: [left, right], at: location)
    }
    return left
  }

  /// Unlike Python's, powers are taken from left to right.
  private mutating func power() throws(TemplateError) -> Expression {
    var left = try unary()
    while let (operation, location) = skipArithmetic([.power]) {
      let right = try unary()
      left = try expression(
        .arithmetic(operation, left, right), over: [left, right], at: location)
    }
    return left
  }

  private mutating func skipArithmetic(_ operations: [Arithmetic]) -> (Arithmetic, Location)? {
    guard case .symbol(let symbol) = current.kind, let operation = Arithmetic(rawValue: symbol),
      operations.contains(operation)
    else { return nil }
    let location = current.location
    advance()
    return (operation, location)
  }

  /// A sign binds tighter than a filter: `-1 | abs` is 1.
  private mutating func unary(takesFilters: Bool = true) throws(TemplateError) -> Expression {
    let location = current.location
    var value: Expression
    if isAt("-") || isAt("+") {
      let isNegative = isAt("-")
      advance()
      let operand = try nested { parser throws(TemplateError) in
        try parser.unary(takesFilters: false)
      }
      value = try expression(
        isNegative ? .negative(operand) : .positive(operand), over: [operand], at: location)
    } else {
      value = try primary()
    }
    value = try postfixes(value)
    return takesFilters ? try filtersAndTests(value) : value
  }

  mutating func primary() throws(TemplateError) -> Expression {
    let location = current.location
    switch current.kind {
    case .name(let name):
      advance()
      return try expression(named(name), over: [], at: location)
    case .string(let first):
      advance()
      var string = first
      while case .string(let more) = current.kind {
        string += more
        advance()
      }
      return try expression(.literal(.text(Text(string))), over: [], at: location)
    case .integer(let value):
      advance()
      return try expression(.literal(.integer(value)), over: [], at: location)
    case .float(let value):
      advance()
      return try expression(.literal(.float(value)), over: [], at: location)
    case .symbol("("):
      advance()
      let value = try expressionOrTuple(inParentheses: true)
      try expect(")")
      return value
    case .symbol("["): return try list()
    case .symbol("{"): return try dictionary()
    default: throw failure("expected an expression, found \(current.kind)")
    }
  }

  private mutating func named(_ name: String) -> Expression.Kind {
    switch name {
    case "true", "True": return .literal(.boolean(true))
    case "false", "False": return .literal(.boolean(false))
    case "none", "None": return .literal(.none)
    default:
      namesRead.insert(name)
      return .name(name)
    }
  }

  private mutating func list() throws(TemplateError) -> Expression {
    let location = current.location
    advance()
    var items: [Expression] = []
    while !isAt("]") {
      if !items.isEmpty { try expect(",") }
      if isAt("]") { break }
      items.append(try expression())
    }
    try expect("]")
    return try expression(.list(items), over: items, at: location)
  }

  private mutating func dictionary() throws(TemplateError) -> Expression {
    let location = current.location
    advance()
    var members: [(key: Expression, value: Expression)] = []
    while !isAt("}") {
      if !members.isEmpty { try expect(",") }
      if isAt("}") { break }
      let key = try expression()
      try expect(":")
      members.append((key, try expression()))
    }
    try expect("}")
    return try expression(
      .dictionary(members), over: members.flatMap { [$0.key, $0.value] }, at: location)
  }
}
