/// A setting that a shape can say and no operation computes.
package struct UncomputedSetting: Equatable, Sendable {
  /// What the setting is.
  package let name: String
  package let found: String

  init(_ name: String, _ found: some Any) {
    self.name = name
    self.found = "\(found)"
  }
}

extension DecoderShape {
  /// The settings that no operation computes; a model that has any is refused when it is opened.
  package var uncomputed: [UncomputedSetting] { matrices.flatMap(\.uncomputed) }
}
