/// Reads tokens into a tree: here what all of it needs, in extensions statements and expressions.
struct Parser {
  private let tokens: [Token]
  private var position = 0
  private var depth = 0
  /// Filters and tests that nobody knows, in the frame that is being read: they are refused unless
  /// they stand in a branch, which may never be taken.
  var unknownNames: [TemplateError] = []
  private var refused: [TemplateError] = []
  /// The name of the tag at which the last body stopped.
  var tagName = ""
  /// How many frames were read.
  private var frames = 0
  /// How many loops are open, for `break` and `continue`.
  var loops = 0
  /// Names that were read, for what a macro takes.
  var namesRead: Set<String> = []

  /// Whether a `{% generation %}` block was read.
  var hasGeneration = false

  /// A template as a tree, with what is known of it before it is rendered.
  struct Parsed {
    let root: Body
    /// Of each body by its number the names that its frame hides.
    let hidden: [Set<String>]
    let namesRead: Set<String>
    let hasGeneration: Bool
  }

  static func parse(_ template: String) throws(TemplateError) -> Parsed {
    var parser = Parser(tokens: try Lexer.tokens(of: template))
    let root = try parser.inFrame { parser throws(TemplateError) in
      parser.frame(of: try parser.statements(until: []))
    }
    if let error = parser.refused.first { throw error }
    return Parsed(
      root: root, hidden: FrameNames.hidden(in: root, count: parser.frames),
      namesRead: parser.namesRead, hasGeneration: parser.hasGeneration)
  }

  mutating func frame(of statements: [Statement]) -> Body {
    frames += 1
    return Body(statements: statements, number: frames - 1)
  }

  private init(tokens: [Token]) {
    self.tokens = tokens
  }

  var current: Token { tokens[position] }
  var next: Token { tokens[min(position + 1, tokens.count - 1)] }

  mutating func advance() {
    if position < tokens.count - 1 { position += 1 }
  }

  func failure(_ message: String) -> TemplateError {
    TemplateError(.syntax, message, at: current.location)
  }

  func isAt(_ symbol: String) -> Bool { current.kind == .symbol(symbol) }
  func isAt(name: String) -> Bool { current.kind == .name(name) }

  /// Steps over a symbol, if it comes next.
  mutating func skip(_ symbol: String) -> Bool {
    guard isAt(symbol) else { return false }
    advance()
    return true
  }

  mutating func skip(name: String) -> Bool {
    guard isAt(name: name) else { return false }
    advance()
    return true
  }

  mutating func expect(_ symbol: String) throws(TemplateError) {
    guard skip(symbol) else { throw failure("expected '\(symbol)', found \(current.kind)") }
  }

  mutating func expect(_ kind: Token.Kind) throws(TemplateError) {
    guard current.kind == kind else {
      throw failure("expected \(kind), found \(current.kind)")
    }
    advance()
  }

  mutating func expectName() throws(TemplateError) -> String {
    guard case .name(let name) = current.kind else {
      throw failure("expected a name, found \(current.kind)")
    }
    advance()
    return name
  }

  /// Reads what may hold itself, to a bounded depth.
  mutating func nested<Result>(
    _ read: (inout Parser) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= Limits.nesting else {
      throw TemplateError(
        .limit, "expressions or blocks stand more than \(Limits.nesting) deep in each other",
        at: current.location)
    }
    return try read(&self)
  }

  /// Reads a body with names of its own; what is unknown in it is refused whatever is around it.
  mutating func inFrame<Result>(
    _ read: (inout Parser) throws(TemplateError) -> Result
  ) throws(TemplateError) -> Result {
    let outer = unknownNames
    unknownNames = []
    let result = try read(&self)
    refused += unknownNames
    unknownNames = outer
    return result
  }

  /// An expression over the given parts, not too tall.
  func expression(
    _ kind: Expression.Kind, over parts: [Expression], _ list: ArgumentList? = nil,
    at location: Location
  ) throws(TemplateError) -> Expression {
    let height = 1 + max(parts.map(\.height).max() ?? 0, list?.height ?? 0)
    guard height <= Limits.height else {
      throw TemplateError(
        .limit, "the expression has more than \(Limits.height) parts one upon the other",
        at: location)
    }
    return Expression(kind: kind, location: location, height: height)
  }
}
