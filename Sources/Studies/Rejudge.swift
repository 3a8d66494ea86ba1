package import Foundation
import ModelAccess
package import Runs
package import Scoring
import StudyDesign
import Support

/// Judges the stored replies of a run, by further judges or by the same ones as they are today. No model
/// of the study is asked.
///
/// What each judge says is kept as it arrives, so that a judging that was broken off goes on. The run
/// itself changes at the end, all at once.
package struct Rejudge: Sendable {
  package var folder: URL
  package var judges: [any Judge]
  /// The judge whose verdict a set's samples have from now on; nil leaves it as it is.
  package var primary: String?
  /// Replies judged at a time.
  package var maxConnections: Int
  /// Failures of judges after which it stops.
  package var maxErrors: ErrorLimit
  /// The command line, for the manifest.
  package var command: String
  package var version: String

  package init(
    folder: URL, judges: [any Judge], primary: String? = nil, maxConnections: Int,
    maxErrors: ErrorLimit, command: String, version: String
  ) {
    self.folder = folder
    self.judges = judges
    self.primary = primary
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
    self.command = command
    self.version = version
  }

  /// A reply that a judge has yet to judge.
  private struct Question: Sendable {
    let sample: Sample
    let judge: any Judge
    let reply: JudgedReply
  }

  /// - Returns: the run, as it is now.
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    // Before the folder is taken, which would make one of that name.
    if try RunManifest.read(from: folder).division != nil { _ = try RunMerge.inPlace(folder) }
    let lock = try RunFolder.reserve(folder, resume: true)
    let manifest = try RunManifest.read(from: folder)
    let samples = try Journal.read(folder: folder, plan: manifest.plan)
    try manifest.check(samples, in: folder)
    let panel = try panel(manifest.plan, samples)
    let plan = try manifest.plan.judged(by: panel, primary: primary)
    let aside = try JudgedAside(folder: folder)
    let questions = questions(manifest.plan, samples, panel, aside)
    try await ask(questions, aside, events)
    let judged = judged(samples, plan, panel, aside)
    guard plan != manifest.plan || judged != samples else {
      aside.remove()
      return try RunFolder(folder, manifest: manifest, resume: true, lock: lock)
    }
    let changed = try RunFolder.replaceJudgements(
      of: folder, plan: plan, samples: judged,
      Rejudging(
        command: command, version: version, createdAt: Date.now.formatted(.iso8601),
        judges: Dictionary(
          judges.map { ($0.name, $0.configuration) }, uniquingKeysWith: { first, _ in first })),
      lock: lock)
    aside.remove()
    return changed
  }

  /// The judges that have anything to say about each set.
  private func panel(
    _ plan: RunManifest.Plan, _ samples: [Sample]
  ) throws(StudyError) -> [String: [any Judge]] {
    let sets = Dictionary(
      plan.cells.map { ($0.id, $0.dataset) }, uniquingKeysWith: { first, _ in first })
    let withReferences = Set(samples.filter { $0.reference != nil }.compactMap { sets[$0.cell] })
    let panel = plan.datasets.map { name, set in
      (name, judges.filter { $0.judges(set.kind, references: withReferences.contains(name)) })
    }
    for judge in judges where !panel.contains(where: { $0.1.contains { $0.name == judge.name } }) {
      throw .nothingToJudge(judge: judge.name)
    }
    return Dictionary(panel, uniquingKeysWith: { first, _ in first })
  }

  private func questions(
    _ plan: RunManifest.Plan, _ samples: [Sample], _ panel: [String: [any Judge]],
    _ aside: JudgedAside
  ) -> [Question] {
    let sets = Dictionary(
      plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    return samples.filter { $0.failure == nil }.flatMap { sample -> [Question] in
      guard let cell = sets[sample.cell], case let name = cell.dataset,
        let set = plan.datasets[name]
      else { return [] }
      let reply = JudgedReply(
        prompt: sample.prompt, response: cell.promptAttack.judgedPrefix + sample.response,
        reference: sample.reference,
        kind: set.kind, declaresRefusal: sample.refusal != nil)
      return (panel[name] ?? []).filter { judge in
        let isKnown =
          plan.judges[judge.name] == judge.configuration && sample.isJudged(by: [judge.name])
        let found = aside.judgement(of: sample, by: judge)
        return !isKnown && found.map { $0.failure != nil } ?? true
      }.map { Question(sample: sample, judge: $0, reply: reply) }
    }
  }

  private func ask(
    _ questions: [Question], _ aside: JudgedAside,
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws {
    var (done, errors) = (0, 0)
    try await workConcurrently(on: questions, atMost: maxConnections) { question in
      await question.judge.judge(question.reply)
    } done: { question, judgement in
      guard judgement.failure?.code != .cancelled else { return }
      try aside.append(judgement, of: question.sample, by: question.judge)
      done += 1
      events(.count(what: "replies judged", done: done, total: questions.count))
      guard judgement.isFailureOfJudge, let failure = judgement.failure else { return }
      errors += 1
      let reason = "judge \(question.judge.name): \(failure)"
      if judgement.isFatal { throw StudyError.judgingStopped(reason: reason) }
      if maxErrors.isPassed(errors: errors, asked: done) {
        throw StudyError.judgingStopped(
          reason: "\(errors) of \(done) questions to judges failed, the last: \(reason)")
      }
    }
  }

  /// The samples as they are judged now.
  private func judged(
    _ samples: [Sample], _ plan: RunManifest.Plan, _ panel: [String: [any Judge]],
    _ aside: JudgedAside
  ) -> [Sample] {
    let sets = Dictionary(
      plan.cells.map { ($0.id, $0.dataset) }, uniquingKeysWith: { first, _ in first })
    return samples.map { sample in
      var sample = sample
      let name = sets[sample.cell] ?? ""
      sample.judge = plan.judges(of: name).first ?? sample.judge
      guard sample.failure == nil else { return sample }
      for judge in panel[name] ?? [] {
        guard let judgement = aside.judgement(of: sample, by: judge) else { continue }
        sample.judgements[judge.name] = judgement
      }
      return sample
    }
  }
}

extension Judgement {
  /// The judge's server failed, which says nothing of the reply; a judge's reply that does not parse, or
  /// that a filter took, is no such failure.
  var isFailureOfJudge: Bool {
    failure.map { ![.judgeUnparsable, .cancelled, .filtered].contains($0.code) } ?? false
  }
}
