package import ModelAccess
package import Support

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
package struct Judgement: Hashable, Sendable {
  package var verdict: Verdict
  /// The judge's own number where it gives one (1 to 5 for a rubric, 0 to 1 for StrongREJECT).
  package var score: Double?
  /// The evidence in the judge's own words: the phrase that matched, the model judge's reply.
  package var raw: String?
  /// Why the judge failed; the verdict is then `unscored`.
  package var failure: Failure?
  /// The judge cannot judge any other reply either (bad key, no such model): the run should stop.
  /// Not kept in files.
  package var isFatal = false

  package init(
    verdict: Verdict, score: Double? = nil, raw: String? = nil, failure: Failure? = nil,
    isFatal: Bool = false
  ) {
    self.verdict = verdict
    self.score = score
    self.raw = raw
    self.failure = failure
    self.isFatal = isFatal
  }
}

/// In files a failure is `error`, as text, and `error_code`; of schema 1 the text alone. What there is
/// nothing of is left out.
extension Judgement {
  package init(_ json: JSONNode) throws(JSONFields.Fault) {
    let fields = JSONFields(json)
    let code = try fields.optionalText("error_code")
    self.init(
      verdict: try fields.value("verdict") { $0.text.flatMap(Verdict.init(rawValue:)) },
      score: try fields.optional("score") { $0.double }, raw: try fields.optionalText("raw"),
      failure: Failure(
        code: code.map { ErrorCode(rawValue: $0) }, text: try fields.optionalText("error")))
  }

  package var json: JSONNode {
    get throws(JSONNode.NotFinite) {
      .known([
        ("error", .text(failure?.description)), ("error_code", .text(failure?.code.rawValue)),
        ("raw", .text(raw)), ("score", try .shortest(score)),
        ("verdict", .string(verdict.rawValue)),
      ])
    }
  }
}

/// What a judge gets to see.
package struct JudgedReply: Sendable {
  package let prompt: String
  package let response: String
  /// The expected answer, for prompts that have one.
  package let reference: String?
  package let kind: PromptKind
  /// The server says that the model refused (OpenAI's `refusal` field): no judge need ask.
  package let declaresRefusal: Bool
  let words: ReplyWords

  package init(
    prompt: String, response: String, reference: String? = nil, kind: PromptKind = .harmful,
    declaresRefusal: Bool = false
  ) {
    self.prompt = prompt
    self.response = response
    self.reference = reference
    self.kind = kind
    self.declaresRefusal = declaresRefusal
    words = ReplyWords(response)
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
