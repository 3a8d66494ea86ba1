/// Statements: text, `{{ … }}` and `{% … %}`.
extension Parser {
  /// Everything up to one of the given tags, at whose name it stops, or up to the end if there are none.
  mutating func statements(until ends: Set<String>) throws(TemplateError) -> [Statement] {
    var statements: [Statement] = []
    while true {
      let location = current.location
      switch current.kind {
      case .data(let text):
        advance()
        statements.append(Statement(kind: .text(Text(text)), location: location))
      case .variableBegin:
        advance()
        let value = try expressionOrTuple()
        try expect(.variableEnd)
        statements.append(Statement(kind: .output([value]), location: location))
      case .blockBegin:
        advance()
        let start = current.location
        let name = try expectName()
        if ends.contains(name) {
          tagName = name
          return statements
        }
        let kind = try nested { parser throws(TemplateError) in
          try parser.statement(name, start, ends)
        }
        statements.append(Statement(kind: kind, location: start))
        try expect(.blockEnd)
      default:
        guard current.kind == .end, ends.isEmpty else {
          throw failure("expected \(Self.list(ends)), found \(current.kind)")
        }
        return statements
      }
    }
  }

  private static func list(_ tags: Set<String>) -> String {
    tags.sorted().map { "'{% \($0) %}'" }.joined(separator: " or ")
  }

  /// The body of a block: from the end of its tag up to the name of one of `ends`.
  private mutating func body(until ends: Set<String>) throws(TemplateError) -> [Statement] {
    _ = skip(":")
    try expect(.blockEnd)
    return try statements(until: ends)
  }

  /// A body with names of its own, in which loops around it cannot be left.
  private mutating func frame(
    until end: String, leavesLoops: Bool = false
  ) throws(TemplateError) -> Body {
    let outer = loops
    if !leavesLoops { loops = 0 }
    defer { loops = outer }
    return try inFrame { parser throws(TemplateError) in
      parser.frame(of: try parser.body(until: [end]))
    }
  }

  private mutating func statement(
    _ name: String, _ location: Location, _ ends: Set<String>
  ) throws(TemplateError) -> Statement.Kind {
    switch name {
    case "if": return try conditionalBlock()
    case "for": return try loop()
    case "set": return try assignment()
    case "macro":
      let name = try targetName()
      return .macro(try macro(named: name, parameters: try parameters(), until: "endmacro"))
    case "call": return try callBlock()
    case "filter":
      let filter = try filterChain(of: nil)
      return .filterBlock(filter, body: try frame(until: "endfilter", leavesLoops: true))
    case "with": return try withBlock()
    case "generation":
      hasGeneration = true
      return .generation(try frame(until: "endgeneration"))
    case "print":
      var values: [Expression] = []
      while current.kind != .blockEnd {
        if !values.isEmpty { try expect(",") }
        values.append(try expression())
      }
      return .output(values)
    case "block":
      let name = try targetName()
      let body = try frame(until: "endblock")
      _ = skip(name: name)
      return .block(body)
    case "break", "continue":
      guard loops > 0 else {
        throw TemplateError(.syntax, "'\(name)' stands outside of a loop", at: location)
      }
      return name == "break" ? .leaveLoop : .nextPass
    case "extends", "include", "import", "from":
      throw TemplateError(
        .syntax, "'\(name)' needs other templates, and a chat template stands alone", at: location)
    default:
      let expected = ends.isEmpty ? "" : ": expected \(Self.list(ends))"
      throw TemplateError(.syntax, "there is no tag named '\(name)'\(expected)", at: location)
    }
  }

  private mutating func conditionalBlock() throws(TemplateError) -> Statement.Kind {
    let known = unknownNames.count
    var branches: [(test: Expression, body: [Statement])] = []
    var otherwise: [Statement] = []
    repeat {
      let test = try expressionOrTuple(takesInlineIf: false)
      branches.append((test, try body(until: ["elif", "else", "endif"])))
    } while tagName == "elif"
    if tagName == "else" { otherwise = try body(until: ["endif"]) }
    unknownNames.removeLast(unknownNames.count - known)
    return .conditional(branches: branches, otherwise: otherwise)
  }

