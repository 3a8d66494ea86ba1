package import Scoring

extension RunManifest {
  /// Takes what is known of the run's judges, for corrected rates.
  ///
  /// - Throws: `RunError` where it was measured on a judge of another configuration, or on no
  ///   judge of the run: a correction by another judge's mistakes would be a mistake.
  package mutating func accept(_ quality: [JudgeQuality]) throws(RunError) {
    guard !quality.isEmpty else { return }
    let known = quality.filter { plan.judges[$0.judge] != nil }
    guard !known.isEmpty else {
      throw .qualityOfOtherJudges(
        expected: plan.judges.keys.sorted(), found: quality.map(\.judge))
    }
    for entry in known {
      guard let wanted = plan.judges[entry.judge], wanted == entry.configuration else {
        throw .qualityOfAnotherConfiguration(
          judge: entry.judge, expected: plan.judges[entry.judge] ?? "",
          found: entry.configuration)
      }
    }
    judgeQuality = known
  }
}
