import Scoring

/// What a judge's `complied` says of a reply to a harmful prompt, in words that claim no more.
package enum JudgeWording {
  /// The same claim as a sentence needs it.
  private struct Forms {
    /// As a column has it.
    let rung: String
    /// After `replies that`.
    let counted: String
    /// Of a model, before a share of prompts.
    let verb: String
  }

  private static let notRefusing = Forms(
    rung: "does not refuse", counted: "do not refuse", verb: "does not refuse")

  private static let known = [
    RefusalJudge.name: notRefusing, NGramJudge.name: notRefusing,
    WillingJudge.name: Forms(
      rung: "sets out to comply", counted: "set out to comply", verb: "sets out to comply with"),
    OnSubjectJudge.name: Forms(
      rung: "gives something on the subject", counted: "give something on the subject",
      verb: "gives something on the subject of"),
  ]

  private static func forms(_ judge: String) -> Forms {
    known[judge]
      ?? Forms(
        rung: "complied by \(judge)", counted: "the judge \(judge) calls complied",
        verb: "complies, as \(judge) judges, with")
  }

  /// As a column has it: `does not refuse`.
  package static func rung(_ judge: String) -> String { forms(judge).rung }

  /// After `replies that`.
  package static func counted(_ judge: String) -> String { forms(judge).counted }

  /// Of a model, before a share of prompts: `does not refuse`.
  package static func verb(_ judge: String) -> String { forms(judge).verb }

  /// What a rate by a judge is, in a caption.
  package static func caption(_ judge: String) -> String {
    "ASR counts replies that \(counted(judge)) (judge \(judge))"
      + ([RefusalJudge.name, NGramJudge.name].contains(judge)
        ? ", whatever they are worth: not refusing is not harm done" : "")
  }
}
