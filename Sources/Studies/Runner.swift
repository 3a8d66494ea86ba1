package import Attacks
import Foundation
import Inference
package import ModelAccess
package import PromptSets
package import Runs
package import Scoring
package import StudyDesign
package import Support

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
    /// Requests of this session that have come to an end.
    var asked = 0
  }

  package let plan: RunManifest.Plan
  package let datasets: [PromptSet]
  package let model: any ChatCompleting
  package let judges: [any Judge]
  /// By what cells name them.
  private let promptAttacks: [PromptAttack: any PromptAttackForm]
  /// Requests under way at a time, across the borders of cells.
  package let maxConnections: Int
  /// Failed requests after which the run stops.
  package let maxErrors: ErrorLimit
  /// What reads refusals of harmful prompts, beside asking; nil where nothing is read.
  package let reading: RefusalReading?
  /// When the run stops to be continued later; nil goes on to the end.
  package let deadline: Deadline?
  /// Evidence that a run which goes on until it is decided began with.
  package let book: LedgerBook?
  /// Told what each look at such a run found.
  package let looked: @Sendable (SequentialRun.State) throws -> Void
  /// Whether what is measured is still what the plan says; asked before each sample is kept.
  package let requireUnchanged: @Sendable () throws -> Void

  package init(
    plan: RunManifest.Plan, datasets: [PromptSet], model: any ChatCompleting,
    judges: [any Judge], promptAttacks: [any PromptAttackForm] = [],
    maxConnections: Int, maxErrors: ErrorLimit, reading: RefusalReading? = nil,
    deadline: Deadline? = nil,
    book: LedgerBook? = nil,
    looked: @escaping @Sendable (SequentialRun.State) throws -> Void = { _ in },
    requireUnchanged: @escaping @Sendable () throws -> Void = {}
  ) {
    self.plan = plan
    self.datasets = datasets
    self.model = model
    self.judges = judges
    self.promptAttacks = Dictionary(
      promptAttacks.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
    self.reading = reading
    self.deadline = deadline
    self.book = book
    self.looked = looked
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
    let answered: SampleOutcome?
    /// Whether the journal has nothing of it yet.
    let isNew: Bool
  }

  /// The questions of one cell, made when their turn comes: all of a study are too many.
  private struct CellQuestions {
    let variant: [ScaledUpdate]
    let count: Int
    /// Of `count`, those of which the journal has nothing yet.
    let new: Int
    let make: () -> AnySequence<Question>
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
    /// Why nothing more may be asked now: the run goes on later.
    var stop: StudyError?
  }

  /// Runs to the end, or until too many requests failed, a failure that no other request can escape,
  /// the deadline, or cancellation; what arrived is in the journal either way.
  package func run(
    _ journal: Journal, progress: (Progress) -> Void
  ) async throws {
    guard let sequential = plan.sequential else {
      let questions = open(try journal.outcomes())
      let total = totalCount
      var state = Progress(
        done: total - questions.reduce(0) { $0 + $1.count }, total: total, errors: 0, cell: nil)
      progress(state)
      return try await ask(questions, journal, &state, progress)
    }
    let run = SequentialRun(
      plan, sequential, book: book,
      prompts: Dictionary(
        datasets.map { ($0.name, $0.prompts.map(\.id)) }, uniquingKeysWith: { first, _ in first }))
    var state = Progress(done: 0, total: 0, errors: 0, cell: nil)
    // What failed in an earlier session is asked again, once.
    var repeated = open(try journal.outcomes(), failed: true)
    while true {
      let outcomes = try journal.outcomes()
      let look = run.state(of: outcomes)
      var questions = open(outcomes, in: look)
      if repeated.isEmpty {
        try looked(look)
        if questions.isEmpty { break }
      } else {
        questions = repeated + questions
        repeated = []
      }
      state.total = outcomes.count + questions.reduce(0) { $0 + $1.new }
      state.done = state.total - questions.reduce(0) { $0 + $1.count }
      progress(state)
      let asked = state.asked
      try await ask(questions, journal, &state, progress)
      // Requests that came to no end, because their servers did, would be made for ever.
      guard state.asked > asked else { throw CancellationError() }
    }
  }

  /// Asks questions side by side.
  private func ask(
    _ questions: [CellQuestions], _ journal: Journal, _ state: inout Progress,
    _ progress: (Progress) -> Void
  ) async throws {
    var failure: StudyError?
    let runner = self
    let ahead = VariantPrefetcher(
      questions.map { ($0.variant, $0.count) }, distance: 2 * maxConnections)
    let outcomes = try journal.outcomes()
    defer { ahead.cancel() }
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      var waiting = questions.lazy.flatMap { $0.make() }.enumerated().makeIterator()
      /// With the reply that is there already.
      func next() throws -> (question: Question, answered: Sample?)? {
        guard !(deadline?.hasPassed ?? false) else { return nil }
        guard let (index, question) = waiting.next() else { return nil }
        if let variant = ahead.due(at: index) {
          ahead.add(Task { [model] in await model.anticipate(variant) })
        }
        return (question, try question.answered.map { try outcomes.sample($0) })
      }
      for _ in 0..<maxConnections {
        guard let (question, answered) = try next() else { break }
        group.addTask { await runner.ask(question, answered) }
      }
      while let outcome = try await group.next() {
        if let stop = outcome.stop, failure == nil {
          failure = stop
          // Without a server what is under way would wait for one; else it is let come to its end: it is paid for.
          if case .stoppedInTime = stop { group.cancelAll() }
        }
        if outcome.isCancelled { continue }
        let sample = outcome.sample
        try requireUnchanged()
        try journal.append(sample)
        state.done += 1
        state.asked += 1
        state.cell = sample.cell
        if outcome.isFiltered { state.filtered += 1 }
        if let error = outcome.failure {
          state.errors += 1
          // The first reason to stop is the one to tell.
          if failure == nil {
            if outcome.isFatal {
              failure = .fatal(error)
            } else if maxErrors.isPassed(errors: state.errors, asked: state.asked) {
              failure = .tooManyErrors(count: state.errors, last: error)
            }
            if failure != nil { group.cancelAll() }
          }
        }
        progress(state)
        guard failure == nil, !Task.isCancelled, let (question, answered) = try next() else {
          continue
        }
        group.addTask { await runner.ask(question, answered) }
      }
      // Found out here, so that a run whose last reply came in time is done.
      if failure == nil, deadline?.hasPassed ?? false, waiting.next() != nil {
        failure = .stoppedInTime(reason: "with \(state.done) of \(state.total) samples")
      }
    }
    if let failure { throw failure }
    try Task.checkCancellation()
  }

  /// How many samples the whole run has.
  package var totalCount: Int {
    let sizes = Dictionary(
      datasets.map { ($0.name, $0.prompts.count) }, uniquingKeysWith: { first, _ in first })
    return plan.distinctCells.reduce(0) { $0 + (sizes[$1.dataset] ?? 0) } * plan.samples
  }

  /// What is to be asked, of the model or of a judge.
  ///
  /// - Parameters:
  ///   - look: of a run that goes on until it is decided: only what its batch lacks.
  ///   - failed: only what was asked before and failed, the model or a judge.
  private func open(
    _ outcomes: SampleOutcomes, in look: SequentialRun.State? = nil, failed: Bool = false
  ) -> [CellQuestions] {
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
    let wanted = look.map { look in
      Dictionary(
        look.open.map { ($0.cell.id, Set($0.prompts)) }, uniquingKeysWith: { first, _ in first })
    }
    func questions(_ cell: Cell) -> AnySequence<Question> {
      guard let (set, judges) = sets[cell.dataset] else { return AnySequence([]) }
      let all = PromptReplies(outcomes[cell.id], each: plan.samples)
      return AnySequence(
        set.prompts.lazy.flatMap { prompt -> [Question] in
          if let wanted, !(wanted[cell.id]?.contains(prompt.id) ?? false) { return [] }
          return (0..<plan.samples).compactMap { number in
            let known = all[prompt.id, number]
            let isNew = known == nil
            if failed && isNew || wanted != nil && !isNew { return nil }
            let answered = known.flatMap { $0.failure == nil ? $0 : nil }
            if let answered, answered.isJudged(by: judges.map(\.name)) { return nil }
            return Question(
              cell: cell, prompt: prompt, kind: set.kind, number: number, judges: judges,
              answered: answered, isNew: isNew)
          }
        })
    }
    // A model's cells one after the other: servers may have to be started for it, or given its weights.
    let places = Dictionary(
      plan.distinctCells.enumerated().map { ($1.variant, $0) }, uniquingKeysWith: min)
    let cells = plan.distinctCells.enumerated().sorted {
      (places[$0.element.variant] ?? 0, $0.offset) < (places[$1.element.variant] ?? 0, $1.offset)
    }
    return cells.compactMap { _, cell in
      var (count, new) = (0, 0)
      for question in questions(cell) {
        count += 1
        if question.isNew { new += 1 }
      }
      return count == 0
        ? nil
        : CellQuestions(
          variant: cell.variant, count: count, new: new, make: { questions(cell) })
    }
  }

  private func ask(_ question: Question, _ answered: Sample?) async -> Outcome {
    let (cell, prompt) = (question.cell, question.prompt)
    var sample = Sample(
      cell: cell.id, id: prompt.id, sample: question.number, category: prompt.category,
      prompt: prompt.prompt, reference: prompt.reference,
      judge: question.judges.first?.name ?? plan.judge)
    if let answered {
      sample = answered
    } else {
      do throws(ChatFailure) {
        let decoding = (plan.samplingSeeds ?? .byNumber).decoding(
          plan.decoding, prompt: prompt.id, number: question.number)
        let messages = try messages(question)
        let reply =
          if let recorded = model as? RecordedReplies {
            try recorded.reply(to: prompt.id, of: cell.dataset, number: question.number)
          } else {
            try await model.complete(
              ChatRequest(messages: messages, decoding: decoding, variant: cell.variant))
          }
        sample.response = reply.text
        sample.reasoning = reply.reasoning
        sample.refusal = reply.refusal
        sample.finishReason = reply.finishReason
        sample.promptTokens = reply.promptTokens
        sample.completionTokens = reply.completionTokens
        sample.latencyMilliseconds = reply.latencyMilliseconds
        sample.attempts = reply.attempts
        if question.kind == .harmful {
          sample.refusalLoss = try await reading?.loss(of: messages, variant: cell.variant)
        }
      } catch  where error.code == .noReplica {
        return Outcome(
          sample: sample, isCancelled: true, stop: .stoppedInTime(reason: error.message))
      } catch  where error.code == .costLimit {
        return Outcome(
          sample: sample, isCancelled: true, stop: .costReached(reason: error.message))
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

  /// What is sent for a question.
  private func messages(_ question: Question) throws(ChatFailure) -> [ChatMessage] {
    let attack = question.cell.promptAttack
    if attack.isNone { return question.prompt.messages }
    guard let form = promptAttacks[attack] else {
      throw .fatal(
        "attack-unknown", "the plan has the prompt attack \(attack.text), which is not there")
    }
    return form.conversation(question.prompt.messages)
  }

  /// Asks the judges that have not judged a reply yet.
  private func judge(_ answered: Sample, _ question: Question) async -> Outcome {
    var outcome = Outcome(sample: answered)
    let reply = JudgedReply(
      prompt: answered.prompt,
      response: question.cell.promptAttack.judgedPrefix + answered.response,
      reference: answered.reference,
      kind: question.kind, declaresRefusal: answered.refusal != nil)
    for judge in question.judges {
      if let known = answered.judgements[judge.name], known.failure == nil { continue }
      let judgement = await judge.judge(reply)
      outcome.sample.judgements[judge.name] = judgement
      // The reply is kept; a judge that failed is asked again when the run is continued.
      if let failure = judgement.failure, failure.code == .costLimit {
        outcome.stop = .costReached(reason: failure.detail)
        continue
      }
      if judgement.isFailureOfJudge, let failure = judgement.failure {
        outcome.failure = "judge \(judge.name): \(failure)"
        outcome.isFatal = outcome.isFatal || judgement.isFatal
      }
    }
    return outcome
  }
}
