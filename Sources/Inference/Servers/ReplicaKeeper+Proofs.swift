package import ModelAccess

/// Which replica may be asked as which model.
extension ReplicaKeeper: VariantServers {
  /// Checks every replica, and returns when the first has passed; the others are asked when they have.
  package func open(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    begin(variant)
    defer { end(variant) }
    while !replicas.values.contains(where: {
      $0.standing == .serving && $0.proven.contains(variant)
    }) {
      try await wait()
    }
  }

  package func close(_ variant: [ScaledUpdate]) async {
    for (place, replica) in replicas {
      replicas[place]?.proven.remove(variant)
      replicas[place]?.checks[variant] = nil
      replicas[place]?.loaded.remove(variant)
      client.pool.disprove(place, as: variant)
      // One that does not answer, or serves something else, is left alone.
      guard replica.loaded.contains(variant), [.serving, .left].contains(replica.standing) else {
        continue
      }
      await client.dialect.unload(variant, at: replica.probe)
    }
  }

  /// Replicas that come back are looked at one by one.
  package func reopen(_ variant: [ScaledUpdate]) {}

  package func begin(_ variant: [ScaledUpdate]) {
    users[variant, default: 0] += 1
    for place in replicas.keys { beginProof(of: variant, at: place) }
  }

  package func end(_ variant: [ScaledUpdate]) {
    users[variant, default: 0] -= 1
    if users[variant] == 0 { users[variant] = nil }
  }

  /// Begins to check a replica as a model that it is not proven to serve.
  ///
  /// - Parameter isRepeated: whether it is checked though it is proven.
  func beginProof(of variant: [ScaledUpdate], at place: Int, isRepeated: Bool = false) {
    guard let replica = replicas[place], replica.standing == .serving, failure == nil,
      !replica.proving.contains(variant), isRepeated || !replica.proven.contains(variant)
    else { return }
    replicas[place]?.proving.insert(variant)
    Task { await self.prove(variant, at: place) }
  }

  private func prove(_ variant: [ScaledUpdate], at place: Int) async {
    guard let replica = replicas[place] else { return }
    let begun = tick()
    let result: Result<ReplyOrigin?, any Error>
    do {
      if replica.doubted > replica.admitted {
        try await admit(replica.probe)
        replicas[place]?.admitted = begun
      }
      try await client.dialect.load(
        variant, at: replica.probe, replacing: !replica.loaded.contains(variant))
      replicas[place]?.loaded.insert(variant)
      try await waitForEarlier(variant, place)
      result = .success(try await check.verify(variant, at: place))
    } catch {
      result = .failure(error)
    }
    replicas[place]?.proving.remove(variant)
    defer { changed() }
    guard let now = replicas[place], now.standing == .serving else { return }
    guard now.life == replica.life else {
      // It was lost and found meanwhile: what was found out is of its former life.
      if users[variant] != nil { beginProof(of: variant, at: place) }
      return
    }
    switch result {
    case .success where users[variant] == nil:
      // Nobody asks it any more, and it may be closed.
      replicas[place]?.loaded.remove(variant)
      await client.dialect.unload(variant, at: replica.probe)
    case .success(let origin):
      accept(variant, at: place, Replica.Check(begun: begun, origin: origin))
    case .failure(let error):
      refuse(place, error)
    }
  }

  /// What a model answers is said by the first of the list that serves, not by whoever is quickest.
  private func waitForEarlier(_ variant: [ScaledUpdate], _ place: Int) async throws(ChatFailure) {
    while await check.signature(of: variant) == nil {
      let isFirst = !replicas.contains { other, replica in
        other < place && replica.standing == .serving && !replica.proven.contains(variant)
      }
      if isFirst { return }
      try await wait()
    }
  }

  private func accept(_ variant: [ScaledUpdate], at place: Int, _ passed: Replica.Check) {
    if let origin = passed.origin {
      if let fingerprint, fingerprint != origin.fingerprint {
        return putAside(
          place,
          ChatFailure.fatal(
            "replica-differs",
            "\(client.pool.endpoint(place)): expected the system_fingerprint of the others, "
              + "\(fingerprint ?? "none"), found \(origin.fingerprint ?? "none"); serve the same build "
              + "everywhere"))
      }
      fingerprint = .some(origin.fingerprint)
    }
    replicas[place]?.losses = 0
    lookForHope()
    replicas[place]?.checks[variant] = passed
    replicas[place]?.proven.insert(variant)
    client.pool.prove(place, as: variant)
  }

  private func refuse(_ place: Int, _ error: any Error) {
    if isPassing(error, at: place) { return lost(place, error as? ChatFailure) }
    if let failure = error as? ChatFailure, ErrorCode.identityFailures.contains(failure.code) {
      let isLast = !replicas.contains { $0.key != place && $0.value.standing == .serving }
      // Where no other can show it, it is the study that cannot go on, and not this server.
      if failure.code == .identityUnrecorded || isLast && failure.code != .identityChanged {
        return end(failure)
      }
    }
    putAside(place, error)
  }
}

/// Whose replies count.
///
/// A connection leads to the process that accepted it for as long as it stands. So a reply is of the
/// server that was checked where its connection stood before a check that was passed; one that came over
/// a new connection is held until its replica has passed another check, which begins after the reply has
/// arrived. It counts then, and is asked for elsewhere where the check fails or the replica is gone.
extension ReplicaKeeper: ReplyVoucher {
  func doubt(_ server: Int) { replicas[server]?.doubted = tick() }

  func lose(_ server: Int) { lost(server, nil) }

  func vouches(
    for server: Int, as variant: [ScaledUpdate], from origin: ReplyOrigin?, isFatal: Bool
  ) async throws(ChatFailure) -> Bool {
    if isFatal { doubt(server) }
    while true {
      guard let replica = replicas[server], replica.standing != .aside else { return false }
      if let check = replica.check(of: variant) {
        guard let expected = check.origin, let origin, origin != expected else { return true }
        doubt(server)
        lost(
          server,
          .fatal(
            "replica-differs",
            "\(client.pool.endpoint(server)): expected replies of \(Self.text(expected)), found one of "
              + Self.text(origin)))
        return false
      }
      guard replica.standing == .serving else { return false }
      beginProof(of: variant, at: server, isRepeated: true)
      try await wait()
    }
  }

  private static func text(_ origin: ReplyOrigin) -> String {
    [origin.model, origin.fingerprint].compactMap(\.self).joined(separator: ", ")
  }
}
