/// A low-rank update at a scale: one layer of the stack that makes a model of a study out of its
/// checkpoint, W + Σ scale · left · right.
package struct ScaledLowRankUpdate: Equatable, Sendable {
  package var update: LowRankUpdate
  /// For LoX the α of `W + α · Proj_k(ΔW)`; 0 leaves the weights as they are.
  package var scale: Double

  package init(_ update: LowRankUpdate, scale: Double) {
    self.update = update
    self.scale = scale
  }
}
