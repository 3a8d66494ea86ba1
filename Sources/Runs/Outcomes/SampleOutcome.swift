package import ModelAccess
package import Scoring
package import StudyDesign
package import Support

/// What a sample came to, without its texts: all that conclusions are made of.
///
/// It looks into what is kept of its cell, 32 bytes of each sample and 8 more of each score. Whoever needs the
/// texts has them read again: `SampleOutcomes.sample(_:)`.
package struct SampleOutcome: Sendable {
  let outcomes: CellOutcomes
  let index: Int

  var record: OutcomeRecord { outcomes.records[index] }
  private var panel: OutcomePanel { outcomes.names.panels[Int(record.panel)] }

  package var cell: CellID { outcomes.cell }
  /// What was asked.
  package var prompt: AskedPrompt { outcomes.names.prompts[Int(record.prompt)] }
  /// The prompt's.
  package var id: String { prompt.id }
  package var category: String { prompt.category }
  /// Which of several samples of the prompt, from 0.
  package var sample: Int { Int(record.number) }
  package var key: Sample.Key { Sample.Key(cell: cell, id: id, sample: sample) }
  /// Why the request failed; the verdict is then `unscored`.
  package var failure: ErrorCode? { panel.failure }
  /// Of a landscape's harmful prompts, as `Sample.refusalLoss`.
  package var refusalLoss: Double? {
    let panel = panel
    guard panel.hasLoss else { return nil }
    return outcomes.numbers[Int(record.numbers) + panel.judgements.count { $0.hasScore }]
  }

  /// The set's primary judge: its verdict is the reply's.
  package var judge: String { outcomes.names.judges[panel.judge] }

  /// What a judge made of the reply; `unscored` where it did not judge it.
  package func judgement(by judge: String) -> JudgementOutcome {
    judgementIfAny(by: judge) ?? JudgementOutcome(verdict: .unscored, failure: failure)
  }

  /// The same; nil where it did not judge it.
  package func judgementIfAny(by judge: String) -> JudgementOutcome? {
    let names = outcomes.names
    var score = Int(record.numbers)
    for entry in panel.judgements {
      guard names.judges[entry.judge] == judge else {
        if entry.hasScore { score += 1 }
        continue
      }
      return JudgementOutcome(
        verdict: entry.verdict, score: entry.hasScore ? outcomes.numbers[score] : nil,
        failure: entry.failure)
    }
    return nil
  }

  /// The primary judge's.
  package var judgement: JudgementOutcome { judgement(by: judge) }
  package var verdict: Verdict { judgement.verdict }

  /// Why judges failed, in the order in which they were met.
  package var judgeFailures: [ErrorCode] { panel.judgements.compactMap(\.failure) }

  /// Every judge has judged: nothing is left to do but what failed on the way to the model.
  package func isJudged(by judges: [String]) -> Bool {
    judges.allSatisfy { judgementIfAny(by: $0).map { $0.failure == nil } ?? false }
  }
}

/// What one judge made of one reply, without its words.
package struct JudgementOutcome: Hashable, Sendable {
  package var verdict: Verdict
  /// The judge's own number where it gives one.
  package var score: Double?
  /// Why the judge failed; the verdict is then `unscored`.
  package var failure: ErrorCode?
}

/// The outcomes of one cell, in the order of their prompts' ids as people count, in it of their numbers.
package final class CellOutcomes: RandomAccessCollection, Sendable {
  package let cell: CellID
  let records: [OutcomeRecord]
  /// What is a number of a sample: from its place on the scores of those judges that gave one, then the loss.
  let numbers: [Double]
  let names: OutcomeNames

  init(cell: CellID, records: [OutcomeRecord], numbers: [Double], names: OutcomeNames) {
    self.cell = cell
    self.records = records
    self.numbers = numbers
    self.names = names
  }

  package var startIndex: Int { 0 }
  package var endIndex: Int { records.count }
  package subscript(index: Int) -> SampleOutcome { SampleOutcome(outcomes: self, index: index) }
}

/// A sample in 32 bytes: places in tables of what many samples share.
struct OutcomeRecord: Sendable {
  var prompt: UInt32
  var number: UInt32
  var panel: UInt32
  /// Where its numbers begin among those of its cell.
  var numbers: UInt32
  /// Of the reply, or of all replies to the prompt in the first of them.
  var mark: ReplyMark
  var position: SamplePosition
}

/// Where a sample's line stands: in which of a run's journals, and from which byte on.
package struct SamplePosition: Hashable, Sendable {
  private let bits: UInt64

  static let largestFile = 65_535

  package init(file: Int, offset: Int) { bits = UInt64(file) << 48 | UInt64(offset) }

  package var file: Int { Int(bits >> 48) }
  package var offset: Int { Int(bits & (1 << 48 - 1)) }
}

/// What a prompt asks, wherever it was asked.
package struct AskedPrompt: Hashable, Sendable {
  package var dataset: String
  package var promptAttack: PromptAttack
  package var id: String
  package var category: String
  package var text: TextDigest
  /// Of the expected answer, for prompts that have one.
  package var reference: TextDigest?
}

/// What the judges said of a sample, and what failed: few combinations are met in a run.
struct OutcomePanel: Hashable, Sendable {
  struct Entry: Hashable, Sendable {
    var judge: Int
    var verdict: Verdict
    var failure: ErrorCode?
    var hasScore: Bool
  }

  var failure: ErrorCode?
  /// The primary one.
  var judge: Int
  var judgements: [Entry]
  var hasLoss: Bool

  /// A judge failed itself, and may be asked again.
  var hasFailedJudge: Bool { judgements.contains { $0.failure != nil } }
}
