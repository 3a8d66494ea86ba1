package import Foundation
import ModelAccess
import Scoring
import StudyDesign
package import Support

/// A sample as a line of the journal. The primary judge's verdict, score and words also stand in fields
/// of their own, for readers who want one verdict.
///
/// By hand, since runs of millions of samples read every line and the client writes one for every reply:
/// `Codable` takes ten times as long.
extension Sample {
  /// The judge of a line that does not name its primary judge, as those of schema 1.
  static let unnamedJudge = ""

  package init(_ json: JSONNode) throws(JSONFields.Fault) {
    let line = JSONFields(json)
    cell = CellID(rawValue: try line.text("cell"))
    id = try line.text("id")
    // Journals of the first release have one sample a prompt and no reference.
    sample = try line.optional("sample") { $0.wholeNumber } ?? 0
    category = try line.text("category")
    prompt = try line.text("prompt")
    reference = try line.optionalText("reference")
    response = try line.text("response")
    reasoning = try line.optionalText("reasoning")
    refusal = try line.optionalText("refusal")
    finishReason = try line.optionalText("finish_reason")
    promptTokens = TokenCount.possible(try line.optional("prompt_tokens") { $0.wholeNumber })
    completionTokens = TokenCount.possible(
      try line.optional("completion_tokens") { $0.wholeNumber })
    latencyMilliseconds = try line.value("latency_ms") { $0.double }
    attempts = try line.value("attempts") { $0.wholeNumber }
    let code = try line.optionalText("error_code")
    failure = Failure(
      code: code.map { ErrorCode(rawValue: $0) }, text: try line.optionalText("error"))
    judgements = [:]
    let judged = try line.optional("judgements") { $0.members }
    for member in judged ?? [] {
      judgements[member.key] = try Judgement(member.value)
    }
    refusalLoss = try line.optional("refusal_loss") { $0.double }
    let verdict = try line.value("verdict") { $0.text.flatMap(Verdict.init(rawValue:)) }
    if let judge = try line.optionalText("judge") {
      self.judge = judge
      guard verdict == judgements[judge]?.verdict ?? .unscored else {
        throw JSONFields.Fault(key: "verdict")
      }
    } else {
      judge = Self.unnamedJudge
      // A failed request has no verdict.
      guard failure == nil else {
        guard verdict == .unscored else { throw JSONFields.Fault(key: "verdict") }
        return
      }
      judgements[judge] = Judgement(
        verdict: verdict, score: try line.optional("score") { $0.double },
        raw: try line.optionalText("judge_raw"),
        failure: Failure(code: nil, text: try line.optionalText("judge_error")))
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

  /// All fields in order, null where there is nothing, so that readers need no defaults; but for the
  /// loss, which landscapes alone have.
  package var json: JSONNode {
    get throws(JSONNode.NotFinite) {
      let primary = judgements[judge]
      var judged: [JSONNode.Member] = []
      for (judge, judgement) in judgements.sorted(by: { $0.key < $1.key }) {
        judged.append(JSONNode.Member(key: judge, value: try judgement.json))
      }
      func member(_ key: String, _ value: JSONNode) -> JSONNode.Member {
        JSONNode.Member(key: key, value: value)
      }
      var members: [JSONNode.Member] = [
        member("attempts", .integer(attempts)),
        member("category", .string(category)),
        member("cell", .string(cell.rawValue)),
        member("completion_tokens", .integer(completionTokens)),
        member("error", .text(failure?.description)),
        member("error_code", .text(failure?.code.rawValue)),
        member("finish_reason", .text(finishReason)),
        member("id", .string(id)),
        member("judge", .string(judge)),
        member("judge_error", .text(primary?.failure?.description)),
        member("judge_raw", .text(primary?.raw)),
        member("judgements", .object(judged)),
        member("latency_ms", try .shortest((latencyMilliseconds * 10).rounded() / 10)),
        member("prompt", .string(prompt)),
        member("prompt_tokens", .integer(promptTokens)),
        member("reasoning", .text(reasoning)),
        member("reference", .text(reference)),
        member("refusal", .text(refusal)),
        member("response", .string(response)),
        member("sample", .integer(sample)),
        member("score", try .shortest(primary?.score)),
        member("verdict", .string(verdict.rawValue)),
      ]
      if let refusalLoss {
        let place = members.firstIndex { $0.key == "response" } ?? members.endIndex
        members.insert(member("refusal_loss", try .shortest(refusalLoss)), at: place)
      }
      return .object(members)
    }
  }

  /// As a line of the journal, without its end.
  package func line() throws(JSONNode.NotFinite) -> Data { Data(try json.bytes) }
}
