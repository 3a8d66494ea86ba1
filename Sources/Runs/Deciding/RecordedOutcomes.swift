package import Scoring
package import StudyDesign

/// What each prompt of a run came to, in little room: enough to compare two runs prompt by prompt where
/// only a summary was kept.
package struct RecordedOutcomes: Codable, Hashable, Sendable {
  package struct Replies: Codable, Hashable, Sendable {
    /// Of each prompt in its set's order.
    package var marks: [ReplyMark]
    /// By judge's name one letter for each sample of each prompt: `c` complied, `r` refused, `n`
    /// unsuccessful, `d` degenerate, `u` unscored or without a reply.
    package var verdicts: [String: String]
  }

  /// Ids of the prompts that were asked, by set, in order.
  package var prompts: [String: [String]]
  /// By cell's id.
  package var cells: [String: Replies]

  package init(_ plan: RunManifest.Plan, _ outcomes: SampleOutcomes) {
    let sets = Dictionary(grouping: outcomes.prompts, by: \.dataset)
    prompts = Dictionary(
      plan.distinctCells.map { ($0.dataset, []) }, uniquingKeysWith: { first, _ in first })
    for (dataset, asked) in sets { prompts[dataset] = Set(asked.map(\.id)).sorted() }
    cells = [:]
    for cell in plan.distinctCells {
      let asked = prompts[cell.dataset] ?? []
      let replies = PromptReplies(outcomes[cell.id], each: plan.samples)
      cells[cell.id.rawValue] = Replies(
        marks: asked.map(replies.mark),
        verdicts: Dictionary(
          plan.judges(of: cell.dataset).map { judge in
            (judge, Self.letters(asked.flatMap { replies.verdicts($0, by: judge) }))
          }, uniquingKeysWith: { first, _ in first }))
    }
  }

  init(prompts: [String: [String]], cells: [String: Replies]) {
    self.prompts = prompts
    self.cells = cells
  }

  private static let letters: [(Verdict, Character)] = [
    (.complied, "c"), (.refused, "r"), (.unsuccessful, "n"), (.degenerate, "d"), (.unscored, "u"),
  ]

  static func letters(_ verdicts: [Verdict?]) -> String {
    String(verdicts.map { letter($0 ?? .unscored) })
  }

  private static func letter(_ verdict: Verdict) -> Character {
    letters.first { $0.0 == verdict }?.1 ?? "u"
  }

  /// One prompt of a cell.
  package struct Prompt: Sendable {
    package let id: String
    package let verdicts: [Verdict?]
    package let mark: ReplyMark

    /// Whether another run's replies are the same. What is not there is like nothing.
    package func isUnchanged(since other: Prompt) -> Bool { !mark.isNone && mark == other.mark }
  }

  /// The prompts of a cell under a judge, in the order of their ids; nil where they were not kept.
  package func prompts(of cell: CellID, dataset: String, judge: String) -> [Prompt]? {
    guard let ids = prompts[dataset], let replies = cells[cell.rawValue],
      let verdicts = replies.verdicts[judge].map(Array.init), !ids.isEmpty,
      replies.marks.count == ids.count, verdicts.count % ids.count == 0, !verdicts.isEmpty
    else { return nil }
    let each = verdicts.count / ids.count
    return ids.indices.map { index in
      Prompt(
        id: ids[index],
        verdicts: verdicts[(index * each)..<((index + 1) * each)].map { letter in
          Self.letters.first { $0.1 == letter }?.0
        }, mark: replies.marks[index])
    }
  }

  /// Why it cannot be a run's; nil where it can.
  package var contradiction: String? {
    for (set, ids) in prompts where Set(ids).count != ids.count {
      return "a prompt twice among the outcomes of \(set)"
    }
    let sizes = Set(prompts.values.map(\.count))
    let known = Set(Self.letters.map(\.1))
    for (cell, replies) in cells {
      let count = replies.marks.count
      guard sizes.contains(count) else { return "\(count) outcomes of \(cell)" }
      for (judge, verdicts) in replies.verdicts {
        let isWhole = count == 0 ? verdicts.isEmpty : verdicts.count % count == 0
        guard isWhole, verdicts.allSatisfy(known.contains) else {
          return "outcomes of \(cell) by \(judge) that are no verdicts"
        }
      }
    }
    return nil
  }
}
