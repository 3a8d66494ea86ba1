/// What statements do.
extension Interpreter {
  /// How a body ended.
  enum Flow { case end, leaveLoop, nextPass }

  /// Runs a body in a frame of its own, in which names may be set first.
  @discardableResult
  func run(
    _ body: Body, in parent: Scope? = nil, setting names: () throws -> Void = {}
  ) throws -> Flow {
    try inScope(Scope(in: parent ?? scope, hiding: hidden[body.number])) {
      try names()
      return try run(body.statements)
    }
  }

  private func run(_ statements: [Statement]) throws -> Flow {
    for statement in statements {
      let flow = try run(statement)
      if flow != .end { return flow }
    }
    return .end
  }

  private func run(_ statement: Statement) throws -> Flow {
    do {
      try charge(1)
      return try nested { try perform(statement) }
    } catch var error as TemplateError where error.location == nil {
      error.location = statement.location
      throw error
    }
  }

  private func perform(_ statement: Statement) throws -> Flow {
    switch statement.kind {
    case .text(let text): try write(text)
    case .output(let values):
      for value in values { try write(try evaluate(value).printed(self)) }
    case .conditional(let branches, let otherwise):
      for (test, body) in branches where try evaluate(test).isTrue { return try run(body) }
      return try run(otherwise)
    case .loop(let loop):
      try run(loop, over: try evaluate(loop.iterable), depth: 0)
    case .set(let target, let value): try assign(try evaluate(value), to: target)
    case .setBlock(let target, let filter, let body):
      let text = try captured { try run(body) }
      try assign(try filtered(.text(text), by: filter), to: target)
    case .macro(let macro): scope.set(macro.name, to: try function(of: macro))
    case .call(let caller, let call): try run(call, with: try function(of: caller))
    case .filterBlock(let filter, let body):
      let text = try captured { try run(body) }
      let result = try filtered(.text(text), by: filter)
      guard let text = result.text else {
        throw TemplateError.operation("a filter block expects a string, found \(result.kind)")
      }
      try write(text)
    case .with(let values, let body):
      let evaluated = try values.map { ($0.target, try evaluate($0.value)) }
      try run(body) {
        for (target, value) in evaluated { try assign(value, to: target) }
      }
    case .generation(let body):
      let text = try captured { try run(body) }
      try write(text.remarked { $0.isGenerated = true })
    case .block(let body): try run(body)
    case .leaveLoop: return .leaveLoop
    case .nextPass: return .nextPass
    }
    return .end
  }

  private func assign(_ value: Value, to target: Target) throws {
    switch target {
    case .name(let name): scope.set(name, to: value)
    case .attribute(let name, let attribute):
      guard case .namespace(let namespace) = lookUp(name) else {
        throw TemplateError.operation(
          "'\(name).\(attribute)' cannot be set: only a namespace takes attributes, "
            + "found \(lookUp(name).kind)")
      }
      try Library.checkNamespaceAttribute(attribute)
      namespace[attribute] = value
    case .tuple(let targets):
      let items = try items(of: value)
      guard items.count == targets.count else {
        throw TemplateError.operation(
          "\(targets.count) names cannot take \(items.count) values")
      }
      for (target, item) in zip(targets, items) { try assign(item, to: target) }
    }
  }

  /// What a chain of filters makes of a block's text.
  private func filtered(_ value: Value, by chain: Expression?) throws -> Value {
    guard let chain, case .filter(let inner, let name, let list) = chain.kind else { return value }
    let input = try filtered(value, by: inner)
    do {
      return try filter(name, input, try arguments(list))
    } catch var error as TemplateError where error.location == nil {
      error.location = chain.location
      throw error
    }
  }
}

/// Loops.
extension Interpreter {
  private func run(_ loop: ForLoop, over values: Value, depth: Int) throws {
    let state = try LoopValue(
      over: values, try source(of: loop, values),
      length: loop.filter == nil ? try length(of: values) : nil, depth: depth,
      recursion: loop.isRecursive ? recursion(of: loop) : nil)
    var hasEnded = false
    while try state.advance() {
      try charge(1)
      let flow = try run(loop.body) {
        try assign(state.current, to: loop.target)
        scope.set("loop", to: .loop(state))
      }
      if flow == .leaveLoop { break }
      hasEnded = hasEnded || flow == .end
    }
    // As Jinja has it: also where each pass was left before its end.
    if !hasEnded { try run(loop.otherwise) }
  }

