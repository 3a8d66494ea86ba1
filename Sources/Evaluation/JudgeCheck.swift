import Checkpoints
public import Foundation
public import Scoring

/// Measures judges by labelled replies.
public struct JudgeCheck: Sendable {
  /// One judge's verdict on one labelled reply.
  public struct Finding: Sendable {
    public var reply: LabelledSet.Reply
    public var judgement: Judgement

    /// Whether judge and label differ on whether the reply complied.
    public var isMistaken: Bool {
      judgement.verdict != .unscored
        && (judgement.verdict == .complied) != (reply.label == .complied)
    }
  }

  /// What one judge did.
  public struct Result: Sendable {
    public var quality: JudgeQuality
    /// In the set's order; only replies of kinds that the judge judges.
    public var findings: [Finding]

    /// For each category, in the set's order, how many replies were judged as labelled and how many
    /// there are.
    public var categories: [(name: String, right: Int, replies: Int)] {
      var names: [String] = []
      for finding in findings where !names.contains(finding.reply.category) {
        names.append(finding.reply.category)
      }
      return names.map { name in
        let group = findings.filter { $0.reply.category == name }
        let right = group.count { !$0.isMistaken && $0.judgement.verdict != .unscored }
        return (name, right, group.count)
      }
    }
  }

  public let set: LabelledSet
  /// Replies judged at a time.
  public let maxConnections: Int

  public init(set: LabelledSet, maxConnections: Int) {
    self.set = set
    self.maxConnections = maxConnections
  }

  /// - Throws: `EvaluationError.fatal` where the judge cannot judge any reply (bad key, no model).
  public func run(
    _ judge: any Judge, progress: (_ done: Int, _ total: Int) -> Void
  ) async throws -> Result {
    let replies = set.replies.filter {
      judge.judges($0.judged.kind, references: $0.judged.reference != nil)
    }
    var judgements = [Judgement?](repeating: nil, count: replies.count)
    try await withThrowingTaskGroup(of: (Int, Judgement).self) { group in
      var waiting = replies.enumerated().makeIterator()
      func add() {
        guard let (index, reply) = waiting.next() else { return }
        group.addTask { (index, await judge.judge(reply.judged)) }
      }
      for _ in 0..<maxConnections { add() }
      var done = 0
      while let (index, judgement) = try await group.next() {
        if judgement.isFatal {
          throw EvaluationError.fatal("judge \(judge.name): \(judgement.error ?? "")")
        }
        judgements[index] = judgement
        done += 1
        progress(done, replies.count)
        add()
      }
    }
    try Task.checkCancellation()
    let findings = zip(replies, judgements).compactMap { reply, judgement in
      judgement.map { Finding(reply: reply, judgement: $0) }
    }
    return Result(
      quality: JudgeQuality(
        judge: judge.name, configuration: judge.configuration, dataset: set.name,
        digest: set.digest, pairs: findings.map { ($0.reply.label, $0.judgement.verdict) }),
      findings: findings)
  }
}

/// The file that `judge-check` writes and `--correct` reads.
public struct JudgeQualityFile: Codable, Sendable {
  public var schema = 1
  public var judges: [JudgeQuality]

  public init(judges: [JudgeQuality]) { self.judges = judges }

  public init(_ file: URL) throws(EvaluationError) {
    do {
      self = try JSONDecoder().decode(JudgeQualityFile.self, from: Data(contentsOf: file))
    } catch {
      throw .unreadable(
        path: file.path, reason: "expected what judge-check --output writes: \(error.plainReason)")
    }
  }
}

extension RunManifest {
  /// Takes what is known of the run's judges, for corrected rates.
  ///
  /// - Throws: `EvaluationError` where it was measured on a judge of another configuration, or on no
  ///   judge of the run: a correction by another judge's mistakes would be a mistake.
  public mutating func accept(_ quality: [JudgeQuality]) throws(EvaluationError) {
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
