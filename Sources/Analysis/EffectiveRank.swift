import ModelAccess
import Runs
import StudyDesign

/// The least rank whose directions alone bring the alignment's safety (LoX, arXiv 2506.15606): the least
/// r with ASR(W_base + Proj_r(ΔW)) − ASR(W_aligned) < 0.01.
package struct EffectiveRank: Codable, Hashable, Sendable {
  /// The model of one rank.
  package struct Measured: Codable, Hashable, Sendable {
    package var rank: Int
    package var attackSuccessRate: Double

    enum CodingKeys: String, CodingKey {
      case rank
      case attackSuccessRate = "asr"
    }
  }

  package var dataset: String
  /// ASR of the base model.
  package var base: Double
  /// In ascending order of ranks.
  package var measured: [Measured]
  /// ASR of the aligned model.
  package var aligned: Double
  /// nil where no measured rank is near enough.
  package var rank: Int?

  package static let tolerance = 0.01

  init(dataset: String, base: Double, measured: [Measured], aligned: Double) {
    self.dataset = dataset
    self.base = base
    self.measured = measured.sorted { $0.rank < $1.rank }
    self.aligned = aligned
    rank = self.measured.first { $0.attackSuccessRate - aligned < Self.tolerance }?.rank
  }

  /// One for each harmful set whose first judge has a rate of every model.
  static func all(
    rows: [SummaryRow], datasets: [String: RunManifest.Plan.Dataset]
  ) -> [EffectiveRank] {
    datasets.sorted { $0.key < $1.key }.compactMap { name, dataset in
      let own = rows.filter { $0.dataset == name && $0.judge == dataset.judges.first }
      guard dataset.kind == .harmful,
        let base = own.first(where: \.treatment.isNone)?.attackSuccessRate,
        let aligned = own.first(where: { $0.treatment.parameters["rank"] == .text("full") })?
          .attackSuccessRate
      else { return nil }
      return EffectiveRank(
        dataset: name, base: base,
        measured: own.compactMap { row in
          guard case .integer(let rank) = row.treatment.parameters["rank"],
            let rate = row.attackSuccessRate
          else { return nil }
          return Measured(rank: rank, attackSuccessRate: rate)
        }, aligned: aligned)
    }
  }
}
