import Foundation
package import Scoring

/// One line of `samples.jsonl`: a prompt asked of a cell's model, with the verdicts on the reply.
package struct Sample: Codable, Hashable, Sendable {
  package var cell: String
  package var id: String
  /// Which of several samples of the prompt, from 0.
  package var sample: Int
  package var category: String
  package var prompt: String
  /// The expected answer, for prompts that have one.
  package var reference: String?
  package var response: String
  package var finishReason: String?
  /// The set's first judge's.
  package var verdict: Verdict
  package var score: Double?
  package var judgeRaw: String?
  /// `code: message` of a first judge that failed: the reply is kept and judged again on resuming.
  package var judgeError: String?
  /// What the set's further judges made of the reply, by their names.
  package var judgements: [String: Judgement]
  package var latencyMilliseconds: Double
  package var attempts: Int
  /// `code: message` of a request that failed; the verdict is then `unscored`.
  package var error: String?

  enum CodingKeys: String, CodingKey {
    case cell, id, sample, category, prompt, reference, response, verdict, score, judgements
    case attempts, error
    case finishReason = "finish_reason"
    case judgeRaw = "judge_raw"
    case judgeError = "judge_error"
    case latencyMilliseconds = "latency_ms"
  }

  package init(
    cell: String, id: String, sample: Int = 0, category: String, prompt: String,
    reference: String? = nil, response: String, finishReason: String?, verdict: Verdict,
    score: Double?, judgeRaw: String?, judgeError: String? = nil,
    judgements: [String: Judgement] = [:], latencyMilliseconds: Double, attempts: Int,
    error: String?
  ) {
    self.cell = cell
    self.id = id
    self.sample = sample
    self.category = category
    self.prompt = prompt
    self.reference = reference
    self.response = response
    self.finishReason = finishReason
    self.verdict = verdict
    self.score = score
    self.judgeRaw = judgeRaw
    self.judgeError = judgeError
    self.judgements = judgements
    self.latencyMilliseconds = latencyMilliseconds
    self.attempts = attempts
    self.error = error
  }

  package init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    cell = try container.decode(String.self, forKey: .cell)
    id = try container.decode(String.self, forKey: .id)
    category = try container.decode(String.self, forKey: .category)
    prompt = try container.decode(String.self, forKey: .prompt)
    response = try container.decode(String.self, forKey: .response)
    finishReason = try container.decodeIfPresent(String.self, forKey: .finishReason)
    verdict = try container.decode(Verdict.self, forKey: .verdict)
    score = try container.decodeIfPresent(Double.self, forKey: .score)
    judgeRaw = try container.decodeIfPresent(String.self, forKey: .judgeRaw)
    latencyMilliseconds = try container.decode(Double.self, forKey: .latencyMilliseconds)
    attempts = try container.decode(Int.self, forKey: .attempts)
    error = try container.decodeIfPresent(String.self, forKey: .error)
    // Journals of the first release have no more than that.
    sample = try container.decodeIfPresent(Int.self, forKey: .sample) ?? 0
    reference = try container.decodeIfPresent(String.self, forKey: .reference)
    judgeError = try container.decodeIfPresent(String.self, forKey: .judgeError)
    judgements =
      try container.decodeIfPresent([String: Judgement].self, forKey: .judgements) ?? [:]
  }

  /// All fields are present, null where there is nothing, so that readers need no defaults.
  package func encode(to encoder: any Encoder) throws {
    var container = encoder.container(keyedBy: CodingKeys.self)
    try container.encode(cell, forKey: .cell)
    try container.encode(id, forKey: .id)
    try container.encode(sample, forKey: .sample)
    try container.encode(category, forKey: .category)
    try container.encode(prompt, forKey: .prompt)
    try container.encode(reference, forKey: .reference)
    try container.encode(response, forKey: .response)
    try container.encode(finishReason, forKey: .finishReason)
    try container.encode(verdict, forKey: .verdict)
    try container.encode(score, forKey: .score)
    try container.encode(judgeRaw, forKey: .judgeRaw)
    try container.encode(judgeError, forKey: .judgeError)
    try container.encode(judgements, forKey: .judgements)
    try container.encode((latencyMilliseconds * 10).rounded() / 10, forKey: .latencyMilliseconds)
    try container.encode(attempts, forKey: .attempts)
    try container.encode(error, forKey: .error)
  }

  package struct Key: Hashable, Sendable {
    package let cell: String
    package let id: String
    package let sample: Int

    package init(cell: String, id: String, sample: Int = 0) {
      self.cell = cell
      self.id = id
      self.sample = sample
    }
  }

  package var key: Key { Key(cell: cell, id: id, sample: sample) }
}

extension Sample {
  /// The first judge's judgement.
  package var firstJudgement: Judgement {
    Judgement(verdict: verdict, score: score, raw: judgeRaw, error: judgeError ?? error)
  }

  /// What one of the set's judges made of the reply; `unscored` where it did not judge it.
  ///
  /// - Parameter judges: the set's judges, the first in front.
  package func judgement(by judge: String, of judges: [String]) -> Judgement {
    if judge == judges.first { return firstJudgement }
    return judgements[judge] ?? Judgement(verdict: .unscored, error: error)
  }

  /// Every judge has judged: nothing is left to do but what failed on the way to the model.
  package func isJudged(by judges: [String]) -> Bool {
    judgeError == nil
      && judges.dropFirst().allSatisfy { judgements[$0].map { $0.error == nil } ?? false }
  }

  /// Some judge failed: a later line with the same reply may replace this one.
  var hasFailedJudge: Bool {
    judgeError != nil || judgements.values.contains { $0.error != nil }
  }
}
