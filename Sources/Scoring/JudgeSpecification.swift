/// One judge as `--judge` spells it: `refusal`, `rubric`, `rubric:4`, `strongreject:0.75`, `guard`,
/// `guard:conversation`, `classifier`, `exact-match`.
package struct JudgeSpecification: Hashable, Sendable {
  package let name: String
  private let option: String?

  /// The names that `--judge` takes.
  package static let names = [
    "refusal", RubricJudge.name, StrongRejectJudge.name, GuardJudge.name, ClassifierJudge.name,
    ExactMatchJudge.name,
  ]

  /// - Parameter text: judges separated by commas.
  package static func parse(_ text: String) throws(ScoringError) -> [JudgeSpecification] {
    var list: [JudgeSpecification] = []
    for part in text.split(separator: ",", omittingEmptySubsequences: false) {
      let specification = try JudgeSpecification(String(part.filter { $0 != " " }))
      guard !list.contains(where: { $0.name == specification.name }) else {
        throw .duplicateJudge(specification.name)
      }
      list.append(specification)
    }
    return list
  }

  private init(_ text: String) throws(ScoringError) {
    let parts = text.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
    name = parts.first.map(String.init) ?? ""
    option = parts.count > 1 ? String(parts[1]) : nil
    guard Self.names.contains(name) else { throw .unknownJudge(text) }
    switch (name, option) {
    case (_, nil): break
    case (RubricJudge.name, let option?):
      guard let score = Int(option), (2...5).contains(score) else {
        throw .invalidThreshold(judge: name, expected: "a score from 2 to 5", found: option)
      }
    case (StrongRejectJudge.name, let option?):
      guard let score = Double(option), score > 0, score <= 1 else {
        throw .invalidThreshold(
          judge: name, expected: "a score above 0 and up to 1", found: option)
      }
    case (GuardJudge.name, let option?):
      guard GuardJudge.Form(rawValue: option) != nil else {
        throw .invalidThreshold(judge: name, expected: "message or conversation", found: option)
      }
    default: throw .unknownJudge(text)
    }
  }

  /// Whether it needs a model of its own.
  package var needsModel: Bool { name != "refusal" && name != ExactMatchJudge.name }

  /// - Parameters:
  ///   - model: where `needsModel` says so.
  ///   - phrases: of the refusal judge.
  ///   - template: of the classifier.
  package func make(
    model: JudgeModel?, phrases: RefusalPhrases = .standard, template: String? = nil
  ) throws(ScoringError) -> any Judge {
    if name == "refusal" { return RefusalJudge(phrases: phrases) }
    if name == ExactMatchJudge.name { return ExactMatchJudge() }
    guard let model else { throw .modelMissing(judge: name) }
    switch name {
    case RubricJudge.name:
      return RubricJudge(
        model: model,
        threshold: option.flatMap { Int($0) } ?? RubricJudge.standardThreshold)
    case StrongRejectJudge.name:
      return StrongRejectJudge(
        model: model,
        threshold: option.flatMap { Double($0) } ?? StrongRejectJudge.standardThreshold)
    case GuardJudge.name:
      return GuardJudge(
        model: model, form: option.flatMap { GuardJudge.Form(rawValue: $0) } ?? .message)
    default:
      guard let template else { throw .templateMissing }
      return try ClassifierJudge(model: model, template: template)
    }
  }
}
