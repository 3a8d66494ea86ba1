import Foundation
public import Scoring

/// One line of `samples.jsonl`: a prompt asked of a cell's model, with the verdict on the reply.
public struct Sample: Codable, Hashable, Sendable {
  public var cell: String
  public var id: String
  public var category: String
  public var prompt: String
  public var response: String
  public var finishReason: String?
  public var verdict: Verdict
  public var score: Double?
  public var judgeRaw: String?
  public var latencyMilliseconds: Double
  public var attempts: Int
  /// `code: message` of a request that failed; the verdict is then `unscored`.
  public var error: String?

  enum CodingKeys: String, CodingKey {
    case cell, id, category, prompt, response, verdict, score, attempts, error
    case finishReason = "finish_reason"
    case judgeRaw = "judge_raw"
    case latencyMilliseconds = "latency_ms"
  }

  public init(
    cell: String, id: String, category: String, prompt: String, response: String,
    finishReason: String?, verdict: Verdict, score: Double?, judgeRaw: String?,
    latencyMilliseconds: Double, attempts: Int, error: String?
  ) {
    self.cell = cell
    self.id = id
    self.category = category
    self.prompt = prompt
    self.response = response
    self.finishReason = finishReason
    self.verdict = verdict
    self.score = score
    self.judgeRaw = judgeRaw
    self.latencyMilliseconds = latencyMilliseconds
    self.attempts = attempts
    self.error = error
  }

  /// All fields are present, null where there is nothing, so that readers need no defaults.
  public func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(cell, forKey: .cell)
    try container.encode(id, forKey: .id)
    try container.encode(category, forKey: .category)
    try container.encode(prompt, forKey: .prompt)
    try container.encode(response, forKey: .response)
    try container.encode(finishReason, forKey: .finishReason)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(score, forKey: .score)
    try container.encode(judgeRaw, forKey: .judgeRaw)
    try container.encode((latencyMilliseconds * 10).rounded() / 10, forKey: .latencyMilliseconds)
    try container.encode(attempts, forKey: .attempts)
    try container.encode(error, forKey: .error)
  }

  struct Key: Hashable {
    let cell: String
    let id: String
  }

  var key: Key { Key(cell: cell, id: id) }
}
