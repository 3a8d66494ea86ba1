import HTTP
package import Inference
import ModelAccess

/// Running servers of one model, replicas of each other, measured as it is.
package struct ServersAsTheyAre: Sendable {
  package var endpoints: [Endpoint]
  package var connection: ServerConnection

  /// - Parameter endpoints: at least one.
  package init(endpoints: [Endpoint], connection: ServerConnection) {
    self.endpoints = endpoints
    self.connection = connection
  }

  /// Finds the servers, works with them, and leaves them as they were.
  ///
  /// - Parameters:
  ///   - connections: requests at a time for each.
  ///   - decoding: how they are asked.
  ///   - continues: whether they are to go on from open turns; they are asked what they are only then.
  func withServers<Value>(
    connections: Int, decoding: Decoding, continues: Bool = false,
    events: @escaping @Sendable (StudyEvent) -> Void,
    _ body: (ReadyServers) async throws -> Value
  ) async throws -> Value {
    try await ServerScope.with { scope in
      let transport = await connection.transport(connections: connections, in: scope)
      return try await body(
        try await find(transport, decoding, continues: continues, events: events))
    }
  }

  private func find(
    _ transport: Transport, _ decoding: Decoding, continues: Bool,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    var name = connection.modelName
    var builds: Set<String> = []
    var found: [Endpoint] = []
    var continuesReplies = continues
    for endpoint in endpoints {
      var probe = ServerProbe(endpoint: endpoint, transport: transport)
      events(.step("waiting for \(endpoint)"))
      try await probe.waitUntilReady(seconds: connection.patienceSeconds)
      probe = try await probe.located()
      found.append(probe.endpoint)
      if continues, try await !DialectChoice.auto.spoken(by: probe).continuesReplies {
        continuesReplies = false
      }
      name = try await probe.model(named: name)
      if let build = await probe.build() { builds.insert(build) }
    }
    let client = OpenAIClient(
      pool: EndpointPool(
        found, limit: transport.limits.connections, retries: connection.retries,
        onPause: StudyEvent.pause(events)),
      model: name, transport: transport, retries: connection.retries,
      form: AdaptableForm(connection.form, note: { events(.step($0)) }), meter: connection.meter)
    try await client.tryOut(decoding)
    let check = IdentityCheck(client: client)
    let places = endpoints.map(\.name).joined(separator: ", ")
    let description = ([places, name ?? ""] + builds.sorted()).joined(separator: " ")
    return ReadyServers(
      description: description, build: description, modelName: name ?? "", model: client,
      continuesReplies: continuesReplies,
      identity: { variant async throws(ChatFailure) in
        if await check.signature(of: variant) == nil { try await check.verify(variant) }
        return await check.signature(of: variant)?.text ?? ""
      }, form: { client.form.value })
  }
}
