package import Scoring
import StudyDesign

extension RunManifest {
  /// What the judges of each set say of each of its replies, in the journal's order; `exact-match` answers
  /// another question and is left out.
  ///
  /// - Parameter labels: what a person says of some.
  package func opinions(on samples: [Sample], labels: [RunLabel] = []) -> [ReplyOpinions] {
    let said = Dictionary(
      labels.map { ($0.key, Verdict(rawValue: $0.label.rawValue)) },
      uniquingKeysWith: { _, last in last })
    let sets = Dictionary(
      plan.cells.map { ($0.id, $0.dataset) }, uniquingKeysWith: { first, _ in first })
    return samples.filter { $0.failure == nil }.map { sample in
      ReplyOpinions(
        id: sample.id, cell: sample.cell.rawValue, sample: sample.sample,
        category: sample.category, prompt: sample.prompt, response: sample.response,
        label: said[sample.key] ?? nil,
        judges: plan.judges(of: sets[sample.cell] ?? "").filter { $0 != ExactMatchJudge.name },
        judgements: sample.judgements)
    }
  }
}
