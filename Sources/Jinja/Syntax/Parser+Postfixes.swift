/// What follows a value: attributes, items, calls, filters, tests.
extension Parser {
  mutating func postfixes(_ value: Expression) throws(TemplateError) -> Expression {
    var value = value
    while true {
      if isAt(".") {
        value = try attribute(of: value)
      } else if isAt("[") {
        value = try item(of: value)
      } else if isAt("(") {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  mutating func filtersAndTests(_ value: Expression) throws(TemplateError) -> Expression {
    var value = value
    while true {
      if isAt("|") {
        advance()
        value = try filter(of: value)
      } else if isAt(name: "is") {
        value = try test(of: value)
      } else if isAt("(") {
        value = try call(value)
      } else {
        return value
      }
    }
  }

  /// `.name`, or `.0` for an item.
  private mutating func attribute(of value: Expression) throws(TemplateError) -> Expression {
    let location = current.location
    advance()
    if case .integer(let index) = current.kind {
      let key = try expression(.literal(.integer(index)), over: [], at: current.location)
      advance()
      return try expression(.item(value, key), over: [value], at: location)
    }
    let name = try expectName()
    return try expression(.attribute(value, name), over: [value], at: location)
  }

  /// `[key]`, `[start:stop:step]`, or a tuple of keys.
  private mutating func item(of value: Expression) throws(TemplateError) -> Expression {
    let location = current.location
    advance()
    var parts: [Expression?] = []
    if !isAt(":") { parts.append(try expression()) } else { parts.append(nil) }
    if let first = parts[0], !isAt(":") {
      var keys = [first]
      while skip(","), !isAt("]") { keys.append(try expression()) }
      try expect("]")
      let key =
        keys.count == 1 ? first : try expression(.tuple(keys), over: keys, at: location)
      return try expression(.item(value, key), over: [value, key], at: location)
    }
    while parts.count < 3, skip(":") {
      parts.append(isAt(":") || isAt("]") ? nil : try expression())
    }
    try expect("]")
    parts += [nil, nil]
    return try expression(
      .slice(value, start: parts[0], stop: parts[1], step: parts[2]),
      over: [value] + parts.compactMap { $0 }, at: location)
  }

  private mutating func call(_ value: Expression) throws(TemplateError) -> Expression {
    let location = current.location
    let arguments = try argumentList()
    return try expression(.call(value, arguments), over: [value], arguments, at: location)
  }

  mutating func argumentList() throws(TemplateError) -> ArgumentList {
    try expect("(")
    var list = ArgumentList()
    var isFirst = true
    while !isAt(")") {
      if !isFirst { try expect(",") }
      if isAt(")") { break }
      isFirst = false
      try argument(&list)
    }
    try expect(")")
    return list
  }

  private mutating func argument(_ list: inout ArgumentList) throws(TemplateError) {
    let isAfterUnpacked = list.unpacked != nil || list.unpackedNames != nil
    if isAt("*"), !isAfterUnpacked {
      advance()
      list.unpacked = try expression()
    } else if isAt("**"), list.unpackedNames == nil {
      advance()
      list.unpackedNames = try expression()
    } else if case .name(let name) = current.kind, next.kind == .symbol("="),
      list.unpackedNames == nil
    {
      advance()
      advance()
      list.named.append((name, try expression()))
    } else if !isAfterUnpacked, list.named.isEmpty {
      list.positional.append(try expression())
    } else {
      throw failure("expected plain arguments before named ones")
    }
  }

  /// A filter's name and arguments, after the `|`; without a value for what a block wrote.
  mutating func filter(of value: Expression?) throws(TemplateError) -> Expression {
    let location = current.location
    let name = try dottedName()
    if Library.filters[name] == nil {
      unknownNames.append(
        TemplateError(.syntax, "there is no filter named '\(name)'", at: location))
    }
    let arguments = isAt("(") ? try argumentList() : ArgumentList()
    return try expression(
      .filter(value, name, arguments), over: value.map { [$0] } ?? [], arguments, at: location)
  }

  /// `is name`, `is not name(arguments)`, `is name argument`.
  private mutating func test(of value: Expression) throws(TemplateError) -> Expression {
    let location = current.location
    advance()
    let isNegated = skip(name: "not")
    let name = try dottedName()
    if Library.tests[name] == nil {
      unknownNames.append(TemplateError(.syntax, "there is no test named '\(name)'", at: location))
    }
    var arguments = ArgumentList()
    if isAt("(") {
      arguments = try argumentList()
    } else if isAtTestArgument {
      if isAt(name: "is") { throw failure("tests cannot follow each other without 'and'") }
      arguments.positional = [try postfixes(try primary())]
    }
    let test = try expression(.test(value, name, arguments), over: [value], arguments, at: location)
    return isNegated ? try expression(.not(test), over: [test], at: location) : test
  }

  private var isAtTestArgument: Bool {
    switch current.kind {
    case .name(let name): !["else", "or", "and"].contains(name)
    case .string, .integer, .float, .symbol("["), .symbol("{"): true
    default: false
    }
  }

  private mutating func dottedName() throws(TemplateError) -> String {
    var name = try expectName()
    while skip(".") { name += "." + (try expectName()) }
    return name
  }
}
