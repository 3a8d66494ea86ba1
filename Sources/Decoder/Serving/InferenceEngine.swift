import CKernels
import Foundation
package import LinearAlgebra
import Synchronization

/// Generates replies for many requests at once with one loaded model.
///
/// Requests join and leave the running batch at every step (continuous batching). A request's
/// tokens depend on its own prompt, scales, settings and seed alone, bit for bit, whatever runs
/// beside it: `ForwardPass` computes each row independently. For the same reason the entries of a
/// common beginning (a system prompt) can be taken over from another sequence without changing a
/// bit.
package final class InferenceEngine: Sendable {
  /// Limits that trade memory for speed.
  package struct Options: Sendable {
    /// Sequences that run side by side.
    package var slots: Int
    /// Rows of one step: prompts are read in pieces of at most this many tokens.
    package var rowsPerStep: Int
    /// Bytes that the running sequences' keys and values may take together.
    package var cacheBytes: Int
    /// Threads that compute.
    package var threads: Int
    /// In which products with the weights are computed.
    package var arithmetic: Arithmetic

    package init(
      slots: Int = 16, rowsPerStep: Int = 128, cacheBytes: Int = 512 << 20,
      threads: Int = WorkerPool.processorCount, arithmetic: Arithmetic = .float32
    ) {
      self.slots = slots
      self.rowsPerStep = rowsPerStep
      self.cacheBytes = cacheBytes
      self.threads = threads
      self.arithmetic = arithmetic
    }
  }

  package let model: DecoderModel
  package let updates: ServedUpdates
  package let options: Options
  /// The longest sequence, prompt and reply, that the model and the cache allow.
  package let positionLimit: Int

  /// What set `positionLimit`, for messages.
  private var contextOrigin: String {
    let length = model.shape.contextLength
    if positionLimit < length {
      return "the memory for keys and values (serve --cache); the model's own is \(length)"
    }
    let key = CommonSettings.Key.trainedLength.rawValue
    return length == model.shape.trainedLength
      ? "\(key) in config.json" : "\(key) and the rotary settings in config.json"
  }

  private struct Waiting {
    let id: Int
    let request: GenerationRequest
    let emit: @Sendable (GenerationEvent) -> Void
    let fail: @Sendable (DecoderError) -> Void
  }

  private struct State {
    var waiting: [Waiting] = []
    var cancelled: Set<Int> = []
    var nextID = 0
    var isStopped = false
  }

  private let state = Mutex(State())
  private let arrival = DispatchSemaphore(value: 0)

  /// Starts the engine's thread; `shutDown` ends it.
  package init(model: DecoderModel, updates: ServedUpdates, options: Options = Options()) {
    precondition(options.slots >= 1 && options.rowsPerStep >= options.slots)
    self.model = model
    self.updates = updates
    self.options = options
    let perPosition = KeyValueCache.byteCount(shape: model.shape, positions: 1)
    positionLimit = min(model.shape.contextLength, options.cacheBytes / perPosition)
    let thread = Thread {
      self.work()
      // A study opens and closes one engine for each model with a change of full rank.
      FloatBuffer.releaseFreed()
    }
    thread.name = "loxeval-engine"
    thread.stackSize = 4 << 20
    thread.start()
  }

  /// Ends the thread; requests that are not done fail with `DecoderError.stopped`.
  package func shutDown() {
    state.withLock { $0.isStopped = true }
    arrival.signal()
  }

  /// Queues a request. Ending the iteration early, or cancelling its task, frees its slot.
  ///
  /// - Throws: at once `DecoderError` for a request that can never be served; from the
  ///   stream, where the model's numbers overflow or the engine is shut down.
  package func generate(
    _ request: GenerationRequest
  ) throws(DecoderError) -> AsyncThrowingStream<GenerationEvent, any Error> {
    try check(request)
    let (stream, continuation) = AsyncThrowingStream<GenerationEvent, any Error>.makeStream()
    let id = state.withLock { state -> Int? in
      if state.isStopped { return nil }
      let id = state.nextID
      state.nextID += 1
      state.waiting.append(
        Waiting(
          id: id, request: request,
          emit: { event in
            continuation.yield(event)
            if case .finished = event { continuation.finish() }
          },
          fail: { continuation.finish(throwing: $0) }))
      return id
    }
    guard let id else { throw .stopped }
    continuation.onTermination = { [self] reason in
      if case .cancelled = reason {
        state.withLock { _ = $0.cancelled.insert(id) }
        arrival.signal()
      }
    }
    arrival.signal()
    return stream
  }

  /// Generates the whole reply.
  package func complete(
    _ request: GenerationRequest
  ) async throws -> (tokens: [GeneratedToken], finishReason: FinishReason) {
    var tokens: [GeneratedToken] = []
    for try await event in try generate(request) {
      switch event {
      case .prompt: break
      case .token(let token): tokens.append(token)
      case .finished(let reason): return (tokens, reason)
      }
    }
    throw CancellationError()
  }

  private func check(_ request: GenerationRequest) throws(DecoderError) {
    guard !request.prompt.isEmpty else { throw .emptyPrompt }
    let (tokens, limit) = (request.prompt.count, positionLimit)
    guard request.maxTokens >= (request.scoresPrompt ? 0 : 1), request.maxTokens <= limit,
      tokens <= limit - request.maxTokens
    else {
      throw .promptTooLong(
        tokens: tokens, newTokens: request.maxTokens, limit: limit, setBy: contextOrigin)
    }
    let size = model.shape.vocabularySize
    if let id = request.prompt.first(where: { !(0..<size).contains($0) }) {
      throw .tokenOutOfRange(id: id, vocabularySize: size)
    }
    guard request.scales.count == updates.count else {
      throw .unexpectedScaleCount(expected: updates.count, found: request.scales.count)
    }
  }

  // MARK: - The engine's thread

  private func work() {
    let pool = WorkerPool(threadCount: options.threads)
    defer { pool.shutDown() }
    var batch = Batch(engine: self, pool: pool)
    while true {
      let (arrived, cancelled, isStopped) = state.withLock { state in
        defer {
          state.waiting = []
          state.cancelled = []
        }
        return (state.waiting, state.cancelled, state.isStopped)
      }
      batch.queue += arrived
      batch.drop(cancelled)
      if isStopped {
        for waiting in batch.queue { waiting.fail(.stopped) }
        batch.failAll(.stopped)
        return
      }
      batch.admit()
      if batch.isEmpty { arrival.wait() } else { batch.step() }
    }
  }

  /// The sequences that run, and those that wait for room. Lives on the engine's thread.
  private struct Batch {
    let engine: InferenceEngine
    let forward: ForwardPass
    var queue: [Waiting] = []
    var running: [(sequence: ActiveSequence, fail: @Sendable (DecoderError) -> Void)] = []
    /// Finished sequences whose beginnings may be taken over, newest last.
    var finished: [ActiveSequence] = []
    /// How many finished sequences are kept.
    static let kept = 2

    init(engine: InferenceEngine, pool: WorkerPool) {
      self.engine = engine
      forward = ForwardPass(
        model: engine.model, updates: engine.updates, pool: pool,
        maximumRows: engine.options.rowsPerStep, arithmetic: engine.options.arithmetic)
    }

    var isEmpty: Bool { running.isEmpty && queue.isEmpty }

    mutating func drop(_ cancelled: Set<Int>) {
      guard !cancelled.isEmpty else { return }
      queue.removeAll { cancelled.contains($0.id) }
      running.removeAll { cancelled.contains($0.sequence.id) }
    }

    mutating func failAll(_ error: DecoderError) {
      for entry in running { entry.fail(error) }
      running = []
    }

    /// Gives waiting requests a slot, in order, while there are slots and memory.
    mutating func admit() {
      while let next = queue.first, running.count < engine.options.slots {
        let positions = next.request.prompt.count + next.request.maxTokens
        while !hasRoom(for: positions), !finished.isEmpty { finished.removeFirst() }
        // A sequence within `positionLimit` always fits when nothing else runs.
        guard running.isEmpty || hasRoom(for: positions) else { return }
        queue.removeFirst()
        let sequence = ActiveSequence(
          id: next.id, request: next.request,
          cache: KeyValueCache(
            shape: engine.model.shape, positions: positions),
          emit: next.emit)
        takeOverPrefix(for: sequence)
        running.append((sequence, next.fail))
      }
    }

    private func hasRoom(for positions: Int) -> Bool {
      let used = (running.map(\.sequence) + finished).reduce(positions) { $0 + $1.cache.capacity }
      return KeyValueCache.byteCount(
        shape: engine.model.shape, positions: used) <= engine.options.cacheBytes
    }

    private func takeOverPrefix(for sequence: ActiveSequence) {
      let donors = (finished + running.map(\.sequence)).map {
        ($0, $0.sharedPrefix(with: sequence.request, engine.model.shape))
      }
      guard let (donor, length) = donors.max(by: { $0.1 < $1.1 }), length > 0 else { return }
      sequence.cache.copyPrefix(of: donor.cache, positions: length)
      sequence.computed = length
    }

    /// A row of a forward pass whose logits are wanted.
    private struct Wanted {
      let sequence: Int
      /// The token whose logits they are stands here.
      let position: Int
      /// The last position of what there is so far: a new token follows.
      let isLast: Bool
    }

    /// One forward pass: a token of every reply under way, and as much of the prompts as fits.
    mutating func step() {
      var rows: [ForwardPass.Row] = []
      var room = engine.options.rowsPerStep - running.count(where: { $0.sequence.pending == 1 })
      var wanted: [Wanted] = []
      var done: [Int] = []
      for (index, entry) in running.enumerated() {
        let sequence = entry.sequence
        let pending = sequence.pending
        let taken = pending == 1 ? 1 : min(pending, room)
        if pending > 1 { room -= taken }
        for offset in 0..<taken {
          let position = sequence.computed + offset
          let isLast = position == sequence.tokens.count - 1
          let request = sequence.request
          let wants =
            isLast
            ? request.maxTokens > 0
            : request.scoresPrompt && position + 1 >= request.scoredFrom
          rows.append(
            ForwardPass.Row(
              token: sequence.tokens[position], position: position, cache: sequence.cache,
              scales: sequence.request.scales, wantsLogits: wants,
              textLength: max(sequence.request.prompt.count, position + 1)))
          if wants { wanted.append(Wanted(sequence: index, position: position, isLast: isLast)) }
        }
        sequence.computed += taken
        if sequence.pending == 0, sequence.request.maxTokens == 0 { done.append(index) }
      }
      let logits = unsafe forward.run(rows)
      let size = engine.model.shape.vocabularySize
      var failed = Set<Int>()
      for (place, row) in wanted.enumerated() where !failed.contains(row.sequence) {
        let view = unsafe UnsafeBufferPointer(start: logits + place * size, count: size)
        let entry = running[row.sequence]
        if row.isLast {
          if unsafe advance(entry, view) { done.append(row.sequence) }
        } else if unsafe !score(entry, position: row.position, view) {
          failed.insert(row.sequence)
        }
      }
      for index in done where running[index].sequence.request.maxTokens == 0 {
        guard !failed.contains(index) else { continue }
        running[index].sequence.reportPrompt()
        running[index].sequence.finish(.length)
      }
      for index in failed.union(done).sorted(by: >) {
        finished.append(running.remove(at: index).sequence)
        if finished.count > Self.kept { finished.removeFirst() }
      }
    }

    /// Scores the prompt's token behind a position; false where there are no numbers to score by.
    private func score(
      _ entry: (sequence: ActiveSequence, fail: @Sendable (DecoderError) -> Void), position: Int,
      _ logits: UnsafeBufferPointer<Float>
    ) -> Bool {
      let sequence = entry.sequence
      let token = unsafe Sampler.scored(
        sequence.tokens[position + 1], logits, count: sequence.request.topLogprobs ?? 0)
      guard token.isFinite else {
        entry.fail(.notANumber(position: position))
        return false
      }
      sequence.score(token)
      return true
    }

    /// Takes the next token for a sequence; returns whether the sequence has ended.
    private func advance(
      _ entry: (sequence: ActiveSequence, fail: @Sendable (DecoderError) -> Void),
      _ logits: UnsafeBufferPointer<Float>
    ) -> Bool {
      let sequence = entry.sequence
      let token = unsafe sequence.sampler.choose(
        logits, after: sequence.tokens, promptCount: sequence.request.prompt.count)
      let isFinite = unsafe logits[token].isFinite
      guard isFinite else {
        entry.fail(.notANumber(position: sequence.tokens.count - 1))
        return true
      }
      if sequence.generated == 0 { sequence.reportPrompt() }
      if sequence.request.stopTokens.contains(token) {
        sequence.finish(.stop)
        return true
      }
      if let count = sequence.request.topLogprobs {
        let scored = unsafe Sampler.scored(token, logits, count: count)
        guard scored.isFinite else {
          entry.fail(.notANumber(position: sequence.tokens.count - 1))
          return true
        }
        sequence.append(scored)
      } else {
        sequence.append(GeneratedToken(id: token, logprob: nil, top: []))
      }
      guard sequence.generated < sequence.request.maxTokens else {
        sequence.finish(.length)
        return true
      }
      return false
    }
  }
}
