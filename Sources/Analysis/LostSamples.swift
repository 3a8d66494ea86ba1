package import ModelAccess
package import Runs
import Scoring

/// Samples of a run that have no reply, or no verdict because a judge's server failed: what a command that
/// ends well must say all the same.
package struct LostSamples: Sendable {
  private var counts: [(code: ErrorCode, count: Int)] = []
  private var examples: [ErrorCode: String] = [:]
  private let total: Int
  private let folder: String

  /// - Parameter folder: the run's, for the advice.
  package init(_ run: StoredRun, folder: String) throws(RunError) {
    total = run.outcomes.count
    self.folder = folder
    var found: [ErrorCode: Int] = [:]
    for outcome in run.outcomes.all {
      let judges = outcome.judgeFailures.filter { $0 != .judgeUnparsable }
      guard let code = outcome.failure ?? judges.first else { continue }
      found[code, default: 0] += 1
      guard examples[code] == nil else { continue }
      // A sentence with the server's own words says more than the pool's.
      let sample = try run.sample(outcome)
      let failures =
        [sample.failure] + sample.judgements.sorted { $0.key < $1.key }.map(\.value.failure)
      examples[code] = failures.compactMap(\.self).first { $0.code == code }?.detail
    }
    counts = found.map { ($0.key, $0.value) }
      .sorted { ($1.count, $0.code.rawValue) < ($0.count, $1.code.rawValue) }
  }

  /// One failure of a code in its own words, cut to what a line bears; nil where there is none.
  package func example(of code: ErrorCode) -> String? {
    examples[code].map { $0.count > 300 ? $0.prefix(297) + "..." : $0 }
  }

  /// nil where nothing is lost.
  package var sentence: String? {
    let filtered = counts.first { $0.code == .filtered }?.count ?? 0
    let others = counts.filter { $0.code != .filtered }
    let lost = others.reduce(0) { $0 + $1.count }
    var sentences: [String] = []
    if filtered > 0 {
      sentences.append(
        "\(filtered) of \(total) replies were taken by a content filter of the server's: they are in no "
          + "rate")
    }
    if lost > 0 {
      let codes = others.map { "\($0.count) \($0.code)" }.joined(separator: ", ")
      let said = others.first.flatMap { example(of: $0.code) }
      sentences.append(
        "\(lost) of \(total) samples were lost (\(codes)) and are in no rate; to ask them again: --resume "
          + "--output \(folder)" + (said.map { "\nfor example: \($0)" } ?? ""))
    }
    return sentences.isEmpty ? nil : sentences.joined(separator: "\n")
  }
}
