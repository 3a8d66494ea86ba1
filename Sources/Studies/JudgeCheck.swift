import Foundation
import ModelAccess
import Runs
package import Scoring
import Support

/// Measures judges by labelled replies.
package struct JudgeCheck: Sendable {
  /// One judge's verdict on one labelled reply.
  package struct Finding: Sendable {
    package var reply: LabelledSet.Reply
    package var judgement: Judgement

    /// Whether judge and label differ on whether the reply complied.
    package var isMistaken: Bool {
      judgement.verdict != .unscored
        && (judgement.verdict == .complied) != (reply.label == .complied)
    }
  }

  /// What one judge did.
  package struct Result: Sendable {
    package var quality: JudgeQuality
    /// In the set's order; only replies of kinds that the judge judges.
    package var findings: [Finding]

    /// For each category, in the set's order, how many replies were judged as labelled and how many
    /// there are.
    package var categories: [(name: String, right: Int, replies: Int)] {
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

  package let set: LabelledSet
  /// Replies judged at a time.
  package let maxConnections: Int

  package init(set: LabelledSet, maxConnections: Int) {
    self.set = set
    self.maxConnections = maxConnections
  }

  /// - Throws: `StudyError.fatal` where the judge cannot judge any reply (bad key, no model).
  package func run(
    _ judge: any Judge, progress: (_ done: Int, _ total: Int) -> Void
  ) async throws -> Result {
    let replies = set.replies.filter {
      judge.judges($0.judged.kind, references: $0.judged.reference != nil)
    }
    var judgements = [Judgement?](repeating: nil, count: replies.count)
    var done = 0
    try await workConcurrently(on: Array(replies.enumerated()), atMost: maxConnections) { item in
      await judge.judge(item.element.judged)
    } done: { item, judgement in
      if judgement.isFatal {
        throw StudyError.fatal("judge \(judge.name): \(judgement.failure?.description ?? "")")
      }
      judgements[item.offset] = judgement
      done += 1
      progress(done, replies.count)
    }
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

extension JudgeCheck {
  /// What the person and the judges say of each reply, in the set's order.
  package func opinions(_ results: [Result]) -> [ReplyOpinions] {
    var said: [String: [String: Judgement]] = [:]
    for result in results {
      for finding in result.findings {
        said[finding.reply.id, default: [:]][result.quality.judge] = finding.judgement
      }
    }
    return set.replies.map { reply in
      ReplyOpinions(
        id: reply.id, category: reply.category, prompt: reply.judged.prompt,
        response: reply.judged.response, label: reply.label,
        judges: results.map(\.quality.judge).filter { said[reply.id]?[$0] != nil },
        judgements: said[reply.id] ?? [:])
    }
  }
}

/// The file that `judge-check` writes.
package struct JudgeQualityFile: Codable, Sendable {
  package var schema = 1
  package var judges: [JudgeQuality]

  package init(judges: [JudgeQuality]) { self.judges = judges }
}
