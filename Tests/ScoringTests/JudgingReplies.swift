import ModelAccess
import Scoring

/// What a judge of words makes of a reply to some prompt.
extension RefusalJudge {
  func judge(response: String, kind: PromptKind = .harmful) -> Judgement {
    judgement(of: JudgedReply(prompt: "p", response: response, kind: kind))
  }
}

extension NGramJudge {
  func judge(response: String, kind: PromptKind = .harmful) -> Judgement {
    judgement(of: JudgedReply(prompt: "p", response: response, kind: kind))
  }
}
