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
  ///
  /// Each operation lists its own, in the file that would compute them; what the two schedules
  /// leave out of a block is listed here.
  package var uncomputed: [UncomputedSetting] {
    embedding.uncomputed
      + blocks.enumerated().flatMap { index, block in
        block.uncomputed.map { UncomputedSetting("\($0.name) of block \(index)", $0.found) }
      }
      + finalNorm.uncomputed + head.uncomputed
  }
}

extension BlockShape {
  fileprivate var uncomputed: [UncomputedSetting] {
    var found: [UncomputedSetting] = []
    for (name, norm) in [
      ("norm before attention", normBeforeAttention),
      ("norm before the feed-forward layer", normBeforeFeedForward),
    ] {
      found += norm?.uncomputed ?? [UncomputedSetting(name, "absent")]
    }
    for (name, norm) in [
      ("norm after attention", normAfterAttention),
      ("norm after the feed-forward layer", normAfterFeedForward),
    ] {
      if let norm { found.append(UncomputedSetting(name, norm.tensor)) }
    }
    if residualScale != 1 { found.append(UncomputedSetting("residual scale", residualScale)) }
    found += linearLayers.flatMap(\.uncomputed) + attention.uncomputed
    switch feedForward {
    case .gated(let mlp): found += mlp.uncomputed
    }
    return found
  }
}