  private mutating func loop() throws(TemplateError) -> Statement.Kind {
    let target = try target()
    guard skip(name: "in") else { throw failure("expected 'in', found \(current.kind)") }
    let iterable = try loopIterable()
    return try inFrame { parser throws(TemplateError) in
      let filter = parser.skip(name: "if") ? try parser.expression() : nil
      let isRecursive = parser.skip(name: "recursive")
      parser.loops += 1
      let body = parser.frame(of: try parser.body(until: ["endfor", "else"]))
      parser.loops -= 1
      let otherwise = parser.tagName == "else" ? try parser.body(until: ["endfor"]) : []
      return .loop(
        ForLoop(
          target: target, iterable: iterable, filter: filter, isRecursive: isRecursive, body: body,
          otherwise: parser.frame(of: otherwise)))
    }
  }

  /// What is looped over: no inline `if`, since an `if` after it filters.
  private mutating func loopIterable() throws(TemplateError) -> Expression {
    let location = current.location
    var items = [try disjunction()]
    let isTuple = isAt(",")
    while skip(","), current.kind != .blockEnd, !isAt(name: "recursive"), !isAt(name: "if") {
      items.append(try disjunction())
    }
    return isTuple ? try expression(.tuple(items), over: items, at: location) : items[0]
  }

  private mutating func assignment() throws(TemplateError) -> Statement.Kind {
    let target = try target(withAttributes: true)
    if skip("=") { return .set(target, try expressionOrTuple()) }
    let filter = isAt("|") ? try filterChain(of: nil) : nil
    return .setBlock(
      target, filter: filter, body: try frame(until: "endset", leavesLoops: true))
  }

  /// One filter or several upon each other; the first follows a block's name or a `|`.
  private mutating func filterChain(of value: Expression?) throws(TemplateError) -> Expression {
    _ = skip("|")
    var filter = try filter(of: value)
    while skip("|") { filter = try self.filter(of: filter) }
    return filter
  }

  private mutating func callBlock() throws(TemplateError) -> Statement.Kind {
    let parameters = isAt("(") ? try parameters() : []
    let location = current.location
    let call = try expression()
    guard case .call = call.kind else {
      throw TemplateError(.syntax, "expected a call of a macro", at: location)
    }
    let caller = try macro(named: "caller", parameters: parameters, until: "endcall")
    return .call(caller: caller, call)
  }

  private mutating func macro(
    named name: String, parameters: [Macro.Parameter], until end: String
  ) throws(TemplateError) -> Macro {
    let outer = namesRead
    namesRead = []
    let body = try frame(until: end)
    let extras = namesRead.intersection(["varargs", "kwargs", "caller"])
      .subtracting(parameters.map(\.name))
    namesRead.formUnion(outer)
    return Macro(name: name, parameters: parameters, body: body, extras: extras)
  }

  private mutating func parameters() throws(TemplateError) -> [Macro.Parameter] {
    try expect("(")
    var parameters: [Macro.Parameter] = []
    while !isAt(")") {
      if !parameters.isEmpty { try expect(",") }
      let name = try targetName()
      if skip("=") {
        parameters.append(Macro.Parameter(name: name, standard: try expression()))
      } else {
        guard parameters.last?.standard == nil else {
          throw failure("parameters without a default stand before those with one")
        }
        parameters.append(Macro.Parameter(name: name, standard: nil))
      }
    }
    try expect(")")
    return parameters
  }

  private mutating func withBlock() throws(TemplateError) -> Statement.Kind {
    var values: [(target: Target, value: Expression)] = []
    while current.kind != .blockEnd {
      if !values.isEmpty { try expect(",") }
      let target = try target()
      try expect("=")
      values.append((target, try expression()))
    }
    return .with(values, body: try frame(until: "endwith", leavesLoops: true))
  }
}

/// What values are given to.
extension Parser {
  mutating func target(withAttributes: Bool = false) throws(TemplateError) -> Target {
    var targets: [Target] = []
    var isTuple = false
    while true {
      targets.append(try singleTarget(withAttributes: withAttributes))
      guard skip(",") else { break }
      isTuple = true
      if isAt(")") { break }
    }
    return isTuple ? .tuple(targets) : targets[0]
  }

  private mutating func singleTarget(withAttributes: Bool) throws(TemplateError) -> Target {
    if skip("(") {
      let inner = try nested { parser throws(TemplateError) in
        try parser.target(withAttributes: withAttributes)
      }
      try expect(")")
      return inner
    }
    let name = try targetName()
    if withAttributes, skip(".") { return .attribute(name, try expectName()) }
    return .name(name)
  }

  mutating func targetName() throws(TemplateError) -> String {
    let location = current.location
    let name = try expectName()
    guard !["true", "false", "none", "True", "False", "None"].contains(name) else {
      throw TemplateError(.syntax, "nothing can be assigned to '\(name)'", at: location)
    }
    return name
  }
}
