package import Scoring
package import StudyDesign

/// What a run that goes on until it is decided is compared with, prompt by prompt: kept in its plan, so
/// that the run can be continued and decided by its folder alone.
package struct SequentialBaseline: Codable, Hashable, Sendable {
  /// Names the outcomes of the whole baseline, as ledgers do.
  package var digest: String
  /// How those were judged, by judge: verdicts of others are no comparison.
  package var judges: [String: String]
  /// What the prompts that may be asked came to, by the ids of this run's cells.
  package var outcomes: RecordedOutcomes

  /// - Parameter cells: each with its set, the judge that leads there, and the baseline's prompts.
  package init(
    digest: String, judges: [String: String],
    cells: [(cell: CellID, dataset: String, judge: String, prompts: [RecordedOutcomes.Prompt])]
  ) {
    self.digest = digest
    self.judges = judges
    outcomes = RecordedOutcomes(
      prompts: Dictionary(
        cells.map { ($0.dataset, $0.prompts.map(\.id)) }, uniquingKeysWith: { first, _ in first }),
      cells: Dictionary(
        cells.map { cell in
          (
            cell.cell.rawValue,
            RecordedOutcomes.Replies(
              marks: cell.prompts.map(\.mark),
              verdicts: [cell.judge: RecordedOutcomes.letters(cell.prompts.flatMap(\.verdicts))])
          )
        }, uniquingKeysWith: { first, _ in first }))
  }

  /// Why a run's verdicts cannot be compared with these; nil where they can.
  package func difference(from plan: RunManifest.Plan) -> String? {
    judges.sorted { $0.key < $1.key }.first { plan.judges[$0.key] != $0.value }
      .map { "judge \($0.key) is \($0.value) there and \(plan.judges[$0.key] ?? "none") here" }
  }
}

extension RecordedOutcomes.Prompt {
  /// What this prompt, of a baseline, has become.
  ///
  /// - Parameters:
  ///   - verdicts: on the replies to the same prompt now, in the order of their samples; nil where one is missing.
  ///   - mark: of those replies.
  func change(to verdicts: [Verdict?], mark: ReplyMark) -> SequentialTest.Observation {
    RecordedOutcomes.Prompt(
      id: id, verdicts: verdicts.map { $0 ?? .unscored }, mark: mark
    ).change(since: self)
  }

  /// What changed since a baseline's outcomes of the same prompt.
  package func change(since before: RecordedOutcomes.Prompt) -> SequentialTest.Observation {
    PromptEvidence.change(
      from: before.verdicts, to: verdicts, isUnchanged: isWhollyUnchanged(since: before))
  }

  /// Whether replies and verdicts are the baseline's own.
  package func isWhollyUnchanged(since before: RecordedOutcomes.Prompt) -> Bool {
    isUnchanged(since: before) && verdicts == before.verdicts
  }
}
