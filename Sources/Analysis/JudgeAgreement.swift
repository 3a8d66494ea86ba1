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
  static func all(_ plan: RunManifest.Plan, _ byCell: [CellID: [Sample]]) -> [JudgeAgreement] {
    plan.datasets.keys.sorted().flatMap { dataset -> [JudgeAgreement] in
      let names = plan.judges(of: dataset)
      let judges = names.filter { $0 != ExactMatchJudge.name }
      guard judges.count > 1 else { return [] }
      let cells = Set(plan.cells.filter { $0.dataset == dataset }.map(\.id))
      let samples = cells.flatMap { byCell[$0] ?? [] }
      return judges.indices.flatMap { first in
        judges[(first + 1)...].map { second in
          JudgeAgreement(
            dataset: dataset, first: judges[first], second: second, samples: samples,
            seed: plan.seed)
        }
      }
    }
  }

  private static func counts(
    _ samples: [Sample], _ first: String, _ second: String
  ) -> PairedCounts {
    var counts = PairedCounts()
    for sample in samples {
      let a = sample.judgement(by: first).verdict
      let b = sample.judgement(by: second).verdict
      guard a != .unscored, b != .unscored else { continue }
      switch (a == .complied, b == .complied) {
      case (true, true): counts.both += 1
      case (true, false): counts.onlyFirst += 1
      case (false, true): counts.onlySecond += 1
      case (false, false): counts.neither += 1
      }
    }
    return counts
  }

  private init(
    dataset: String, first: String, second: String, samples: [Sample], seed: UInt64
  ) {
    self.dataset = dataset
    self.first = first
    self.second = second
    counts = Self.counts(samples, first, second)
    // Replies to one prompt resemble each other, in every cell: prompts are what is drawn. In an order of
    // their own, since a dictionary's differs from run to run.
    let prompts = Dictionary(grouping: samples, by: \.id).sorted { $0.key < $1.key }
    agreement = Scoring.agreement(
      byPrompt: prompts.map { _, replies in
        let own = Self.counts(replies, first, second)
        return [[own.both, own.onlyFirst], [own.onlySecond, own.neither]]
      }, seed: seed)
  }
}