  /// The elements that the loop's `if` lets pass.
  private func source(of loop: ForLoop, _ values: Value) throws -> IteratorValue {
    let all = try iterator(over: values)
    guard let filter = loop.filter else { return all }
    let outer = scope
    return try IteratorValue("filtered loop", over: values) { [self] in
      while let item = try all.next() {
        let passes = try inScope(Scope(in: outer)) {
          try assign(item, to: loop.target)
          return try evaluate(filter).isTrue
        }
        if passes { return item }
      }
      return nil
    }
  }

  private func recursion(of loop: ForLoop) -> (Value, Int, Interpreter) throws -> Text {
    let outer = scope
    return { values, depth, interpreter in
      try interpreter.captured {
        try interpreter.inScope(outer) {
          try interpreter.nested { try interpreter.run(loop, over: values, depth: depth) }
        }
      }
    }
  }

  func recurse(_ loop: LoopValue, _ arguments: Arguments) throws -> Value {
    let bound = try arguments.bound(to: ["iterable"], required: 1, of: "loop")
    return .text(try loop.recursed(over: bound.value("iterable"), self))
  }
}

/// Macros.
extension Interpreter {
  private func run(_ call: Expression, with caller: Value) throws {
    guard case .call(let function, let list) = call.kind else { return }
    var arguments = try arguments(list)
    arguments.named.append(("caller", caller))
    try write(try self.call(try evaluate(function), arguments).printed(self))
  }

  private func function(of macro: Macro) throws -> Value {
    let home = scope
    keepScope()
    let names = macro.parameters.map { Value.string($0.name) }
    return .function(
      try FunctionValue(
        "Macro '\(macro.name)'",
        attributes: [
          "name": .string(macro.name), "arguments": .tuple(try ListValue(names)),
          "catch_kwargs": .boolean(macro.extras.contains("kwargs")),
          "catch_varargs": .boolean(macro.extras.contains("varargs")),
          "caller": .boolean(macro.extras.contains("caller")),
        ]
      ) { arguments, interpreter in
        .text(
          try interpreter.captured {
            try interpreter.run(macro.body, in: home) {
              try interpreter.bind(arguments, to: macro)
            }
          })
      })
  }

  /// Gives a macro's parameters their values in the current frame.
  private func bind(_ arguments: Arguments, to macro: Macro) throws {
    var named = arguments.named
    let taken = { (name: String) -> Value? in
      named.lastIndex { $0.name == name }.map { named.remove(at: $0).value }
    }
    for (index, parameter) in macro.parameters.enumerated() {
      if index < arguments.positional.count {
        scope.set(parameter.name, to: arguments.positional[index])
      } else if let value = taken(parameter.name) {
        scope.set(parameter.name, to: value)
      } else if let standard = parameter.standard {
        scope.set(parameter.name, to: try evaluate(standard))
      } else {
        let missing = Undefined(message: "the parameter '\(parameter.name)' was not given")
        scope.set(parameter.name, to: .undefined(missing))
      }
    }
    if macro.extras.contains("caller") {
      let missing = Undefined(message: "there is no caller: use {% call %}")
      scope.set("caller", to: taken("caller") ?? .undefined(missing))
    }
    try bindRest(arguments.positional.dropFirst(macro.parameters.count), named, of: macro)
  }

  private func bindRest(
    _ positional: ArraySlice<Value>, _ named: [(name: String, value: Value)], of macro: Macro
  ) throws {
    if macro.extras.contains("kwargs") {
      let members = try DictionaryValue(named.map { (.string($0.name), $0.value) })
      scope.set("kwargs", to: .dictionary(members))
    } else if let (name, _) = named.first {
      throw TemplateError.operation("the macro '\(macro.name)' takes no argument named '\(name)'")
    }
    if macro.extras.contains("varargs") {
      scope.set("varargs", to: .tuple(try ListValue(Array(positional))))
    } else if !positional.isEmpty {
      throw TemplateError.operation(
        "the macro '\(macro.name)' takes at most \(macro.parameters.count) arguments")
    }
  }
}
