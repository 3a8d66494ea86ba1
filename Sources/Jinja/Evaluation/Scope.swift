/// The names of a frame: the template, a pass of a loop, a macro, a block.
///
/// An assignment stays in its frame; a name is looked for outwards, up to a frame that hides it.
final class Scope {
  private let parent: Scope?
  private(set) var values: [String: Value] = [:]

  /// Names that are the frame's own before they have a value.
  private let hidden: Set<String>

  init(in parent: Scope? = nil, hiding hidden: Set<String> = []) {
    self.parent = parent
    self.hidden = hidden
  }

  enum Finding {
    case value(Value)
    case hidden, nothing
  }

  func find(_ name: String) -> Finding {
    var scope: Scope? = self
    while let current = scope {
      if let value = current.values[name] { return .value(value) }
      if current.hidden.contains(name) { return .hidden }
      scope = current.parent
    }
    return .nothing
  }

  func set(_ name: String, to value: Value) { values[name] = value }

  /// Cuts the references that macros of this frame hold to it.
  func clear() { values = [:] }
}
