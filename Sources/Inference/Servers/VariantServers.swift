package import ModelAccess

/// Servers of a study, as their gate needs them.
package protocol VariantServers: Sendable {
  /// Makes servers ready to be asked as a variant that is prepared, and proves that they serve it: its
  /// failure is every request's. Of several servers the first that is ready will do.
  func open(_ variant: [ScaledUpdate]) async throws(ChatFailure)
  /// Takes a variant away from the servers; nobody asks it.
  func close(_ variant: [ScaledUpdate]) async
  /// Gives servers that were started again what they lost.
  func reopen(_ variant: [ScaledUpdate]) async throws(ChatFailure)
  /// A request for an open variant begins, and has ended.
  func begin(_ variant: [ScaledUpdate]) async
  func end(_ variant: [ScaledUpdate]) async
}

/// Servers that are there for the whole run, each ready before any is asked.
package struct FixedServers: VariantServers {
  private let probes: [ServerProbe]
  private let dialect: any ServerDialect
  private let check: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> Void

  /// - Parameters:
  ///   - probes: of servers that are told what to load.
  ///   - check: proves that they serve a variant.
  package init(
    _ probes: [ServerProbe], _ dialect: any ServerDialect,
    check: @escaping @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> Void
  ) {
    self.probes = probes
    self.dialect = dialect
    self.check = check
  }

  package func open(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    try await reopen(variant)
    try await check(variant)
  }

  package func close(_ variant: [ScaledUpdate]) async {
    for probe in probes { await dialect.unload(variant, at: probe) }
  }

  package func reopen(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    for probe in probes { try await dialect.load(variant, at: probe, replacing: true) }
  }

  package func begin(_ variant: [ScaledUpdate]) {}
  package func end(_ variant: [ScaledUpdate]) {}
}
