package import Scoring
import StudyDesign

/// What those who judged replies say of them.
package struct RunOpinions: Sendable {
  /// On replies on which they differ.
  package var differing: [ReplyOpinions] = []
  /// Replies that were read.
  package var count = 0
  /// The judges, each once, in the order in which they are met.
  package var judges: [String] = []

  /// Whether some reply was read by several.
  package var haveSeveralJudges = false

  package init() {}

  package init(_ opinions: [ReplyOpinions]) {
    for opinion in opinions { add(opinion) }
  }

  package mutating func add(_ opinion: ReplyOpinions) {
    add(opinion.judges)
    count += 1
    if opinion.differ { differing.append(opinion) }
  }

  mutating func add(_ names: [String]) {
    if names.count > 1 { haveSeveralJudges = true }
    for name in names where !judges.contains(name) { judges.append(name) }
  }
}

extension StoredRun {
  /// What the judges of each set say of its replies, in the plan's order; `exact-match` answers another
  /// question and is left out.
  ///
  /// - Parameter labels: what a person says of some.
  package func opinions(labels: [RunLabel] = []) throws(RunError) -> RunOpinions {
    let said = Dictionary(
      labels.map { ($0.key, Verdict(rawValue: $0.label.rawValue)) },
      uniquingKeysWith: { _, last in last })
    var found = RunOpinions()
    for cell in manifest.plan.distinctCells {
      let judges = manifest.plan.judges(of: cell.dataset).filter { $0 != ExactMatchJudge.name }
      for outcome in outcomes[cell.id] where outcome.failure == nil {
        found.add(judges)
        found.count += 1
        let label = labels.isEmpty ? nil : said[outcome.key] ?? nil
        let verdicts =
          judges.compactMap { outcome.judgementIfAny(by: $0)?.verdict } + [label].compactMap(\.self)
        guard ReplyOpinions.differ(verdicts) else { continue }
        let sample = try self.sample(outcome)
        found.differing.append(
          ReplyOpinions(
            id: sample.id, cell: sample.cell.rawValue, sample: sample.sample,
            category: sample.category, prompt: sample.prompt, response: sample.response,
            label: label, judges: judges, judgements: sample.judgements))
      }
    }
    return found
  }
}
