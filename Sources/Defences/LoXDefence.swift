package import Checkpoints
package import LoX
package import StudyDesign

/// Low-rank extrapolation (arXiv 2506.15606): A + α Proj_k(ΔW), with k = 6 and α = 1.25 in the paper.
package struct LoXDefence: Defence {
  package let rank: Rank
  /// α.
  package let strengths: [Double]

  package init(rank: Rank, strengths: [Double]) {
    self.rank = rank
    self.strengths = strengths
  }

  package var arm: Treatment.Arm {
    Treatment.Arm(method: .lox, parameters: ["rank": rank.setting])
  }

  package func update(of alignment: Decomposition) -> LowRankUpdate { alignment.update(rank: rank) }
}

extension LoXDefence {
  /// Of each rank that is asked for, here or by `--rank`.
  static func make(
    _ settings: [String: String], _ defaults: DefenceList.Defaults
  ) throws -> [any Defence] {
    var settings = settings
    let rank = try settings.removeValue(forKey: "rank").map(Rank.init(parsing:))
    if let (name, value) = settings.first {
      throw DefenceError.setting(defence: "lox", found: "\(name)=\(value)")
    }
    return (rank.map { [$0] } ?? defaults.ranks).map {
      LoXDefence(rank: $0, strengths: defaults.strengths)
    }
  }
}

extension Rank {
  /// As it stands in files: a number, or `full` and the like.
  package var setting: Setting {
    if case .leading(let count) = self { .integer(count) } else { .text("\(self)") }
  }
}
