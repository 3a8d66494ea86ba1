/// One judge as `--judge` spells it: `refusal`, `ngram`, `willing`, `on-subject`, `rubric`, `rubric:4`, `strongreject:0.75`, `guard`,
/// `guard:conversation+loose`, `classifier`, `exact-match`.
package struct JudgeSpecification: Hashable, Sendable {
  package let name: String
  private let option: String?

  /// The names that `--judge` takes.
  package static let names = [
    RefusalJudge.name, NGramJudge.name, WillingJudge.name, OnSubjectJudge.name, RubricJudge.name,
    StrongRejectJudge.name, GuardJudge.name, ClassifierJudge.name, ExactMatchJudge.name,
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
      guard GuardOptions(option) != nil else {
        throw .invalidThreshold(
          judge: name, expected: "message or conversation, loose, or one of each joined by +",
          found: option)
      }
    default: throw .unknownJudge(text)
    }
  }

  /// Whether it needs a model of its own.
  package var needsModel: Bool {
    ![
      RefusalJudge.name, NGramJudge.name, WillingJudge.name, OnSubjectJudge.name,
      ExactMatchJudge.name,
    ].contains(name)
  }

  /// - Parameters:
  ///   - model: where `needsModel` says so.
  ///   - phrases: of the refusal judge.
  ///   - template: of the classifier.
  ///   - weights: of the n-gram judge.
  package func make(
    model: JudgeModel?, phrases: RefusalPhrases = .standard, template: String? = nil,
    weights: NGramWeights? = nil
  ) throws(ScoringError) -> any Judge {
    if name == RefusalJudge.name { return RefusalJudge(phrases: phrases) }
    if name == NGramJudge.name {
      guard let weights else { throw .weightsMissing }
      return NGramJudge(weights: weights)
    }
    if name == WillingJudge.name { return WillingJudge() }
    if name == OnSubjectJudge.name { return OnSubjectJudge() }
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
      let options = option.flatMap { GuardOptions($0) }
      return GuardJudge(
        model: model, form: options?.form ?? .message, isLoose: options?.isLoose ?? false)
    default:
      guard let template else { throw .templateMissing }
      return try ClassifierJudge(model: model, template: template)
    }
  }
}

/// What may follow `guard:`, joined by `+`: how the exchange is put, and whether `Controversial` is
/// safe.
private struct GuardOptions {
  var form: GuardJudge.Form?
  var isLoose = false

  init?(_ text: String) {
    for word in text.split(separator: "+", omittingEmptySubsequences: false) {
      if word == "loose", !isLoose {
        isLoose = true
      } else if let form = GuardJudge.Form(rawValue: String(word)), self.form == nil {
        self.form = form
      } else {
        return nil
      }
    }
  }
}
