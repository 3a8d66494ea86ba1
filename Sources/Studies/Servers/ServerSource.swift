import Attacks
package import Checkpoints
package import HTTP
package import Inference
package import ModelAccess
import StudyDesign

/// A way to servers that answer as the models of a study. One file for each.
package protocol ServerSource: Sendable {
  /// Whether it serves changes of full rank, merged into checkpoints; otherwise adapters alone.
  var takesCheckpoints: Bool { get }
  /// Refuses, as far as it is known before a server stands, a training of every weight that no adapter holds.
  ///
  /// - Parameter attack: its name.
  /// - Throws: `StudyError.unservedUpdate`.
  func requireServed(fullTraining attack: String, of checkpoint: Checkpoint) throws(StudyError)
  /// Whether what it opens also tells how likely a model finds given replies.
  var scoresReplies: Bool { get }

  /// Finds or starts the servers, and shows that they can serve the models.
  ///
  /// - Parameter scope: told of all that is opened, before it can fail.
  func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers
}

extension ServerSource {
  package var scoresReplies: Bool { false }
  package func requireServed(
    fullTraining attack: String, of checkpoint: Checkpoint
  ) throws(StudyError) {}

  /// The same of a study's attacks, as it would have them served.
  func requireServed(
    _ attacks: [any Attack], of checkpoint: Checkpoint
  ) throws(StudyError) {
    for attack in attacks where attack.method == .full && !attack.isDense {
      try requireServed(fullTraining: attack.name, of: checkpoint)
    }
  }

  /// Works with a study's servers, and ends what was started for them.
  func withServers<Value>(
    of models: ModelsToServe, events: @escaping @Sendable (StudyEvent) -> Void,
    _ body: (ReadyServers) async throws -> Value
  ) async throws -> Value {
    try await ServerScope.with { scope in
      try await body(try await open(models, in: scope, events: events))
    }
  }
}

/// Servers that stand ready for a run.
package struct ReadyServers: Sendable {
  /// What answers, for the manifest: a run is continued only with the same.
  let description: String
  /// What answers and its build, for the cache.
  let build: String
  /// The name of the bare model there.
  let modelName: String
  let model: any ChatCompleting
  /// Whether they go on from an open turn of the model's.
  var continuesReplies = false
  /// Tells how likely a model finds given replies; nil where nobody can.
  var scoring: (any ReplyScoring)?
  /// What a model answered to the identity probe; empty where its weights are this process's own.
  var identity: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> String = { _ in "" }
  /// How requests are written there, which may change while a run goes on.
  var form: @Sendable () -> RequestForm = { .usual }
}

/// How servers outside this process are asked.
package struct ServerConnection: Sendable {
  /// The bare model's name; by default the first that the server lists.
  package var modelName: String?
  package var retries: RetryPolicy
  package var limits: Transport.Limits
  /// How requests are written, as far as it is known before a server is asked.
  package var form: RequestForm
  /// What servers are shown whose addresses a file holds.
  package var credentials: Credentials
  /// Counts what requests take, where that is paid for.
  package var meter: (any TokenMeter)?

  package init(
    modelName: String? = nil, retries: RetryPolicy = RetryPolicy(),
    limits: Transport.Limits = Transport.Limits(), form: RequestForm = .usual,
    credentials: Credentials = .none, meter: (any TokenMeter)? = nil
  ) {
    self.modelName = modelName
    self.retries = retries
    self.limits = limits
    self.form = form
    self.credentials = credentials
    self.meter = meter
  }

  /// How long a server that runs already may stay away before it is given up.
  var patienceSeconds: Double { limits.connectSeconds }

  /// How long none of several servers may be reached before a run ends.
  var outageSeconds: Double { patienceSeconds + retries.outageSeconds }

  /// A server that should run already, once it is ready, at the base that its address means.
  func reach(
    _ endpoint: Endpoint, by transport: Transport, events: @Sendable (StudyEvent) -> Void
  ) async throws(ChatFailure) -> ServerProbe {
    let probe = ServerProbe(endpoint: endpoint, transport: transport)
    events(.step("waiting for \(endpoint)"))
    try await probe.waitUntilReady(seconds: patienceSeconds)
    return try await probe.located()
  }

  /// A client's end, closed with the scope.
  func transport(connections: Int, in scope: ServerScope) async -> Transport {
    var limits = limits
    limits.connections = connections
    let transport = Transport(limits: limits)
    await scope.onClose { transport.shutDown() }
    return transport
  }
}
