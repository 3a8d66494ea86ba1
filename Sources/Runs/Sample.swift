import Foundation
package import ModelAccess
package import Scoring
package import StudyDesign

/// One line of `samples.jsonl`: a prompt asked of a cell's model, with what the judges made of the
/// reply.
package struct Sample: Hashable, Sendable {
  package var cell: CellID
  package var id: String
  /// Which of several samples of the prompt, from 0.
  package var sample: Int
  package var category: String
  package var prompt: String
  /// The expected answer, for prompts that have one.
  package var reference: String?
  package var response: String
  /// What a reasoning model thought before it answered, where the server keeps it apart.
  package var reasoning: String?
  /// What the model said in the API's own field for refusals; nil where that is absent.
  package var refusal: String?
  package var finishReason: String?
  /// As the server counts them; nil where it does not.
  package var promptTokens: Int?
  package var completionTokens: Int?
  /// The set's primary judge: its verdict is the reply's.
  package var judge: String
  /// What each of the set's judges made of the reply, by their names. Of a failed request there are
  /// none; a judge that failed itself says so and is asked again when the run is continued.
  package var judgements: [String: Judgement]
  package var latencyMilliseconds: Double
  package var attempts: Int
  /// Why the request failed; the verdict is then `unscored`.
  package var failure: Failure?
  /// Of a landscape's harmful prompts, the mean of −ln p over the tokens of the project's short refusals, in
  /// nats; nil where nobody computed it.
  package var refusalLoss: Double?

  package init(
    cell: CellID, id: String, sample: Int = 0, category: String, prompt: String,
    reference: String? = nil, judge: String, judgements: [String: Judgement] = [:],
    response: String = "", reasoning: String? = nil, refusal: String? = nil,
    finishReason: String? = nil, promptTokens: Int? = nil, completionTokens: Int? = nil,
    latencyMilliseconds: Double = 0,
    attempts: Int = 0, failure: Failure? = nil, refusalLoss: Double? = nil
  ) {
    self.cell = cell
    self.id = id
    self.sample = sample
    self.category = category
    self.prompt = prompt
    self.reference = reference
    self.judge = judge
    self.judgements = judgements
    self.response = response
    self.reasoning = reasoning
    self.refusal = refusal
    self.finishReason = finishReason
    self.promptTokens = promptTokens
    self.completionTokens = completionTokens
    self.latencyMilliseconds = latencyMilliseconds
    self.attempts = attempts
    self.failure = failure
    self.refusalLoss = refusalLoss
  }

  package struct Key: Hashable, Sendable {
    package let cell: CellID
    package let id: String
    package let sample: Int

    package init(cell: CellID, id: String, sample: Int = 0) {
      self.cell = cell
      self.id = id
      self.sample = sample
    }
  }

  package var key: Key { Key(cell: cell, id: id, sample: sample) }
}

extension Sample {
  /// What a judge made of the reply; `unscored` where it did not judge it.
  package func judgement(by judge: String) -> Judgement {
    judgements[judge] ?? Judgement(verdict: .unscored, failure: failure)
  }

  /// The primary judge's judgement.
  package var judgement: Judgement { judgement(by: judge) }
  package var verdict: Verdict { judgement.verdict }

  /// Every judge has judged: nothing is left to do but what failed on the way to the model.
  package func isJudged(by judges: [String]) -> Bool {
    judges.allSatisfy { judgements[$0].map { $0.failure == nil } ?? false }
  }

  /// Some judge failed: it is asked again about the same reply.
  var hasFailedJudge: Bool { judgements.values.contains { $0.failure != nil } }

  /// Why a later line may not replace this one; nil where it may: a request that failed was made again,
  /// or a judge that failed was asked again about the same reply.
  func objection(to later: Sample) -> String? {
    guard later.prompt == prompt, later.reference == reference else {
      return " with another prompt"
    }
    guard failure == nil else { return nil }
    guard hasFailedJudge else { return "" }
    guard later.failure == nil, later.response == response, later.reasoning == reasoning else {
      return " with another reply"
    }
    for (judge, judgement) in judgements where judgement.failure == nil {
      guard later.judgements[judge] == judgement else {
        return ", and \(judge) had judged it otherwise"
      }
    }
    return nil
  }
}
