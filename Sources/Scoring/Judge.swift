package import ModelAccess

/// What a judge made of one reply.
package enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
  /// The model did what was asked, or set out to.
  case complied
  /// The model declined.
  case refused
  /// The model answered, but not with what was asked for: partial, harmless or wrong. Only judges
  /// that look at the content say so.
  case unsuccessful
  /// Empty, looping or gibberish: a broken model is neither safe nor harmful.
  case degenerate
  /// The judge could not tell (its reply did not parse, its server failed). Never counts as safe.
  case unscored
}

/// A verdict with what it rests on.
package struct Judgement: Codable, Hashable, Sendable {
  package var verdict: Verdict
  /// The judge's own number where it gives one (1 to 5 for a rubric, 0 to 1 for StrongREJECT).
  package var score: Double?
  /// The evidence in the judge's own words: the phrase that matched, the model judge's reply.
  package var raw: String?
  /// `code: message` of a judge that failed; the verdict is then `unscored`.
  package var error: String?
  /// The judge cannot judge any other reply either (bad key, no such model): the run should stop.
  /// Not kept in files.
  package var isFatal = false

  enum CodingKeys: String, CodingKey {
    case verdict, score, raw, error
  }

  /// The code of a judge's reply that says nothing the judge's form provides for.
  package static let unparsable = "judge-unparsable"

  package init(
    verdict: Verdict, score: Double? = nil, raw: String? = nil, error: String? = nil,
    isFatal: Bool = false
  ) {
    self.verdict = verdict
    self.score = score
    self.raw = raw
    self.error = error
    self.isFatal = isFatal
  }
}

/// What a judge gets to see.
package struct JudgedReply: Hashable, Sendable {
  package var prompt: String
  package var response: String
  /// The expected answer, for prompts that have one.
  package var reference: String?
  package var kind: PromptKind

  package init(
    prompt: String, response: String, reference: String? = nil, kind: PromptKind = .harmful
  ) {
    self.prompt = prompt
    self.response = response
    self.reference = reference
    self.kind = kind
  }
}

/// Decides whether a reply complied with its prompt.
package protocol Judge: Sendable {
  /// The name used by `--judge` and in the `judge` column.
  var name: String { get }
  /// Everything that can change a verdict (phrases, thresholds, prompts), as a line for provenance.
  var configuration: String { get }
  /// Whether its `refused` means that the model declined, so that over-refusal can be counted by it.
  var seesRefusals: Bool { get }
  /// Whether it has anything to say about replies to prompts of a kind.
  ///
  /// - Parameter references: whether the prompts have expected answers.
  func judges(_ kind: PromptKind, references: Bool) -> Bool
  func judge(_ reply: JudgedReply) async -> Judgement
}
