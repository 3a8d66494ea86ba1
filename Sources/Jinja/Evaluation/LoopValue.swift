/// What a `{% for %}` is at, the `loop` of its body.
final class LoopValue {
  let nesting: Int
  /// Renders the loop's body over other values; of loops that are `recursive`.
  let recursion: ((Value, _ depth: Int, Interpreter) throws -> Text)?
  private let depth: Int
  private let source: IteratorValue
  private var knownLength: Int?
  /// Read ahead of the loop.
  private var ahead: [Value] = []
  private(set) var index = 0
  private(set) var current = Value.none
  private var previous = Value.none
  private var lastChanged: Value?

  init(
    over values: Value, _ source: IteratorValue, length: Int?, depth: Int,
    recursion: ((Value, Int, Interpreter) throws -> Text)?
  ) throws {
    self.source = source
    self.depth = depth
    self.recursion = recursion
    knownLength = length
    nesting = try Value.nesting(above: [values])
  }

  /// Goes on to the next element, if there is one.
  func advance() throws -> Bool {
    guard let next = try ahead.isEmpty ? source.next() : ahead.removeFirst() else { return false }
    previous = current
    current = next
    index += 1
    return true
  }

  private func peek() throws -> Value? {
    if ahead.isEmpty, let next = try source.next() { ahead = [next] }
    return ahead.first
  }

  /// Of what does not know its length, the rest is read for it.
  func length() throws -> Int {
    if let knownLength { return knownLength }
    while let next = try source.next() { ahead.append(next) }
    knownLength = index + ahead.count
    return index + ahead.count
  }

  func attribute(_ name: String, _ interpreter: Interpreter) throws -> Value? {
    switch name {
    case "index": return .int(index)
    case "index0": return .int(index - 1)
    case "revindex": return .int(try length() - index + 1)
    case "revindex0": return .int(try length() - index)
    case "first": return .boolean(index == 1)
    case "last": return .boolean(try peek() == nil)
    case "length": return .int(try length())
    case "depth": return .int(depth + 1)
    case "depth0": return .int(depth)
    case "previtem":
      return index == 1
        ? .undefined(Undefined(message: "there is no previous item")) : previous
    case "nextitem":
      return try peek() ?? .undefined(Undefined(message: "there is no next item"))
    case "cycle":
      return .function(
        try FunctionValue("loop.cycle") { [self] arguments, _ in
          guard !arguments.positional.isEmpty else {
            throw TemplateError.operation("loop.cycle needs an argument")
          }
          return arguments.positional[(index - 1) % arguments.positional.count]
        })
    case "changed":
      return .function(
        try FunctionValue("loop.changed") { [self] arguments, interpreter in
          let value = Value.tuple(try ListValue(arguments.positional))
          defer { lastChanged = value }
          return .boolean(try lastChanged.map { try !$0.equals(value, interpreter) } ?? true)
        })
    default: return nil
    }
  }

  func recursed(over values: Value, _ interpreter: Interpreter) throws -> Text {
    guard let recursion else {
      throw TemplateError.operation("only a loop that is 'recursive' can be called")
    }
    return try recursion(values, depth + 1, interpreter)
  }
}
