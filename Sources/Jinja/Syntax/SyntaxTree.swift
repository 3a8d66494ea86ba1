/// What a template computes with.
struct Expression: Sendable {
  indirect enum Kind: Sendable {
    case literal(Literal)
    case name(String)
    case list([Expression])
    case tuple([Expression])
    case dictionary([(key: Expression, value: Expression)])
    case and(Expression, Expression)
    case or(Expression, Expression)
    case not(Expression)
    /// `a < b <= c` holds if each pair does.
    case comparison(Expression, [(operation: Comparison, right: Expression)])
    /// `a ~ b`: as texts, one after the other.
    case concatenation([Expression])
    case arithmetic(Arithmetic, Expression, Expression)
    case negative(Expression)
    case positive(Expression)
    case conditional(test: Expression, then: Expression, otherwise: Expression?)
    case attribute(Expression, String)
    case item(Expression, Expression)
    case slice(Expression, start: Expression?, stop: Expression?, step: Expression?)
    case call(Expression, ArgumentList)
    /// Without a value what the block before it wrote is filtered.
    case filter(Expression?, String, ArgumentList)
    case test(Expression, String, ArgumentList)
  }

  let kind: Kind
  let location: Location
  /// Of the tree below: bounded, since evaluating and freeing go down.
  let height: Int
}

enum Literal: Sendable {
  case none
  case boolean(Bool)
  case integer(Integer)
  case float(Double)
  case text(Text)
}

enum Comparison: String, Sendable {
  case equal = "=="
  case unequal = "!="
  case less = "<"
  case lessOrEqual = "<="
  case greater = ">"
  case greaterOrEqual = ">="
  case `in`
  case notIn = "not in"
}

enum Arithmetic: String, Sendable {
  case add = "+"
  case subtract = "-"
  case multiply = "*"
  case divide = "/"
  case floorDivide = "//"
  case remainder = "%"
  case power = "**"
}

/// `(a, b, name=c, *d, **e)`
struct ArgumentList: Sendable {
  var positional: [Expression] = []
  var named: [(name: String, value: Expression)] = []
  var unpacked: Expression?
  var unpackedNames: Expression?

  var height: Int {
    all.map(\.height).max() ?? 0
  }
}

/// What a value can be given to.
indirect enum Target: Sendable {
  case name(String)
  /// An attribute of a namespace.
  case attribute(String, String)
  case tuple([Target])
}

/// What a template does.
struct Statement: Sendable {
  indirect enum Kind: Sendable {
    case text(Text)
    case output([Expression])
    case conditional(branches: [(test: Expression, body: [Statement])], otherwise: [Statement])
    case loop(ForLoop)
    case set(Target, Expression)
    case setBlock(Target, filter: Expression?, body: Body)
    case macro(Macro)
    /// `{% call(…) f() %}`: the body is handed to the macro as its `caller`.
    case call(caller: Macro, Expression)
    case filterBlock(Expression, body: Body)
    case with([(target: Target, value: Expression)], body: Body)
    case generation(Body)
    case block(Body)
    case leaveLoop
    case nextPass
  }

  let kind: Kind
  let location: Location
}

/// Statements with names of their own: a frame. Branches of an `if` are none.
struct Body: Sendable {
  var statements: [Statement] = []
  /// Counted through the template, for what is known of the frame.
  var number: Int
}

struct ForLoop: Sendable {
  var target: Target
  var iterable: Expression
  var filter: Expression?
  var isRecursive: Bool
  var body: Body
  var otherwise: Body
}

struct Macro: Sendable {
  struct Parameter: Sendable {
    var name: String
    var standard: Expression?
  }

  var name: String
  var parameters: [Parameter]
  var body: Body
  /// Which of `varargs`, `kwargs` and `caller` the body speaks of: only then it takes such arguments.
  var extras: Set<String>
}
