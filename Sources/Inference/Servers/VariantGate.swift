package import ModelAccess
import Support

/// Lets a request through once its variant is prepared and shown to be what it should be.
///
/// The first request for a variant prepares it, the others wait for that. Where a dialect can hold
/// only so many, the least recently used one that nobody asks is released first. Where servers do not keep
/// variants apart, one is prepared, proven and asked while no other is.
package struct VariantGate: ChatCompleting {
  private let client: OpenAIClient
  private let servers: any VariantServers
  private let state: PreparedVariants

  package init(client: OpenAIClient, servers: any VariantServers) {
    self.client = client
    self.servers = servers
    state = PreparedVariants(dialect: client.dialect, servers: servers)
  }

  package func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    try await state.enter(request.variant)
    await servers.begin(request.variant)
    let result: Result<ChatReply, ChatFailure>
    do throws(ChatFailure) {
      result = .success(try await client.complete(request))
    } catch {
      result = .failure(error)
    }
    await servers.end(request.variant)
    await state.leave(request.variant)
    return try result.get()
  }

  /// Prepares and proves a variant ahead of its turn, where no other need go or wait for it.
  package func anticipate(_ variant: [ScaledUpdate]) async {
    guard client.dialect.preparedLimit == .max, client.dialect.computesVariantsTogether else {
      return
    }
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
  private let servers: any VariantServers
  private var entries: [[ScaledUpdate]: Entry] = [:]
  /// Those who wait for a place, or for somebody to leave one.
  private var waiters: [ContinuationID: CheckedContinuation<Void, Never>] = [:]
  private var clock = 0
  private var isReleasing = false

  init(dialect: any ServerDialect, servers: any VariantServers) {
    self.dialect = dialect
    self.servers = servers
  }

  func enter(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    while true {
      if Task.isCancelled { throw .cancelled }
      if isOtherAsked(than: variant) {
        await wait()
        continue
      }
      guard entries[variant] == nil, isReleasing || entries.count >= dialect.preparedLimit else {
        break
      }
      let idle = entries.filter { $0.value.users == 0 }.min { $0.value.lastUse < $1.value.lastUse }
      if !isReleasing, let idle {
        // Nothing is prepared meanwhile: it may need the place that is being freed.
        isReleasing = true
        entries[idle.key] = nil
        await release(idle.key)
        isReleasing = false
        wake()
      } else {
        await wait()
      }
    }
    clock += 1
    if entries[variant] == nil {
      let (dialect, servers) = (dialect, servers)
      entries[variant] = Entry(
        preparation: Task {
          do throws(ChatFailure) {
            try await dialect.prepare(variant)
            try await servers.open(variant)
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

  /// Whether a variant has to wait for another's last reply.
  private func isOtherAsked(than variant: [ScaledUpdate]) -> Bool {
    guard !dialect.keepsVariantsApart else { return false }
    return entries.contains { $0.key != variant && $0.value.users > 0 }
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
    for variant in entries.keys {
      try await dialect.prepare(variant)
      try await servers.reopen(variant)
    }
  }

  private func release(_ variant: [ScaledUpdate]) async {
    await servers.close(variant)
    await dialect.release(variant)
  }

  func releaseAll() async {
    for (variant, entry) in entries {
      entry.preparation.cancel()
      _ = await entry.preparation.value
      await release(variant)
    }
    entries = [:]
  }
}
