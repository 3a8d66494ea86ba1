/// What judges may be made from.
struct JudgeParts {
  var model: JudgeModel?
  var phrases: RefusalPhrases
  var template: String?
  var weights: NGramWeights?
}

/// A kind of judge that `--judge` knows. Each judge's file declares its own.
package struct JudgeKind: Sendable {
  typealias Maker = @Sendable (JudgeParts) throws(ScoringError) -> any Judge

  /// Every judge: a line each.
  package static let all = [
    RefusalJudge.kind, NGramJudge.kind, WillingJudge.kind, OnSubjectJudge.kind, RubricJudge.kind,
    StrongRejectJudge.kind, GuardJudge.kind, ClassifierJudge.kind, ExactMatchJudge.kind,
  ]

  package let name: String
  /// What may follow the name, such as `[:THRESHOLD]`; empty for nothing.
  let form: String
  /// What it looks at or answers, in a few words for the help text.
  let summary: String
  let needsModel: Bool
  /// Reads what stands behind the name's colon, nil where nothing does.
  let read: @Sendable (_ option: String?) throws(ScoringError) -> Maker

  /// As it is written, with what it does.
  package var help: String { "\(name)\(form) (\(summary))" }

  /// A judge of its own strength.
  init(_ name: String, summary: String, make: @escaping Maker) {
    self.name = name
    self.summary = summary
    form = ""
    needsModel = false
    read = { option throws(ScoringError) in
      if let option { throw .unknownJudge("\(name):\(option)") }
      return make
    }
  }

  /// A judge that asks a model.
  ///
  /// - Parameters:
  ///   - expected: what its option may be, for the error message.
  ///   - option: reads it; nil for what it does not have.
  ///   - make: from what was read, nil where nothing was given.
  init<Option: Sendable>(
    _ name: String, form: String = "", summary: String, expected: String,
    option: @escaping @Sendable (String) -> Option?,
    make: @escaping @Sendable (Option?, JudgeModel, JudgeParts) throws(ScoringError) -> any Judge
  ) {
    self.name = name
    self.form = form
    self.summary = summary
    needsModel = true
    read = { text throws(ScoringError) in
      let value = text.flatMap(option)
      if let text, value == nil {
        throw .invalidOption(judge: name, expected: expected, found: text)
      }
      return { parts throws(ScoringError) in
        guard let model = parts.model else { throw .modelMissing(judge: name) }
        return try make(value, model, parts)
      }
    }
  }
}
