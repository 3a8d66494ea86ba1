import Foundation
import HTTP
import Inference
import ModelAccess

/// Running servers of one model, replicas of each other, measured as it is.
package struct ServersAsTheyAre: Sendable {
  package var replicas: Replicas
  package var connection: ServerConnection

  package init(replicas: Replicas, connection: ServerConnection) {
    self.replicas = replicas
    self.connection = connection
  }

  /// Finds the servers, works with them, and leaves them as they were.
  ///
  /// - Parameters:
  ///   - connections: requests at a time for each.
  ///   - decoding: how they are asked.
  ///   - continues: whether they are to go on from open turns; they are asked what they are only then.
  ///   - run: the folder that gets the replicas' record.
  func withServers<Value>(
    connections: Int, decoding: Decoding, continues: Bool = false, run: URL,
    events: @escaping @Sendable (StudyEvent) -> Void,
    _ body: (ReadyServers) async throws -> Value
  ) async throws -> Value {
    try await ServerScope.with { scope in
      let transport = await connection.transport(connections: connections, in: scope)
      let found = try await replicas.find(transport, connection, events: events)
      var continuesReplies = continues
      for (_, probe) in found.reached where continuesReplies {
        continuesReplies = try await DialectChoice.auto.spoken(by: probe).continuesReplies
      }
      let name = try await found.first.model(named: connection.modelName)
      let build = await found.first.build() ?? ""
      let client = OpenAIClient(
        pool: EndpointPool(
          replicas.isOne ? [found.first.endpoint] : [], limit: connections,
          retries: connection.retries, wantsProof: !replicas.isOne,
          onPause: StudyEvent.pause(events)),
        model: name, transport: transport, retries: connection.retries,
        form: AdaptableForm(connection.form, note: { events(.step($0)) }), meter: connection.meter)
      let (model, identity) =
        replicas.isOne
        ? try await alone(client, decoding)
        : try await kept(
          found, client, decoding, name: name, build: build, run: run, in: scope, events: events)
      // Those of a list may be others tomorrow.
      let places =
        replicas.list == nil ? replicas.endpoints.map(\.name).joined(separator: ", ") : "replicas"
      let description = [places, name, build].filter { !$0.isEmpty }.joined(separator: " ")
      return try await body(
        ReadyServers(
          description: description, build: description, modelName: name, model: model,
          continuesReplies: continuesReplies, identity: identity, form: { client.form.value }))
    }
  }

  private typealias Opened = (
    model: any ChatCompleting,
    identity: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> String
  )

  /// The one server: nothing has to be the same, and a hosted one need not answer twice the same.
  private func alone(_ client: OpenAIClient, _ decoding: Decoding) async throws -> Opened {
    try await client.tryOut(decoding)
    let check = IdentityCheck(client: client)
    return (
      client,
      { variant async throws(ChatFailure) in
        if await check.signature(of: variant) == nil { try await check.verify(variant) }
        return await check.signature(of: variant)?.text ?? ""
      }
    )
  }

  /// Several, each of which must be shown to serve what the first does.
  private func kept(
    _ found: Replicas.Found, _ client: OpenAIClient, _ decoding: Decoding, name: String,
    build: String, run: URL, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> Opened {
    let check = try RecordedIdentities(run: run).check(client, servedAs: "model")
    let gate = try await replicas.keep(
      found, client, check, connection, run: run, in: scope, events: events,
      tryOut: { try await client.tryOut(decoding) },
      admit: { try await $0.require(model: name, build: build) })
    return (
      gate,
      { variant async throws(ChatFailure) in
        try await gate.open(variant)
        return await check.signature(of: variant)?.text ?? ""
      }
    )
  }
}
