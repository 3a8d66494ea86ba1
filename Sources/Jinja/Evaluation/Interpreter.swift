import Foundation

/// Renders one template once: values of names, what is written, and what may still be spent.
final class Interpreter {
  let limits: Limits
  let now: Date
  let timeZone: TimeZone
  /// What the template is given, and the functions of the language.
  let globals: [String: Value]
  /// Of each body by its number the names that its frame hides.
  let hidden: [Set<String>]
  var scope = Scope()
  var output = Text()
  private var steps = 0
  private var depth = 0
  /// What could hold itself, to be emptied in the end: values are freed by counting references.
  private var namespaces: [NamespaceValue] = []
  private var scopes: [Scope] = []

  init(
    hidden: [Set<String>], variables: [String: Value], now: Date, timeZone: TimeZone, limits: Limits
  ) throws {
    self.hidden = hidden
    self.limits = limits
    self.now = now
    self.timeZone = timeZone
    globals = try Library.functions().merging(variables) { $1 }
  }

  /// Lets go of everything, whatever holds whatever.
  func finish() {
    for namespace in namespaces { namespace.attributes = [] }
    for scope in scopes { scope.clear() }
    scope.clear()
  }

  func makeNamespace() -> NamespaceValue {
    let namespace = NamespaceValue()
    namespaces.append(namespace)
    return namespace
  }

  /// Notes that a macro refers to the current frame.
  func keepScope() { scopes.append(scope) }

  /// Runs in a frame inside of another.
  func inScope<Result>(_ inner: Scope, _ run: () throws -> Result) rethrows -> Result {
    let outer = scope
    scope = inner
    defer { scope = outer }
    return try run()
  }

  /// What is written meanwhile, instead of writing it.
  func captured(_ run: () throws -> Void) rethrows -> Text {
    let outer = output
    output = Text()
    defer { output = outer }
    try run()
    return output
  }

  func write(_ text: Text) throws {
    try charge(text.count / 8)
    try checkSize(output.count + text.count)
    output.append(text)
  }
}

/// Bounds.
extension Interpreter {
  /// Counts work; the template is given up where it takes too much.
  func charge(_ number: Int) throws {
    steps += max(number, 0)
    guard steps <= limits.steps else {
      throw TemplateError(.limit, "the template takes more than \(limits.steps) steps")
    }
  }

  /// Refuses what is going to be larger than a text or list may be, and counts making it.
  func reserve(_ number: Int, _ times: Int = 1) throws {
    let (total, overflow) = number.multipliedReportingOverflow(by: times)
    try checkSize(overflow ? .max : total)
    try charge(total / 8)
  }

  func checkSize(_ number: Int) throws {
    guard number <= limits.size else {
      throw TemplateError(.limit, "a text or list has more than \(limits.size) elements")
    }
  }

  /// Goes one level down.
  func nested<Result>(_ run: () throws -> Result) throws -> Result {
    depth += 1
    defer { depth -= 1 }
    guard depth <= limits.depth else {
      throw TemplateError(
        .limit, "the template goes more than \(limits.depth) levels deep: a macro without an end?")
    }
    return try run()
  }

  /// An integer's digits, of which Python writes no more than 4300.
  func digits(of integer: Integer) throws -> String {
    if case .large(let value) = integer, value.bitWidth > Limits.digits * 3322 / 1000 {
      throw TemplateError.operation("an integer has more than \(Limits.digits) digits")
    }
    return integer.text()
  }
}
