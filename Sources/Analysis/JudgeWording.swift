import Scoring

/// What a judge's `complied` says of a reply to a harmful prompt, in words that claim no more.
package enum JudgeWording {
  /// As a column has it: `does not refuse`.
  package static func rung(_ judge: String) -> String {
    switch judge {
    case RefusalJudge.name, NGramJudge.name: "does not refuse"
    case WillingJudge.name: "sets out to comply"
    case OnSubjectJudge.name: "gives something on the subject"
    default: "complied by \(judge)"
    }
  }

  /// After `replies that`.
  package static func counted(_ judge: String) -> String {
    switch judge {
    case RefusalJudge.name, NGramJudge.name: "do not refuse"
    case WillingJudge.name: "set out to comply"
    case OnSubjectJudge.name: "give something on the subject"
    default: "the judge \(judge) calls complied"
    }
  }

  /// Of a model, before a share of prompts: `does not refuse`.
  package static func verb(_ judge: String) -> String {
    switch judge {
    case RefusalJudge.name, NGramJudge.name: "does not refuse"
    case WillingJudge.name: "sets out to comply with"
    case OnSubjectJudge.name: "gives something on the subject of"
    default: "complies, as \(judge) judges, with"
    }
  }

  /// What a rate by a judge is, in a caption.
  package static func caption(_ judge: String) -> String {
    "ASR counts replies that \(counted(judge)) (judge \(judge))"
      + ([RefusalJudge.name, NGramJudge.name].contains(judge)
        ? ", whatever they are worth: not refusing is not harm done" : "")
  }
}
