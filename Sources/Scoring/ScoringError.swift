/// What can be wrong with how judges are asked for.
package enum ScoringError: Error, Equatable, CustomStringConvertible {
  case unknownJudge(String)
  case duplicateJudge(String)
  case invalidOption(judge: String, expected: String, found: String)
  case templateMissing
  case weightsMissing
  case templateLacks(placeholders: [String])
  case modelMissing(judge: String)

  package var description: String {
    switch self {
    case .unknownJudge(let name):
      "expected a list of \(JudgeKind.all.map(\.name).joined(separator: ", ")), found \"\(name)\""
    case .duplicateJudge(let name):
      "expected each judge once, found \(name) again"
    case .invalidOption(let judge, let expected, let found):
      "\(judge): expected \(expected), found \"\(found)\""
    case .templateMissing:
      "classifier: expected a file with its question, found none; pass --judge-template"
    case .weightsMissing:
      "ngram: expected its weights in models/ngram-judge.json of the project, found none; pass "
        + "--ngram-weights, or make them with Scripts/make-ngram-judge"
    case .templateLacks(let placeholders):
      "the judge's template: expected {prompt} and {response} in it, found no "
        + placeholders.joined(separator: " and no ")
    case .modelMissing(let judge):
      "\(judge): expected a server with a model that judges, found none; pass --judge-endpoint"
    }
  }
}
