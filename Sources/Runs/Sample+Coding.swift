import Foundation
import ModelAccess
import Scoring
import StudyDesign

/// A sample as a line of the journal. The primary judge's verdict, score and words also stand in fields
/// of their own, for readers who want one verdict.
extension Sample: Codable {
  private enum CodingKeys: String, CodingKey {
    case cell, id, sample, category, prompt, reference, response, reasoning, refusal, judge,
      judgements
    case verdict, score, attempts, error
    case finishReason = "finish_reason"
    case promptTokens = "prompt_tokens"
    case completionTokens = "completion_tokens"
    case judgeRaw = "judge_raw"
    case judgeError = "judge_error"
    case latencyMilliseconds = "latency_ms"
    case errorCode = "error_code"
    case refusalLoss = "refusal_loss"
  }

  /// The judge of a line that does not name its primary judge, as those of schema 1.
  static let unnamedJudge = ""

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    func optional<Value: Decodable>(_ key: CodingKeys) throws -> Value? {
      try container.decodeIfPresent(Value.self, forKey: key)
    }
    cell = try container.decode(CellID.self, forKey: .cell)
    id = try container.decode(String.self, forKey: .id)
    // Journals of the first release have one sample a prompt and no reference.
    sample = try optional(.sample) ?? 0
    category = try container.decode(String.self, forKey: .category)
    prompt = try container.decode(String.self, forKey: .prompt)
    reference = try optional(.reference)
    response = try container.decode(String.self, forKey: .response)
    reasoning = try optional(.reasoning)
    refusal = try optional(.refusal)
    finishReason = try optional(.finishReason)
    promptTokens = try optional(.promptTokens)
    completionTokens = try optional(.completionTokens)
    latencyMilliseconds = try container.decode(Double.self, forKey: .latencyMilliseconds)
    attempts = try container.decode(Int.self, forKey: .attempts)
    failure = Failure(code: try optional(.errorCode), text: try optional(.error))
    judgements = try optional(.judgements) ?? [:]
    refusalLoss = try optional(.refusalLoss)
    let verdict = try container.decode(Verdict.self, forKey: .verdict)
    if let judge: String = try optional(.judge) {
      self.judge = judge
      let said = judgements[judge]?.verdict ?? .unscored
      guard verdict == said else {
        throw DecodingError.dataCorruptedError(
          forKey: .verdict, in: container,
          debugDescription: "the verdict is \(verdict.rawValue), that of \(judge) \(said.rawValue)")
      }
    } else {
      judge = Self.unnamedJudge
      guard failure == nil else {
        guard verdict == .unscored else {
          throw DecodingError.dataCorruptedError(
            forKey: .verdict, in: container, debugDescription: "a failed request with a verdict")
        }
        return
      }
      judgements[judge] = Judgement(
        verdict: verdict, score: try optional(.score), raw: try optional(.judgeRaw),
        failure: Failure(code: nil, text: try optional(.judgeError)))
    }
  }

  /// The line with the name of its primary judge, where it stood in the plan alone.
  func naming(judge name: String) -> Sample {
    guard judge == Self.unnamedJudge else { return self }
    var named = self
    named.judge = name
    named.judgements[Self.unnamedJudge] = nil
    named.judgements[name] = judgements[Self.unnamedJudge]
    return named
  }

  /// All fields are present, null where there is nothing, so that readers need no defaults; but for the
  /// loss, which landscapes alone have.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    let primary = judgements[judge]
    try container.encode(cell, forKey: .cell)
    try container.encode(id, forKey: .id)
    try container.encode(sample, forKey: .sample)
    try container.encode(category, forKey: .category)
    try container.encode(prompt, forKey: .prompt)
    try container.encode(reference, forKey: .reference)
    try container.encode(response, forKey: .response)
    try container.encode(reasoning, forKey: .reasoning)
    try container.encode(refusal, forKey: .refusal)
    try container.encode(finishReason, forKey: .finishReason)
    try container.encode(promptTokens, forKey: .promptTokens)
    try container.encode(completionTokens, forKey: .completionTokens)
    try container.encode(judge, forKey: .judge)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(primary?.score, forKey: .score)
    try container.encode(primary?.raw, forKey: .judgeRaw)
    try container.encode(primary?.failure?.description, forKey: .judgeError)
    try container.encode(judgements, forKey: .judgements)
    try container.encode((latencyMilliseconds * 10).rounded() / 10, forKey: .latencyMilliseconds)
    try container.encode(attempts, forKey: .attempts)
    try container.encode(failure?.description, forKey: .error)
    try container.encode(failure?.code, forKey: .errorCode)
    try container.encodeIfPresent(refusalLoss, forKey: .refusalLoss)
  }
}
