/// The names of a frame: the template, a pass of a loop, a macro, a block.
///
/// An assignment stays in its frame; a name is looked for outwards.
final class Scope {
  private let parent: Scope?
  private(set) var values: [String: Value] = [:]

  init(in parent: Scope? = nil) {
    self.parent = parent
  }

  subscript(name: String) -> Value? {
    get {
      var scope: Scope? = self
      while let current = scope {
        if let value = current.values[name] { return value }
        scope = current.parent
      }
      return nil
    }
    set { values[name] = newValue }
  }

  /// Cuts the references that macros of this frame hold to it.
  func clear() { values = [:] }
}
