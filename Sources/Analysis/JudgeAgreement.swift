import Runs
package import Scoring
import StudyDesign

/// How far two judges agree on whether a set's replies complied, over all cells.
package struct JudgeAgreement: Codable, Hashable, Sendable {
  package var dataset: String
  package var first: String
  package var second: String
  /// Replies that both, one, or neither called complied.
  package var counts: PairedCounts
  /// nil where no reply was scored by both.
  package var agreement: Agreement?

  /// For each two judges of each set; `exact-match` answers another question and is left out.
  static func all(_ plan: RunManifest.Plan, _ outcomes: SampleOutcomes) -> [JudgeAgreement] {
    plan.datasets.keys.sorted().flatMap { dataset -> [JudgeAgreement] in
      let names = plan.judges(of: dataset)
      let judges = names.filter { $0 != ExactMatchJudge.name }
      guard judges.count > 1 else { return [] }
      let cells = plan.distinctCells.filter { $0.dataset == dataset }.map { outcomes[$0.id] }
      return judges.indices.flatMap { first in
        judges[(first + 1)...].map { second in
          JudgeAgreement(
            dataset: dataset, first: judges[first], second: second, cells, seed: plan.seed)
        }
      }
    }
  }

  private init(
    dataset: String, first: String, second: String, _ cells: [CellOutcomes], seed: UInt64
  ) {
    self.dataset = dataset
    self.first = first
    self.second = second
    // Replies to one prompt resemble each other, in every cell: prompts are what is drawn. One is counted
    // also where no reply to it was scored by both.
    var prompts: [String: PairedCounts] = [:]
    for sample in cells.joined() {
      let a = sample.judgement(by: first).verdict
      let b = sample.judgement(by: second).verdict
      guard a != .unscored, b != .unscored else {
        prompts[sample.id, default: PairedCounts()].both += 0
        continue
      }
      switch (a == .complied, b == .complied) {
      case (true, true): prompts[sample.id, default: PairedCounts()].both += 1
      case (true, false): prompts[sample.id, default: PairedCounts()].onlyFirst += 1
      case (false, true): prompts[sample.id, default: PairedCounts()].onlySecond += 1
      case (false, false): prompts[sample.id, default: PairedCounts()].neither += 1
      }
    }
    counts = prompts.values.reduce(into: PairedCounts()) { all, own in
      all.both += own.both
      all.onlyFirst += own.onlyFirst
      all.onlySecond += own.onlySecond
      all.neither += own.neither
    }
    // In an order of their own, since a dictionary's differs from run to run.
    agreement = Scoring.agreement(
      byPrompt: prompts.sorted { $0.key < $1.key }.map { _, own in
        [[own.both, own.onlyFirst], [own.onlySecond, own.neither]]
      }, seed: seed)
  }
}
