import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import StudyDesign
import Support

/// The low-rank safety subspace of LSSF (ACL 2025 long 1479) in its data-free form: P_r ΔW in the
/// blocks' linear layers, r for each tensor the least whose entropy share H_r / H_n reaches η.
///
/// H_r = −Σ_{i ≤ r} p_i ln p_i with p_i = σ_i² / Σ σ². η is 0.8 to 0.9 and α 1 to 3 in the paper, which takes
/// the subspace U from activations on safety prompts; here it is that of ΔW. Ranks are large, so it is
/// served merged.
struct SafetySubspace: Hashable, Sendable {
  /// η.
  let share: Double

  func parameters() -> [String: Setting] { ["eta": .number(share)] }

  /// r of a whole spectrum.
  func rank(of singularValues: [Double]) -> Int {
    let total = singularValues.reduce(0) { $0 + $1 * $1 }
    guard total > 0 else { return 0 }
    let entropies = singularValues.map { value in
      let p = value * value / total
      return p > 0 ? -p * log(p) : 0
    }
    let all = entropies.reduce(0, +)
    // A single direction has no entropy, and is all there is.
    guard all > 0 else { return 1 }
    var sum = 0.0
    for (index, entropy) in entropies.enumerated() {
      sum += entropy
      if sum >= share * all { return index + 1 }
    }
    return singularValues.count
  }

  func update(from material: DefenceMaterial) -> WeightUpdate {
    let pair = material.pair
    var tensors: [String: [DenseUpdate.Term]] = [:]
    for name in pair.comparableTensors {
      guard name.contains("layers."), pair.aligned.tensor(named: name)?.shape.count == 2 else {
        continue
      }
      tensors[name] = [
        .computed(scale: 1) {
          // Decomposed when it is needed: all of them together would take more memory than the model.
          let svd = try pair.difference(of: name).singularValueDecomposition()
          let kept = svd.truncated(to: rank(of: svd.singularValues))
          return kept.scaledLeft(rank: kept.rank).multiplied(by: kept.right).elements
        }
      ]
    }
    return .dense(
      DenseUpdate(identity: "\(material.identity) lssf \(share)", tensors: tensors))
  }
}
