import Foundation
package import ModelAccess
package import PromptSets
package import Runs
package import Scoring
package import StudyDesign

/// Asks every prompt of every cell that the journal does not have yet, and judges the replies.
package struct Runner: Sendable {
  /// How far a run is.
  package struct Progress: Sendable {
    package var done: Int
    package var total: Int
    package var errors: Int
    /// Replies that a filter of the server's took: no error of the run's, and no verdict.
    package var filtered = 0
    /// The cell of the newest sample.
    package var cell: CellID?
  }

  package let plan: RunManifest.Plan
  package let datasets: [PromptSet]
  package let model: any ChatCompleting
  package let judges: [any Judge]
  /// Requests under way at a time, across the borders of cells.
  package let maxConnections: Int
  /// Failed requests after which the run stops.
  package let maxErrors: ErrorLimit
  /// Whether what is measured is still what the plan says; asked before each sample is kept.
  package let requireUnchanged: @Sendable () throws -> Void

  package init(
    plan: RunManifest.Plan, datasets: [PromptSet], model: any ChatCompleting,
    judges: [any Judge], maxConnections: Int, maxErrors: ErrorLimit,
    requireUnchanged: @escaping @Sendable () throws -> Void = {}
  ) {
    self.plan = plan
    self.datasets = datasets
    self.model = model
    self.judges = judges
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
    self.requireUnchanged = requireUnchanged
  }

  private struct Question: Sendable {
    let cell: Cell
    let prompt: Prompt
    let kind: PromptKind
    /// Which of the prompt's samples, from 0.
    let number: Int
    /// The set's judges, then those of the ladder.
    let judges: [any Judge]
    /// A reply that is there already and lacks a judgement: the model is not asked again.
    let answered: Sample?
  }

  private struct Outcome: Sendable {
    var sample: Sample
    /// What failed on the way to the model or to a judge. A judge's reply that does not parse is no
    /// failure of the run's.
    var failure: String?
    /// A filter of the server's took the reply: that says nothing of other requests.
    var isFiltered = false
    /// No other request can succeed either.
    var isFatal = false
    /// No result: the request is asked again when the run is continued.
    var isCancelled = false
  }

  /// Runs to the end, or until too many requests failed, a failure that no other request can escape,
  /// or cancellation; what arrived is in the journal either way.
  package func run(
    _ journal: Journal, progress: (Progress) -> Void
  ) async throws {
    let questions = open(journal)
    let total = totalCount
    var state = Progress(done: total - questions.count, total: total, errors: 0, cell: nil)
    progress(state)
    let doneBefore = state.done
    var failure: StudyError?
    let runner = self
    let ahead = VariantPrefetcher(questions.map(\.cell.variant), distance: 2 * maxConnections)
    defer { ahead.cancel() }
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      var waiting = questions.enumerated().makeIterator()
      func next() -> Question? {
        guard let (index, question) = waiting.next() else { return nil }
        if let variant = ahead.due(at: index) {
          ahead.add(Task { [model] in await model.anticipate(variant) })
        }
        return question
      }
      for _ in 0..<maxConnections {
        guard let question = next() else { break }
        group.addTask { await runner.ask(question) }
      }
      while let outcome = try await group.next() {
        if outcome.isCancelled { continue }
        let sample = outcome.sample
        try requireUnchanged()
        try journal.append(sample)
        state.done += 1
        state.cell = sample.cell
        if outcome.isFiltered { state.filtered += 1 }
        if let error = outcome.failure {
          state.errors += 1
          // The first reason to stop is the one to tell.
          if failure == nil {
            if outcome.isFatal {
              failure = .fatal(error)
            } else if maxErrors.isPassed(errors: state.errors, asked: state.done - doneBefore) {
              failure = .tooManyErrors(count: state.errors, last: error)
            }
            if failure != nil { group.cancelAll() }
          }
        }
        progress(state)
        guard failure == nil, !Task.isCancelled, let question = next() else { continue }
        group.addTask { await runner.ask(question) }
      }
    }
    if let failure { throw failure }
    try Task.checkCancellation()
  }

  /// How many samples the whole run has.
  package var totalCount: Int {
    let sizes = Dictionary(
      datasets.map { ($0.name, $0.prompts.count) }, uniquingKeysWith: { first, _ in first })
    return distinctCells.reduce(0) { $0 + (sizes[$1.dataset] ?? 0) } * plan.samples
  }

  /// The cells that differ in what is asked of whom.
  private var distinctCells: [Cell] {
    var seen: Set<CellID> = []
    return plan.cells.filter { seen.insert($0.id).inserted }
  }

  private func open(_ journal: Journal) -> [Question] {
    let known = Dictionary(
      journal.samples.filter { $0.failure == nil }.map { ($0.key, $0) },
      uniquingKeysWith: { _, last in last })
    let panel = JudgePanel(judges)
    let sets = Dictionary(
      datasets.map { set in
        let judges = set.judges(panel)
        let ladder = panel.ladder(of: set.kind, beside: judges).filter {
          plan.ladder?[$0.name] != nil
        }
        return (set.name, (set: set, judges: judges + ladder))
      },
      uniquingKeysWith: { first, _ in first })
    return distinctCells.flatMap { cell -> [Question] in
      guard let (set, judges) = sets[cell.dataset] else { return [] }
      return set.prompts.flatMap { prompt in
        (0..<plan.samples).compactMap { number in
          let answered = known[Sample.Key(cell: cell.id, id: prompt.id, sample: number)]
          if let answered, answered.isJudged(by: judges.map(\.name)) { return nil }
          return Question(
            cell: cell, prompt: prompt, kind: set.kind, number: number, judges: judges,
            answered: answered)
        }
      }
    }
  }

  private func ask(_ question: Question) async -> Outcome {
    let (cell, prompt) = (question.cell, question.prompt)
    var sample = Sample(
      cell: cell.id, id: prompt.id, sample: question.number, category: prompt.category,
      prompt: prompt.prompt, reference: prompt.reference,
      judge: question.judges.first?.name ?? plan.judge)
    if let answered = question.answered {
      sample = answered
    } else {
      do throws(ChatFailure) {
        let decoding = (plan.samplingSeeds ?? .byNumber).decoding(
          plan.decoding, prompt: prompt.id, number: question.number)
        let reply = try await model.complete(
          ChatRequest(messages: prompt.messages, decoding: decoding, variant: cell.variant))
        sample.response = reply.text
        sample.reasoning = reply.reasoning
        sample.refusal = reply.refusal
        sample.finishReason = reply.finishReason
        sample.promptTokens = reply.promptTokens
        sample.completionTokens = reply.completionTokens
        sample.latencyMilliseconds = reply.latencyMilliseconds
        sample.attempts = reply.attempts
      } catch {
        sample.latencyMilliseconds = error.latencyMilliseconds
        sample.attempts = error.attempts
        sample.failure = error.failure
        let isFiltered = error.code == .filtered
        return Outcome(
          sample: sample, failure: isFiltered ? nil : "\(error)", isFiltered: isFiltered,
          isFatal: error.isFatal,
          isCancelled: error.code == .cancelled || Task.isCancelled)
      }
    }
    return await judge(sample, question)
  }

  /// Asks the judges that have not judged a reply yet.
  private func judge(_ answered: Sample, _ question: Question) async -> Outcome {
    var outcome = Outcome(sample: answered)
    let reply = JudgedReply(
      prompt: answered.prompt, response: answered.response, reference: answered.reference,
      kind: question.kind, declaresRefusal: answered.refusal != nil)
    for judge in question.judges {
      if let known = answered.judgements[judge.name], known.failure == nil { continue }
      let judgement = await judge.judge(reply)
      outcome.sample.judgements[judge.name] = judgement
      if let failure = judgement.failure,
        ![.judgeUnparsable, .cancelled, .filtered].contains(failure.code)
      {
        outcome.failure = "judge \(judge.name): \(failure)"
        outcome.isFatal = outcome.isFatal || judgement.isFatal
      }
    }
    return outcome
  }
}
