import ModelAccess
import Support

/// Keeps the servers that serve the same: which of them there are, which may be asked as which model, and
/// whether what they answered may count.
///
/// A replica joins by being reached, being of the first one's kind (models, build, adapters) and giving
/// the first one's answers to the probe; it is asked as a model only once it is proven to serve it. One
/// that is lost goes the same way again. One that differs is put aside. A reply counts where a check of
/// its model at its replica covers it; see `vouches`.
package actor ReplicaKeeper {
  /// Without a voucher: what checks send.
  let client: OpenAIClient
  let check: IdentityCheck
  private let policy: ReplicaPolicy
  let admit: @Sendable (ServerProbe) async throws -> Void
  private let tell: @Sendable (ReplicaEvent) -> Void
  private let note: @Sendable (String) -> Void
  var replicas: [Int: Replica] = [:]
  /// How many ask each model, or wait for it to be ready.
  var users: [[ScaledUpdate]: Int] = [:]
  /// The `system_fingerprint` of all of them, once the first has said one, or that it says none.
  var fingerprint: String??
  /// Why nothing can be answered any more.
  private(set) var failure: ChatFailure?
  private var lastReason: ChatFailure?
  private var loneliness: Task<Void, Never>?
  private var waiters: [ContinuationID: CheckedContinuation<Void, Never>] = [:]
  private var clock = 0
  private var isClosed = false

  /// - Parameters:
  ///   - client: of a pool that wants proof, without servers yet.
  ///   - check: compares what they answer.
  ///   - admit: throws where a server is not of the others' kind.
  ///   - tell: told what happens to a replica.
  ///   - note: told, in a sentence, that none can be asked.
  package init(
    client: OpenAIClient, check: IdentityCheck, policy: ReplicaPolicy,
    admit: @escaping @Sendable (ServerProbe) async throws -> Void,
    tell: @escaping @Sendable (ReplicaEvent) -> Void = { _ in },
    note: @escaping @Sendable (String) -> Void = { _ in }
  ) {
    self.client = client
    self.check = check
    self.policy = policy
    self.admit = admit
    self.tell = tell
    self.note = note
  }

  private var time: any TimeSource { client.pool.time }

  /// The client whose replies this vouches for.
  package nonisolated var vouchedClient: OpenAIClient {
    var client = client
    client.voucher = self
    return client
  }

  /// A moment: later ones are larger.
  func tick() -> Int {
    clock += 1
    return clock
  }

  // MARK: - Coming and going

  /// Takes a replica that was reached and is of the others' kind, such as the one that says what that is.
  package func join(_ probe: ServerProbe, as given: Endpoint) {
    enrolled(add(given, probe), probe)
  }

  /// Takes a replica that was reached, where it is of the others' kind.
  package func look(at probe: ServerProbe, as given: Endpoint) async {
    let place = add(given, probe)
    do {
      try await admit(probe)
      enrolled(place, probe)
    } catch {
      if isPassing(error, at: place) { enrol(place) } else { putAside(place, error) }
    }
  }

  /// Lets those join that are not here, and those leave that are not in the list.
  package func update(_ list: [Endpoint]) {
    guard !isClosed else { return }
    for (place, replica) in replicas where replica.standing != .left {
      if !list.contains(replica.given) { leave(place) }
    }
    for endpoint in list
    where !replicas.values.contains(where: { $0.standing != .left && $0.given == endpoint }) {
      enrol(add(endpoint, ServerProbe(endpoint: endpoint, transport: client.transport)))
    }
    lookForHope()
  }

  private func add(_ endpoint: Endpoint, _ probe: ServerProbe) -> Int {
    let place = client.pool.add(probe.endpoint)
    replicas[place] = Replica(given: endpoint, probe: probe)
    return place
  }

  private func leave(_ place: Int) {
    replicas[place]?.standing = .left
    replicas[place]?.enrolment?.cancel()
    client.pool.remove(place)
    say(.left, place)
    changed()
  }

  /// Reaches a replica, as often as that takes, and looks whether it is of the others' kind.
  private func enrol(_ place: Int, after delay: Double = 0) {
    guard let replica = replicas[place] else { return }
    let (life, given) = (replica.life, replica.given)
    replicas[place]?.enrolment = Task { [time, policy, admit, transport = client.transport] in
      try? await time.sleep(for: .seconds(delay))
      var hasSaid = replica.hasServed
      while !Task.isCancelled {
        do {
          let probe = ServerProbe(endpoint: given, transport: transport, time: time)
          try await probe.waitUntilReady(seconds: policy.patience.inSeconds)
          let found = try await probe.located()
          try await admit(found)
          if self.replicas[place]?.life == life { self.enrolled(place, found) }
          return
        } catch {
          guard !Task.isCancelled, self.replicas[place]?.life == life else { return }
          guard self.isPassing(error, at: place) else { return self.putAside(place, error) }
          self.lastReason = error as? ChatFailure ?? self.lastReason
          if !hasSaid { self.say(.lost, place, Self.reason(error)) }
          hasSaid = true
        }
        try? await time.sleep(for: .seconds(1))
      }
    }
  }

  private func enrolled(_ place: Int, _ probe: ServerProbe) {
    guard replicas[place]?.standing == .joining else { return }
    client.pool.locate(place, probe.endpoint)
    client.pool.resume(place)
    replicas[place]?.probe = probe
    replicas[place]?.standing = .serving
    // Whatever it showed before, it may be another process.
    replicas[place]?.doubted = tick()
    replicas[place]?.admitted = tick()
    say(replicas[place]?.hasServed == true ? .returned : .joined, place)
    replicas[place]?.hasServed = true
    lookForHope()
    for (variant, count) in users where count > 0 { beginProof(of: variant, at: place) }
    changed()
  }

  /// A replica is asked no more until it has passed its checks again.
  func lost(_ place: Int, _ reason: ChatFailure?) {
    guard let replica = replicas[place], replica.standing == .serving, !isClosed else { return }
    lastReason = reason ?? lastReason
    replicas[place]?.standing = .joining
    replicas[place]?.life += 1
    replicas[place]?.losses += 1
    replicas[place]?.proven = []
    client.pool.revoke(place)
    say(.lost, place, reason?.message ?? "")
    enrol(place, after: client.retries.delay(retry: replica.losses, asked: nil))
    lookForHope()
    changed()
  }

  /// A replica differs from the others, and is not asked any more.
  func putAside(_ place: Int, _ error: any Error) {
    guard let replica = replicas[place], [.joining, .serving].contains(replica.standing) else {
      return
    }
    replicas[place]?.standing = .aside
    replicas[place]?.life += 1
    replicas[place]?.enrolment?.cancel()
    client.pool.remove(place)
    lastReason = error as? ChatFailure ?? .fatal("replica-differs", "\(error)")
    say(.aside, place, Self.reason(error))
    lookForHope()
    changed()
  }

  /// Whether a failure says nothing of what a replica serves, so that it is tried again; what another
  /// request might escape is tried as often as a request is.
  func isPassing(_ error: any Error, at place: Int) -> Bool {
    guard let failure = error as? ChatFailure else { return error is CancellationError }
    if failure.code == .cancelled || failure.code.saysNothingOfTheModel { return true }
    return !failure.isFatal && (replicas[place]?.losses ?? 0) < client.retries.maxRetries
  }

  private static func reason(_ error: any Error) -> String {
    (error as? ChatFailure)?.message ?? "\(error)"
  }

  private func say(_ kind: ReplicaEvent.Kind, _ place: Int, _ detail: String = "") {
    guard let replica = replicas[place], !isClosed else { return }
    tell(ReplicaEvent(kind: kind, endpoint: replica.given, detail: detail))
  }

  // MARK: - Hope

  /// Whether a replica can be asked: one that was lost has to pass a check first.
  private var hasHope: Bool {
    replicas.values.contains { $0.standing == .serving && ($0.losses == 0 || users.isEmpty) }
  }

  /// Where no replica can be asked, one is waited for, if any may come.
  func lookForHope() {
    guard !hasHope, failure == nil, !isClosed else {
      loneliness?.cancel()
      loneliness = nil
      return
    }
    let isOver = replicas.values.allSatisfy { [.aside, .left].contains($0.standing) }
    if !policy.mayGrow, isOver {
      return end(lastReason ?? .fatal(.noReplica, "no server is left"))
    }
    guard loneliness == nil else { return }
    let seconds = Int(policy.lonely.inSeconds.rounded())
    note("no server can be asked; waiting for one, at most \(seconds) s")
    loneliness = Task { [time, policy] in
      do { try await time.sleep(for: policy.lonely) } catch { return }
      guard !Task.isCancelled, !self.hasHope else { return }
      let said = self.lastReason.map { " (\($0.message))" } ?? ""
      self.end(
        policy.mayGrow
          ? .fatal(.noReplica, "no server could be asked for \(seconds) s\(said)")
          : self.lastReason ?? .fatal(.noReplica, "no server could be asked for \(seconds) s"))
    }
  }

  /// Nothing is answered from now on.
  func end(_ reason: ChatFailure) {
    guard failure == nil else { return }
    var reason = reason
    reason.isFatal = true
    failure = reason
    client.pool.close(reason)
    changed()
  }

  /// Ends what goes on by itself.
  package func close() {
    isClosed = true
    loneliness?.cancel()
    for replica in replicas.values { replica.enrolment?.cancel() }
    changed()
  }

  // MARK: - Waiting

  /// Wakes all that wait for something to change.
  func changed() {
    let resumed = waiters
    waiters = [:]
    for waiter in resumed.values { waiter.resume() }
  }

  /// Returns when something has changed.
  ///
  /// - Throws: `ChatFailure` where nothing will be answered any more, or the task is cancelled.
  func wait() async throws(ChatFailure) {
    if Task.isCancelled || isClosed { throw .cancelled }
    if let failure { throw failure }
    await withIdentifiedContinuation { id, continuation in
      waiters[id] = continuation
    } onCancel: { id in
      Task { await self.wake(id) }
    }
  }

  private func wake(_ id: ContinuationID) { waiters.removeValue(forKey: id)?.resume() }
}
