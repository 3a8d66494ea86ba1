/// Finds the names that a frame hides from its surroundings before it has given them a value.
///
/// Jinja decides where a name is looked for before it renders anything: one that a frame assigns, and
/// neither read before nor knows from outside, is the frame's own from its beginning. What the template
/// was given under that name is then out of sight, also for frames inside that come first:
///
///     {% set tools %}{{ tools }}{% endset %}      writes nothing, whatever `tools` was
///
/// An assignment in some branches only hides nothing.
struct FrameNames {
  /// A frame inside, to be gone through when all of what is around it is known.
  private struct Inner {
    let body: Body
    var parameters: [Target] = []
    var read: [Expression] = []
  }

  /// Names that frames around this one know.
  private let outer: Set<String>
  private var known: Set<String> = []
  private var assigned: Set<String> = []
  private var hidden: Set<String> = []
  private var inner: [Inner] = []

  private init(outer: Set<String>) {
    self.outer = outer
  }

  /// Of each body by its number the names that it hides.
  static func hidden(in root: Body, count: Int) -> [Set<String>] {
    var result = [Set<String>](repeating: [], count: count)
    var open = [(frame: Inner(body: root), outer: Set<String>())]
    while let (frame, outer) = open.popLast() {
      var names = FrameNames(outer: outer)
      for target in frame.parameters { names.declare(target) }
      for expression in frame.read { names.read(expression) }
      names.visit(frame.body.statements)
      result[frame.body.number] = names.hidden
      let around = outer.union(names.known)
      open += names.inner.map { ($0, around) }
    }
    return result
  }

  private mutating func declare(_ target: Target) {
    for name in target.names {
      known.insert(name)
      assigned.insert(name)
      hidden.remove(name)
    }
  }

  private mutating func assign(_ target: Target) {
    if case .attribute(let name, _) = target { return read(name) }
    if case .tuple(let targets) = target {
      for target in targets { assign(target) }
    }
    guard case .name(let name) = target else { return }
    assigned.insert(name)
    if known.insert(name).inserted, !outer.contains(name) { hidden.insert(name) }
  }

  private mutating func read(_ name: String) {
    if !outer.contains(name) { known.insert(name) }
  }

  private mutating func visit(_ statements: [Statement]) {
    for statement in statements { visit(statement) }
  }

  private mutating func visit(_ statement: Statement) {
    switch statement.kind {
    case .text, .leaveLoop, .nextPass: break
    case .output(let values):
      for value in values { read(value) }
    case .conditional(let branches, let otherwise): visit(branches[...], otherwise)
    case .loop(let loop):
      read(loop.iterable)
      let filter = loop.filter.map { [$0] } ?? []
      inner.append(
        Inner(body: loop.body, parameters: [.name("loop"), loop.target], read: filter))
      inner.append(Inner(body: loop.otherwise))
    case .set(let target, let value):
      read(value)
      assign(target)
    case .setBlock(let target, let filter, let body):
      assign(target)
      inner.append(Inner(body: body, read: filter.map { [$0] } ?? []))
    case .macro(let macro):
      assign(.name(macro.name))
      visit(macro)
    case .call(let caller, let call):
      read(call)
      visit(caller)
    case .filterBlock(let filter, let body):
      read(filter)
      inner.append(Inner(body: body))
    case .with(let values, let body):
      for (_, value) in values { read(value) }
      inner.append(Inner(body: body, parameters: values.map(\.target)))
    case .generation(let body), .block(let body): inner.append(Inner(body: body))
    }
  }

  private mutating func visit(_ macro: Macro) {
    inner.append(
      Inner(
        body: macro.body,
        parameters: (macro.parameters.map(\.name) + macro.extras).map(Target.name),
        read: macro.parameters.compactMap(\.standard)))
  }

  /// An `if` has three branches: its body, all its `elif`s, which are `if`s without one, its `else`.
  private mutating func visit(
    _ branches: ArraySlice<(test: Expression, body: [Statement])>, _ otherwise: [Statement]
  ) {
    guard let first = branches.first else { return }
    read(first.test)
    var arms = [self, self, self]
    for index in arms.indices { arms[index].inner = [] }
    arms[0].visit(first.body)
    for branch in branches.dropFirst() { arms[1].visit([branch], []) }
    arms[2].visit(otherwise)

    var counts: [String: Int] = [:]
    for name in arms.flatMap({ $0.assigned.subtracting(assigned) }) {
      counts[name, default: 0] += 1
    }
    for arm in arms {
      hidden = hidden.filter { !arm.known.contains($0) }.union(arm.hidden)
      known.formUnion(arm.known)
      assigned.formUnion(arm.assigned)
      inner += arm.inner
    }
    for (name, count) in counts where count < arms.count { hidden.remove(name) }
  }

  private mutating func read(_ expression: Expression) {
    if case .name(let name) = expression.kind { return read(name) }
    for part in expression.parts { read(part) }
  }
}

extension Target {
  fileprivate var names: [String] {
    switch self {
    case .name(let name): [name]
    case .attribute: []
    case .tuple(let targets): targets.flatMap(\.names)
    }
  }
}

extension ArgumentList {
  var all: [Expression] {
    positional + named.map(\.value) + [unpacked, unpackedNames].compactMap { $0 }
  }
}

extension Expression {
  /// The expressions that it is made of.
  fileprivate var parts: [Expression] {
    switch kind {
    case .literal, .name: []
    case .list(let items), .tuple(let items), .concatenation(let items): items
    case .dictionary(let members): members.flatMap { [$0.key, $0.value] }
    case .and(let left, let right), .or(let left, let right), .arithmetic(_, let left, let right),
      .item(let left, let right):
      [left, right]
    case .not(let value), .negative(let value), .positive(let value), .attribute(let value, _):
      [value]
    case .comparison(let first, let pairs): [first] + pairs.map(\.right)
    case .conditional(let test, let then, let otherwise):
      [test, then] + [otherwise].compactMap { $0 }
    case .slice(let value, let start, let stop, let step):
      [value] + [start, stop, step].compactMap { $0 }
    case .call(let value, let list), .test(let value, _, let list): [value] + list.all
    case .filter(let value, _, let list): [value].compactMap { $0 } + list.all
    }
  }
}
