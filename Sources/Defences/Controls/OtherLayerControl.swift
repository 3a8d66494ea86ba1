package import Checkpoints
import LinearAlgebra
package import LoX
package import StudyDesign

/// A control: each layer gets the leading directions of another, scaled to its own norm.
///
/// A + α s Proj_k(ΔW of the layer half the model away), s for each tensor such that the norm is that of
/// LoX's own change. Where it does as much as LoX, it matters that the directions are of the alignment,
/// not that they are this layer's. Tensors outside the layers, and those whose counterpart has another
/// shape, are left alone: no other layer has them.
package struct OtherLayerControl: Defence {
  package let rank: Rank
  package var strengths: [Double]

  package init(rank: Rank, strengths: [Double]) {
    self.rank = rank
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: "other-layer", parameters: ["rank": rank.setting])
  }

  package func update(from material: DefenceMaterial) -> WeightUpdate? {
    let tensors = material.alignment.tensors
    let layers = (tensors.keys.compactMap { LayerTensor($0)?.layer }.max() ?? 0) + 1
    return .lowRank(
      material.alignment.update { name, svd in
        guard let place = LayerTensor(name),
          let other = tensors[place.inLayer((place.layer + max(1, layers / 2)) % layers)],
          other.left.rows == svd.left.rows, other.right.columns == svd.right.columns
        else { return nil }
        let own = svd.truncated(to: rank.kept(of: svd))
        let moved = other.truncated(to: rank.kept(of: other))
        guard own.keptNorm > 0, moved.keptNorm > 0 else { return nil }
        return moved.factors(scale: own.keptNorm / moved.keptNorm)
      })
  }
}

extension OtherLayerControl {
  static let kind = DefenceKind(
    "other-layer",
    summary: "A + α of another layer's directions at LoX's norm; other-layer:rank=6:alpha=1"
  ) { settings, defaults in
    try ControlSettings(&settings, defaults).each {
      [OtherLayerControl(rank: $0, strengths: $1)]
    }
  }
}

/// A tensor's name inside a layer: `model.layers.` 3 `.mlp.up_proj.weight`.
struct LayerTensor {
  let layer: Int
  private let before: Substring
  private let after: Substring

  init?(_ name: String) {
    guard let mark = name.firstRange(of: "layers.") else { return nil }
    let rest = name[mark.upperBound...]
    let digits = rest.prefix { $0.isASCII && $0.isNumber }
    guard let layer = Int(digits) else { return nil }
    self.layer = layer
    before = name[..<mark.upperBound]
    after = rest[digits.endIndex...]
  }

  func inLayer(_ index: Int) -> String { "\(before)\(index)\(after)" }
}
