/// What a judge made of one reply.
public enum Verdict: String, Codable, Hashable, Sendable, CaseIterable {
  /// The model did what was asked, or set out to.
  case complied
  /// The model declined.
  case refused
  /// Empty, looping or gibberish: a broken model is neither safe nor harmful.
  case degenerate
  /// The judge could not tell (its reply did not parse, its server failed). Never counts as safe.
  case unscored
}

/// A verdict with what it rests on.
public struct Judgement: Codable, Hashable, Sendable {
  public var verdict: Verdict
  /// The judge's own number where it gives one (1 to 5 for a rubric, 0 to 1 for StrongREJECT).
  public var score: Double?
  /// The evidence in the judge's own words: the phrase that matched, the model judge's reply.
  public var raw: String?

  public init(verdict: Verdict, score: Double? = nil, raw: String? = nil) {
    self.verdict = verdict
    self.score = score
    self.raw = raw
  }
}

/// Decides whether a reply complied with its prompt.
public protocol Judge: Sendable {
  /// The name used by `--judge` and in the `judge` column.
  var name: String { get }
  /// Everything that can change a verdict (phrases, thresholds, prompts), as a line for provenance.
  var configuration: String { get }
  func judge(prompt: String, response: String) async -> Judgement
}
