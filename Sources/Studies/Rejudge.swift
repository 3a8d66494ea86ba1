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
    let outcome: SampleOutcome
    let judge: any Judge
  }

  /// - Returns: the run, as it is now.
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    // Before the folder is taken, which would make one of that name.
    if try RunManifest.read(from: folder).division != nil { _ = try RunMerge.inPlace(folder) }
    let lock = try RunFolder.reserve(folder, resume: true)
    let manifest = try RunManifest.read(from: folder)
    try manifest.check(in: folder)
    let outcomes = try Journal.read(folder: folder, plan: manifest.plan)
    let panel = try panel(manifest.plan, outcomes)
    let plan = try manifest.plan.judged(by: panel, primary: primary)
    let aside = try JudgedAside(folder: folder)
    let questions = questions(manifest.plan, outcomes, panel, aside)
    try await ask(questions, manifest.plan, outcomes, aside, events)
    let judging = Judging(plan, panel, aside)
    guard try plan != manifest.plan || judging.changesAny(of: outcomes) else {
      aside.remove()
      return try RunFolder(folder, manifest: manifest, resume: true, lock: lock)
    }
    let changed = try RunFolder.replaceJudgements(
      of: folder, plan: plan, outcomes, judged: judging.judged,
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
    _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes
  ) throws(StudyError) -> [String: [any Judge]] {
    let withReferences = Set(outcomes.prompts.filter { $0.reference != nil }.map(\.dataset))
    let panel = plan.datasets.map { name, set in
      (name, judges.filter { $0.judges(set.kind, references: withReferences.contains(name)) })
    }
    for judge in judges where !panel.contains(where: { $0.1.contains { $0.name == judge.name } }) {
      throw .nothingToJudge(judge: judge.name)
    }
    return Dictionary(panel, uniquingKeysWith: { first, _ in first })
  }

  private func questions(
    _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes, _ panel: [String: [any Judge]],
    _ aside: JudgedAside
  ) -> [Question] {
    plan.distinctCells.flatMap { cell -> [Question] in
      let judges = panel[cell.dataset] ?? []
      return outcomes[cell.id].filter { $0.failure == nil }.flatMap { outcome in
        judges.filter { judge in
          let isKnown =
            plan.judges[judge.name] == judge.configuration && outcome.isJudged(by: [judge.name])
          let found = aside.judgement(of: outcome.key, by: judge)
          return !isKnown && found.map { $0.failure != nil } ?? true
        }.map { Question(outcome: outcome, judge: $0) }
      }
    }
  }

  /// What a judge is shown of a reply.
  private static func reply(
    _ sample: Sample, of cell: Cell?, _ plan: RunManifest.Plan
  ) -> JudgedReply {
    JudgedReply(
      prompt: sample.prompt,
      response: (cell?.promptAttack.judgedPrefix ?? "") + sample.response,
      reference: sample.reference,
      kind: cell.flatMap { plan.datasets[$0.dataset]?.kind } ?? .harmful,
      declaresRefusal: sample.refusal != nil)
  }

  private func ask(
    _ questions: [Question], _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes,
    _ aside: JudgedAside,
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws {
    var (done, errors) = (0, 0)
    let cells = Dictionary(
      plan.cells.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    try await workConcurrently(on: questions, atMost: maxConnections) {
      question -> Result<Judgement, RunError> in
      let sample: Sample
      do throws(RunError) {
        sample = try outcomes.sample(question.outcome)
      } catch {
        return .failure(error)
      }
      let reply = Self.reply(sample, of: cells[sample.cell], plan)
      return .success(await question.judge.judge(reply))
    } done: { question, result in
      let judgement = try result.get()
      guard judgement.failure?.code != .cancelled else { return }
      try aside.append(judgement, of: question.outcome.key, by: question.judge)
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
}

/// A run's samples as they are judged now.
private struct Judging {
  private let sets: [CellID: String]
  private let plan: RunManifest.Plan
  private let panel: [String: [any Judge]]
  private let aside: JudgedAside

  init(_ plan: RunManifest.Plan, _ panel: [String: [any Judge]], _ aside: JudgedAside) {
    sets = Dictionary(
      plan.cells.map { ($0.id, $0.dataset) }, uniquingKeysWith: { first, _ in first })
    self.plan = plan
    self.panel = panel
    self.aside = aside
  }

  func judged(_ sample: Sample) -> Sample {
    var sample = sample
    let name = sets[sample.cell] ?? ""
    sample.judge = plan.judges(of: name).first ?? sample.judge
    guard sample.failure == nil else { return sample }
    for judge in panel[name] ?? [] {
      guard let judgement = aside.judgement(of: sample.key, by: judge) else { continue }
      sample.judgements[judge.name] = judgement
    }
    return sample
  }

  func changesAny(of outcomes: SampleOutcomes) throws -> Bool {
    for outcome in outcomes.all {
      let sample = try outcomes.sample(outcome)
      if judged(sample) != sample { return true }
    }
    return false
  }
}

extension Judgement {
  /// The judge's server failed, which says nothing of the reply; a judge's reply that does not parse, or
  /// that a filter took, is no such failure.
  var isFailureOfJudge: Bool {
    failure.map { ![.judgeUnparsable, .cancelled, .filtered].contains($0.code) } ?? false
  }
}
