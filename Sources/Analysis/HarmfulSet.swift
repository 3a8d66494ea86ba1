import ModelAccess
import Runs
import Scoring
import StudyDesign

/// A harmful set of a run as its primary judge sees it: what cells are compared on.
struct HarmfulSet {
  let dataset: String
  let judge: String
  private let all: SampleOutcomes
  private let seed: UInt64

  /// In the order of their names; those that no judge judges are left out.
  static func all(
    _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes
  ) -> [HarmfulSet] {
    plan.datasets.keys.sorted().compactMap { dataset in
      guard plan.datasets[dataset]?.kind == .harmful,
        let judge = plan.judges(of: dataset).first
      else { return nil }
      return HarmfulSet(dataset: dataset, judge: judge, all: outcomes, seed: plan.seed)
    }
  }

  func outcomes(_ cell: Cell) -> PromptOutcomes {
    PromptOutcomes(all[cell.id], judge: judge) { $0 == .complied }
  }

  /// Attack success from one cell to another, on the prompts that both answered; nil where there is none.
  func comparison(of first: Cell, and second: Cell) -> RateComparison? {
    RateComparison(of: outcomes(first), and: outcomes(second), seed: seed)
  }
}

/// One of a family of comparisons whose p-values are corrected together.
protocol CorrectedComparison {
  var comparison: RateComparison { get }
  /// `comparison.pValue` after Holm's correction over the family.
  var adjustedPValue: Double { get set }
}

extension Array where Element: CorrectedComparison {
  /// The family with its p-values corrected for its size.
  func corrected() -> [Element] {
    zip(self, holmCorrection(map(\.comparison.pValue))).map { one, p in
      var one = one
      one.adjustedPValue = p
      return one
    }
  }
}
