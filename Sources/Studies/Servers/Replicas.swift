import Foundation
import HTTP
package import Inference
import ModelAccess
import Runs
import Support

/// Running servers that are asked as replicas of each other: those that are named, or those of a list that
/// may change.
package struct Replicas: Sendable {
  package var endpoints: [Endpoint]
  /// nil where the endpoints are all.
  package var list: EndpointList?

  /// - Parameter endpoints: at least one, or none where there is a list.
  package init(_ endpoints: [Endpoint], list: EndpointList? = nil) {
    self.endpoints = endpoints
    self.list = list
  }

  /// Whether none is named.
  var isEmpty: Bool { endpoints.isEmpty && list == nil }

  /// Whether there is but one server, and no other may come.
  var isOne: Bool { endpoints.count == 1 && list == nil }

  /// What is known of the replicas when the first of them are reached.
  struct Found {
    /// The replicas that were reached, as they were named.
    var reached: [(given: Endpoint, probe: ServerProbe)]
    /// All of them.
    var all: [Endpoint]

    /// Which says what the others have to be.
    var first: ServerProbe { reached[0].probe }
  }

  /// Reaches every server that is named; of a list the first in its order that answers.
  ///
  /// - Throws: where a server that is named does not answer in time, or none of a list for as long as one
  ///   is waited for.
  func find(
    _ transport: Transport, _ connection: ServerConnection,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> Found {
    func reach(_ endpoint: Endpoint) async throws(ChatFailure) -> ServerProbe {
      try await connection.reach(endpoint, by: transport, events: events)
    }
    guard let list else {
      var found = Found(reached: [], all: endpoints)
      for endpoint in endpoints {
        found.reached.append((endpoint, try await reach(endpoint)))
      }
      return found
    }
    let end = ContinuousClock.now + list.patience
    var reason = "it is empty"
    var all: [Endpoint] = []
    var isFirst = true
    while true {
      do {
        all = try await list.read(after: all)
      } catch {
        // Later ones may be half-written.
        guard !isFirst else { throw StudyError.serverOptions("\(error)") }
      }
      isFirst = false
      for endpoint in all {
        do {
          return Found(reached: [(endpoint, try await reach(endpoint))], all: all)
        } catch {
          guard error.code.saysNothingOfTheModel else { throw error }
          reason = error.message
        }
      }
      guard ContinuousClock.now < end else {
        throw StudyError.stoppedInTime(
          reason: "no server of \(list.name) answered for "
            + "\(Int(list.patience.inSeconds.rounded())) s (\(reason))")
      }
      events(
        .step("no server of \(list.name) answers yet (\(reason)); waiting for one"))
      try await Task.sleep(for: min(list.interval, .seconds(5)))
    }
  }

  /// Keeps the replicas for as long as the scope is open: lets them join, leave and come back.
  ///
  /// - Parameters:
  ///   - client: of a pool that wants proof, without servers yet.
  ///   - check: compares what they answer.
  ///   - run: the folder that gets their record.
  ///   - tryOut: asks those that are there something harmless.
  ///   - admit: throws where a server is not of the first one's kind.
  /// - Returns: the gate to all of them.
  func keep(
    _ found: Found, _ client: OpenAIClient, _ check: IdentityCheck,
    _ connection: ServerConnection, run: URL, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void,
    tryOut: () async throws -> Void,
    admit: @escaping @Sendable (ServerProbe) async throws -> Void
  ) async throws -> VariantGate {
    let record = ReplicaRecord(run: run)
    let keeper = ReplicaKeeper(
      client: client, check: check,
      policy: ReplicaPolicy(
        mayGrow: list != nil, patience: .seconds(connection.patienceSeconds),
        lonely: list?.patience ?? .seconds(connection.outageSeconds)), admit: admit,
      tell: { event in
        if let sentence = event.sentence { events(.step(sentence)) }
        do { try record.append(event) } catch { events(.step("\(error)")) }
      }, note: { events(.step($0)) })
    await scope.onClose { await keeper.close() }
    await keeper.join(found.first, as: found.reached[0].given)
    for (given, probe) in found.reached.dropFirst() {
      await keeper.look(at: probe, as: given)
    }
    try await tryOut()
    let gate = VariantGate(client: keeper.vouchedClient, servers: keeper)
    await scope.onClose { await gate.close() }
    if let list {
      await keeper.update(found.all)
      let following = Task { await Self.follow(list, from: found.all, keeper, events: events) }
      await scope.onClose { following.cancel() }
    }
    return gate
  }

  /// Reads a list again and again.
  private static func follow(
    _ list: EndpointList, from first: [Endpoint], _ keeper: ReplicaKeeper,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async {
    var known = first
    var said: String?
    while true {
      do { try await Task.sleep(for: list.interval) } catch { return }
      do {
        let found = try await list.read(after: known)
        said = nil
        guard !Task.isCancelled, found != known else { continue }
        known = found
        await keeper.update(found)
      } catch {
        guard !Task.isCancelled, said != error.description else { continue }
        said = error.description
        events(.step("\(error); the list before it holds"))
      }
    }
  }
}

extension ReplicaEvent {
  /// What people are told; nil where there is nothing to say.
  var sentence: String? {
    let why = detail.isEmpty ? "" : ": \(detail)"
    return switch kind {
    case .joined: "\(endpoint) is ready"
    case .lost: "\(endpoint) is lost, and is checked before it is asked again\(why)"
    case .returned: "\(endpoint) is back"
    case .aside: "\(endpoint) is put aside, and is not asked any more\(why)"
    case .left: "\(endpoint) has left the list"
    }
  }
}

/// `replicas.jsonl` of a run folder: what happened to its servers, a line each.
private struct ReplicaRecord: Sendable {
  private struct Line: Encodable {
    var time: String
    var server: String
    var event: String
    var detail: String?
  }

  private let file: URL

  init(run: URL) { file = run.appending(path: "replicas.jsonl") }

  func append(_ event: ReplicaEvent) throws {
    let line = Line(
      time: Date.now.formatted(.iso8601), server: event.endpoint.name, event: event.kind.rawValue,
      detail: event.detail.isEmpty ? nil : event.detail)
    try FileManager.default.createDirectory(
      at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
    try AppendedFile(file).append(try StableJSON.encode(line))
  }
}
