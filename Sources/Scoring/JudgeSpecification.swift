/// One judge as `--judge` spells it: a kind's name, and behind a colon its option, such as `rubric:4` or
/// `guard:conversation+loose`.
package struct JudgeSpecification: Sendable {
  package let kind: JudgeKind
  private let maker: JudgeKind.Maker

  package var name: String { kind.name }
  /// Whether it needs a model of its own.
  package var needsModel: Bool { kind.needsModel }

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
    guard let kind = JudgeKind.all.first(where: { parts.first.map(String.init) == $0.name }) else {
      throw .unknownJudge(text)
    }
    self.kind = kind
    maker = try kind.read(parts.count > 1 ? String(parts[1]) : nil)
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
    if needsModel, model == nil { throw .modelMissing(judge: name) }
    return try maker(
      JudgeParts(model: model, phrases: phrases, template: template, weights: weights))
  }
}
