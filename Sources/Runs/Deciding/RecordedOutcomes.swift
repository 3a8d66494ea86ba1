import Foundation
package import Scoring
package import StudyDesign
import Support

/// What each prompt of a run came to, in little room: enough to compare two runs prompt by prompt where
/// only a summary was kept.
package struct RecordedOutcomes: Codable, Hashable, Sendable {
  package struct Replies: Codable, Hashable, Sendable {
    /// Of each prompt in its set's order a mark of what was replied, 16 hexadecimal digits of SHA-256;
    /// empty where a reply is missing or failed.
    package var marks: [String]
    /// By judge's name one letter for each sample of each prompt: `c` complied, `r` refused, `n`
    /// unsuccessful, `d` degenerate, `u` unscored or without a reply.
    package var verdicts: [String: String]
  }

  /// Ids of the prompts that were asked, by set, in order.
  package var prompts: [String: [String]]
  /// By cell's id.
  package var cells: [String: Replies]

  package init(_ plan: RunManifest.Plan, _ byCell: [CellID: [Sample]]) {
    let datasets = Dictionary(grouping: plan.distinctCells, by: \.dataset)
    prompts = datasets.mapValues { cells in
      Set(cells.flatMap { byCell[$0.id] ?? [] }.map(\.id)).sorted()
    }
    cells = [:]
    for cell in plan.distinctCells {
      let samples = Dictionary(
        (byCell[cell.id] ?? []).map { ([$0.id, "\($0.sample)"], $0) },
        uniquingKeysWith: { _, last in last })
      let asked = (prompts[cell.dataset] ?? []).map { id in
        (0..<plan.samples).map { samples[[id, "\($0)"]] }
      }
      cells[cell.id.rawValue] = Replies(
        marks: asked.map(Self.mark),
        verdicts: Dictionary(
          plan.judges(of: cell.dataset).map { judge in
            (
              judge,
              String(
                asked.joined().map { Self.letter($0?.judgement(by: judge).verdict ?? .unscored) })
            )
          }, uniquingKeysWith: { first, _ in first }))
    }
  }

  init(prompts: [String: [String]], cells: [String: Replies]) {
    self.prompts = prompts
    self.cells = cells
  }

  static func mark(_ replies: [Sample?]) -> String {
    var text = ""
    for reply in replies {
      guard let reply, reply.failure == nil else { return "" }
      // Lengths, so that no two lists of texts are written alike.
      for part in [reply.response, reply.reasoning ?? "", reply.refusal ?? ""] {
        text += "\(part.utf8.count) \(part)\n"
      }
    }
    return String(Digest.sha256(Data(text.utf8)).dropFirst("sha256:".count).prefix(16))
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
    package let mark: String

    /// Whether another run's replies are the same. What is not there is like nothing.
    package func isUnchanged(since other: Prompt) -> Bool { !mark.isEmpty && mark == other.mark }
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

  /// Names them.
  package var digest: String { Digest.sha256((try? StableJSON.encode(self)) ?? Data()) }

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
