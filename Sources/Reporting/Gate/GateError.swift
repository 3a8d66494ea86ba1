package import Runs

/// What keeps a gate from judging a run at all.
package enum GateError: Error, Equatable, CustomStringConvertible {
  case noSuchCell(field: String, value: String, found: [String])
  case nothingRecommended(reason: String)
  case unreadableSummary(path: String, reason: String)
  case nothingMeasures(GateRule)
  case otherBaseline(problems: [String])

  package var description: String {
    switch self {
    case .noSuchCell(let field, let value, let found):
      "--\(field) \(value): expected one of the run's, which are \(found.joined(separator: ", "))"
    case .nothingRecommended(let reason):
      "--alpha recommended: the run recommends none: \(reason)"
    case .nothingMeasures(let rule):
      "--\(rule.rawValue): nothing measures it; \(rule.remedy)"
    case .otherBaseline(let problems): "--baseline: \(problems.joined(separator: "; "))"
    case .unreadableSummary(let path, let reason):
      "\(path): expected a run's folder or its summary.json: \(reason)"
    }
  }
}
