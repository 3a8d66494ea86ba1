public import Chat
import Foundation
public import Scoring

/// Asks every prompt of every cell that the journal does not have yet.
public struct Runner: Sendable {
  /// How far a run is.
  public struct Progress: Sendable {
    public var done: Int
    public var total: Int
    public var errors: Int
    /// The cell of the newest sample.
    public var cell: String
  }

  public let plan: RunManifest.Plan
  public let datasets: [PromptSet]
  public let model: any ChatCompleting
  public let judge: any Judge
  /// Requests under way at a time, across the borders of cells.
  public let maxConnections: Int
  /// Failed requests after which the run stops.
  public let maxErrors: Int

  public init(
    plan: RunManifest.Plan, datasets: [PromptSet], model: any ChatCompleting, judge: any Judge,
    maxConnections: Int, maxErrors: Int
  ) {
    self.plan = plan
    self.datasets = datasets
    self.model = model
    self.judge = judge
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
  }

  private struct Question: Sendable {
    let cell: Cell
    let prompt: Prompt
  }

  private struct Outcome: Sendable {
    let sample: Sample
    /// No other request can succeed either.
    var isFatal = false
    /// No result: the request is asked again when the run is continued.
    var isCancelled = false
  }

  /// Runs to the end, or until too many requests failed, a failure that no other request can escape,
  /// or cancellation; what arrived is in the journal either way.
  public func run(
    _ journal: Journal, progress: (Progress) -> Void
  ) async throws {
    let questions = open(journal)
    let total = totalCount
    var state = Progress(done: total - questions.count, total: total, errors: 0, cell: "")
    progress(state)
    var failure: EvaluationError?
    let runner = self
    try await withThrowingTaskGroup(of: Outcome.self) { group in
      var waiting = questions.makeIterator()
      for _ in 0..<maxConnections {
        guard let question = waiting.next() else { break }
        group.addTask { await runner.ask(question) }
      }
      while let outcome = try await group.next() {
        if outcome.isCancelled { continue }
        let sample = outcome.sample
        try journal.append(sample)
        state.done += 1
        state.cell = sample.cell
        if let error = sample.error {
          state.errors += 1
          // The first reason to stop is the one to tell.
          if failure == nil {
            if outcome.isFatal {
              failure = .fatal(error)
            } else if state.errors > maxErrors {
              failure = .tooManyErrors(count: state.errors, last: error)
            }
            if failure != nil { group.cancelAll() }
          }
        }
        progress(state)
        guard failure == nil, !Task.isCancelled, let question = waiting.next() else { continue }
        group.addTask { await runner.ask(question) }
      }
    }
    if let failure { throw failure }
    try Task.checkCancellation()
  }

  /// How many samples the whole run has.
  public var totalCount: Int {
    let sizes = Dictionary(
      datasets.map { ($0.name, $0.prompts.count) }, uniquingKeysWith: { first, _ in first })
    return distinctCells.reduce(0) { $0 + (sizes[$1.dataset] ?? 0) }
  }

  /// The cells that differ in what is asked of whom.
  private var distinctCells: [Cell] {
    var seen: Set<String> = []
    return plan.cells.filter { seen.insert($0.id).inserted }
  }

  private func open(_ journal: Journal) -> [Question] {
    let done = Set(journal.samples.filter { $0.error == nil }.map(\.key))
    let prompts = Dictionary(
      datasets.map { ($0.name, $0.prompts) }, uniquingKeysWith: { first, _ in first })
    return distinctCells.flatMap { cell in
      (prompts[cell.dataset] ?? [])
        .filter { !done.contains(Sample.Key(cell: cell.id, id: $0.id)) }
        .map { Question(cell: cell, prompt: $0) }
    }
  }

  private func ask(_ question: Question) async -> Outcome {
    let (cell, prompt) = (question.cell, question.prompt)
    func sample(
      _ response: String, _ finishReason: String?, _ judgement: Judgement, _ latency: Double,
      _ attempts: Int, error: String? = nil
    ) -> Sample {
      Sample(
        cell: cell.id, id: prompt.id, category: prompt.category, prompt: prompt.prompt,
        response: response, finishReason: finishReason, verdict: judgement.verdict,
        score: judgement.score, judgeRaw: judgement.raw, latencyMilliseconds: latency,
        attempts: attempts, error: error)
    }
    do throws(ChatFailure) {
      let reply = try await model.complete(
        ChatRequest(messages: prompt.messages, decoding: plan.decoding, variant: cell.variant))
      let judgement = await judge.judge(prompt: prompt.prompt, response: reply.text)
      return Outcome(
        sample: sample(
          reply.text, reply.finishReason, judgement, reply.latencyMilliseconds, reply.attempts))
    } catch {
      return Outcome(
        sample: sample(
          "", nil, Judgement(verdict: .unscored), error.latencyMilliseconds, error.attempts,
          error: "\(error)"),
        isFatal: error.isFatal, isCancelled: error.code == "cancelled")
    }
  }
}
