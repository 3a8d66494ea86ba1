package import ModelAccess
import Support

/// Lets a request through once its variant is prepared and shown to be what it should be.
///
/// The first request for a variant prepares it, the others wait for that. Where a dialect can hold
/// only so many, the least recently used one that nobody asks is released first.
package struct VariantGate: ChatCompleting {
  private let client: OpenAIClient
  private let state: PreparedVariants

  /// - Parameter check: proves that a prepared variant is served; its failure is every request's.
  package init(
    client: OpenAIClient,
    check: @escaping @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> Void
  ) {
    self.client = client
    state = PreparedVariants(dialect: client.dialect, check: check)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    try await state.enter(request.variant)
    do throws(ChatFailure) {
      let reply = try await client.complete(request)
      await state.leave(request.variant)
      return reply
    } catch {
      await state.leave(request.variant)
      throw error
    }
  }

  /// Prepares and proves a variant ahead of its turn, where no other need go for it.
  package func anticipate(_ variant: [ScaledUpdate]) async {
    guard client.dialect.preparedLimit == .max else { return }
    try? await open(variant)
  }

  /// Prepares and proves a variant without asking it anything.
  package func open(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    try await state.enter(variant)
    await state.leave(variant)
  }

  /// Prepares again what a server that was started again has lost.
  package func prepareAgain() async throws(ChatFailure) { try await state.prepareAgain() }

  /// Releases everything that was prepared.
  package func close() async { await state.releaseAll() }
}

/// Which variants are prepared, and who is using them.
private actor PreparedVariants {
  private struct Entry {
    var users = 0
    var lastUse = 0
    let preparation: Task<ChatFailure?, Never>
  }

  private let dialect: any ServerDialect
  private let check: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> Void
  private var entries: [[ScaledUpdate]: Entry] = [:]
  /// Those who wait for a place, or for somebody to leave one.
  private var waiters: [ContinuationID: CheckedContinuation<Void, Never>] = [:]
  private var clock = 0
  private var isReleasing = false

  init(
    dialect: any ServerDialect,
    check: @escaping @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> Void
  ) {
    self.dialect = dialect
    self.check = check
  }

  func enter(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    while entries[variant] == nil && (isReleasing || entries.count >= dialect.preparedLimit) {
      if Task.isCancelled { throw .cancelled }
      let idle = entries.filter { $0.value.users == 0 }.min { $0.value.lastUse < $1.value.lastUse }
      if !isReleasing, let idle {
        // Nothing is prepared meanwhile: it may need the place that is being freed.
        isReleasing = true
        entries[idle.key] = nil
        await dialect.release(idle.key)
        isReleasing = false
        wake()
      } else {
        await wait()
      }
    }
    clock += 1
    if entries[variant] == nil {
      let (dialect, check) = (dialect, check)
      entries[variant] = Entry(
        preparation: Task {
          do throws(ChatFailure) {
            try await dialect.prepare(variant)
            try await check(variant)
            return nil
          } catch {
            return error
          }
        })
    }
    entries[variant]?.users += 1
    entries[variant]?.lastUse = clock
    guard let preparation = entries[variant]?.preparation else { return }
    let failure = await withTaskCancellationHandler {
      await preparation.value
    } onCancel: {
      preparation.cancel()
    }
    if let failure {
      leave(variant)
      throw failure
    }
  }

  func leave(_ variant: [ScaledUpdate]) {
    entries[variant]?.users -= 1
    if entries[variant]?.users == 0 { wake() }
  }

  /// Returns when something has changed, or the task is cancelled.
  private func wait() async {
    await withIdentifiedContinuation { id, continuation in
      waiters[id] = continuation
    } onCancel: { id in
      Task { await self.wake(id) }
    }
  }

  private func wake() {
    let resumed = waiters
    waiters = [:]
    for waiter in resumed.values { waiter.resume() }
  }

  private func wake(_ id: ContinuationID) { waiters.removeValue(forKey: id)?.resume() }

  /// Prepares again what a server that was started again has lost.
  func prepareAgain() async throws(ChatFailure) {
    for variant in entries.keys { try await dialect.prepare(variant) }
  }

  func releaseAll() async {
    for (variant, entry) in entries {
      entry.preparation.cancel()
      _ = await entry.preparation.value
      await dialect.release(variant)
    }
    entries = [:]
  }
}
