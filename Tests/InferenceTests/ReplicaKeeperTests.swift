import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// Replicas that come, go and change, as real servers on sockets.
@Suite(.serialized) struct ReplicaKeeperTests {
  /// A server whose process can be replaced: a new one answers over new connections alone.
  final class Process: Sendable {
    struct State {
      /// What distinguishes its weights.
      var weights = "A"
      var build = "b1"
      /// Whether the process is there.
      var isUp = true
      /// Which process runs, and which one each connection leads to.
      var process = 0
      var processes: [Int: Int] = [:]
      var delay = 0.0
      var probeDelay = 0.0
      /// Replies to other than probes.
      var replies = 0
      /// Called before a reply, with its number from 1.
      var before: (@Sendable (Int) -> Void)?
    }

    let state = Mutex(State())

    /// Replaces the process, or takes it away: connections to the former one break.
    func restart(weights: String? = nil, build: String? = nil, isUp: Bool = true) {
      state.withLock { state in
        state.process += 1
        state.weights = weights ?? state.weights
        state.build = build ?? state.build
        state.isUp = isUp
      }
    }

    func serve() throws -> ScriptedHTTPServer { try ScriptedHTTPServer { self.answer($0) } }

    /// Whether the process that a connection leads to is there.
    private func isThere(_ exchange: ScriptedHTTPServer.Exchange) -> Bool {
      state.withLock { $0.isUp && $0.processes[exchange.connection] == $0.process }
    }

    private func answer(_ exchange: ScriptedHTTPServer.Exchange) {
      let (weights, build, delay, probeDelay) = state.withLock { state in
        if state.processes[exchange.connection] == nil {
          state.processes[exchange.connection] = state.process
        }
        return (state.weights, state.build, state.delay, state.probeDelay)
      }
      guard isThere(exchange) else { return exchange.close() }
      let request = exchange.request
      if request.hasPrefix("GET /health") { return exchange.reply("{}") }
      if request.hasPrefix("GET /v1/models") {
        return exchange.reply("{\"data\":[{\"id\":\"m\"}]}")
      }
      if request.hasPrefix("GET") { return exchange.reply("{}", status: "404 Not Found") }
      let isProbe = request.contains("\"logprobs\":true")
      if isProbe {
        Thread.sleep(forTimeInterval: probeDelay)
      } else {
        let (number, before) = state.withLock { state in
          state.replies += 1
          return (state.replies, state.before)
        }
        before?(number)
        if delay > 0 { Thread.sleep(forTimeInterval: delay) }
      }
      // A process that was replaced meanwhile says nothing any more.
      guard isThere(exchange) else { return exchange.close() }
      exchange.reply(
        "{\"model\":\"m\",\"system_fingerprint\":\"\(build)\",\"choices\":[{\"index\":0,"
          + "\"message\":{\"content\":\"\(weights)\"},\"finish_reason\":\"stop\"}]}")
    }
  }

  static let retries = RetryPolicy(maxRetries: 3, firstSeconds: 0.02, longestSeconds: 0.1)

  /// Replicas behind a gate, and what was told of them.
  struct Study {
    let keeper: ReplicaKeeper
    let gate: VariantGate
    let told: Told

    final class Told: Sendable {
      let events = Mutex<[(kind: ReplicaEvent.Kind, port: Int?, detail: String)]>([])

      func kinds(_ server: ScriptedHTTPServer) -> [ReplicaEvent.Kind] {
        events.withLock { $0 }.filter { $0.port == Int(server.port) }.map(\.kind)
      }
    }

    init(
      _ servers: [ScriptedHTTPServer], mayGrow: Bool = false, lonely: Duration = .seconds(20)
    ) async throws {
      let client = OpenAIClient(
        pool: EndpointPool([], limit: 8, retries: ReplicaKeeperTests.retries, wantsProof: true),
        model: "m",
        transport: Transport(limits: Transport.Limits(connections: 8, connectSeconds: 2)),
        retries: ReplicaKeeperTests.retries)
      let told = Told()
      self.told = told
      keeper = ReplicaKeeper(
        client: client, check: IdentityCheck(client: client),
        policy: ReplicaPolicy(mayGrow: mayGrow, patience: .seconds(1), lonely: lonely),
        admit: { probe in
          guard try await probe.models() == ["m"] else {
            throw ChatFailure.fatal("replica-differs", "another model")
          }
        },
        tell: { event in
          told.events.withLock {
            $0.append(
              (
                event.kind, event.endpoint.name.split(separator: ":").last.flatMap { Int($0) },
                event.detail
              ))
          }
        })
      gate = VariantGate(client: keeper.vouchedClient, servers: keeper)
      for (index, endpoint) in try servers.map(ReplicaKeeperTests.endpoint).enumerated() {
        let probe = ServerProbe(endpoint: endpoint, transport: client.transport)
        let found = try await probe.located()
        if index == 0 {
          await keeper.join(found, as: endpoint)
        } else {
          await keeper.look(at: found, as: endpoint)
        }
      }
    }

    /// What so many requests are told, at a time as many as a run would have.
    func ask(_ count: Int) async -> [String: Int] {
      await withTaskGroup(of: String.self) { group in
        func add() {
          group.addTask {
            do throws(ChatFailure) {
              return try await gate.complete(ClientTests.request).text
            } catch {
              return error.code.rawValue
            }
          }
        }
        for _ in 0..<min(8, count) { add() }
        var (answers, begun): ([String: Int], Int) = ([:], min(8, count))
        while let answer = await group.next() {
          answers[answer, default: 0] += 1
          if begun < count {
            begun += 1
            add()
          }
        }
        return answers
      }
    }

    func close() async {
      await gate.close()
      await keeper.close()
    }
  }

  static func endpoint(_ server: ScriptedHTTPServer) throws -> Endpoint {
    try Endpoint(server.url, environment: [:])
  }

  @Test func equalReplicasShareTheWork() async throws {
    let processes = [Process(), Process()]
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    #expect(await study.ask(60) == ["A": 60])
    for process in processes { #expect(process.state.withLock { $0.replies } > 5) }
    await study.close()
  }

  @Test func oneWithOtherWeightsIsNeverAsked() async throws {
    let processes = [Process(), Process()]
    processes[1].restart(weights: "B")
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    #expect(await study.ask(40) == ["A": 40])
    #expect(processes[1].state.withLock { $0.replies } == 0)
    #expect(study.told.kinds(servers[1]) == [.joined, .aside])
    await study.close()
  }

  /// The first of the list says what the model is, however slow it is to answer.
  @Test func aSlowFirstOneIsTheOneThatCounts() async throws {
    let processes = [Process(), Process()]
    processes[0].state.withLock { $0.probeDelay = 0.3 }
    processes[1].restart(weights: "B")
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    #expect(await study.ask(20) == ["A": 20])
    #expect(study.told.kinds(servers[1]) == [.joined, .aside])
    await study.close()
  }

  /// Weights are equal and the build is not: its last bits may differ.
  @Test func oneOfAnotherBuildIsNeverAsked() async throws {
    let processes = [Process(), Process()]
    processes[1].restart(build: "b2")
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    #expect(await study.ask(40) == ["A": 40])
    #expect(processes[1].state.withLock { $0.replies } == 0)
    let detail = study.told.events.withLock { $0 }.last { $0.kind == .aside }?.detail ?? ""
    #expect(detail.contains("b1") && detail.contains("b2"), "\(detail)")
    await study.close()
  }

  /// The process is replaced by one with other weights while requests are on their way, as quickly as
  /// nobody could see; not one of its replies counts.
  @Test(arguments: [5, 12, 30]) func oneThatIsRestartedWithOtherWeightsIsPutAside(
    after count: Int
  ) async throws {
    let processes = [Process(), Process()]
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    let changing = processes[1]
    changing.state.withLock {
      $0.before = { number in if number == count { changing.restart(weights: "B") } }
    }
    #expect(await study.ask(120) == ["A": 120])
    #expect(study.told.kinds(servers[1]).last == .aside)
    #expect(study.told.kinds(servers[0]) == [.joined])
    await study.close()
  }

  /// It is replaced between two requests, when no connection is in use: nothing breaks, and the first
  /// reply over a new connection is not believed.
  @Test func aRestartThatBreaksNothingIsNoticed() async throws {
    let process = Process()
    let server = try process.serve()
    defer { server.stop() }
    let study = try await Study([server])
    #expect(await study.ask(8) == ["A": 8])
    process.restart(weights: "B")
    // None is left that could answer.
    let answers = await study.ask(3)
    #expect(answers == ["identity-changed": 3], "\(answers)")
    #expect(study.told.kinds(server).last == .aside)
    await study.close()
  }

  @Test func oneThatIsRestartedWithTheSameWeightsIsAskedAgain() async throws {
    let process = Process()
    let server = try process.serve()
    defer { server.stop() }
    let study = try await Study([server])
    for _ in 0..<3 {
      #expect(await study.ask(12) == ["A": 12])
      process.restart()
    }
    #expect(await study.ask(12) == ["A": 12])
    #expect(!study.told.kinds(server).contains(.aside))
    await study.close()
  }

  /// A build that changes in the same process, over the same connections, shows in the replies.
  @Test func anotherFingerprintIsNotBelieved() async throws {
    let processes = [Process(), Process()]
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    #expect(await study.ask(30) == ["A": 30])
    processes[1].state.withLock { ($0.build, $0.weights) = ("b2", "B") }
    // It is lost with the first such reply, and looked at again.
    for _ in 0..<100 where study.told.kinds(servers[1]).last != .aside {
      #expect(await study.ask(20) == ["A": 20])
    }
    #expect(study.told.kinds(servers[1]).last == .aside)
    await study.close()
  }

  @Test func oneThatGoesAndComesBackLosesNothing() async throws {
    let processes = [Process(), Process()]
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let study = try await Study(servers)
    let going = processes[1]
    going.state.withLock {
      $0.before = { number in
        guard number == 10 else { return }
        going.restart(isUp: false)
        Thread.detachNewThread {
          Thread.sleep(forTimeInterval: 0.3)
          going.restart()
        }
      }
    }
    for process in processes { process.state.withLock { $0.delay = 0.05 } }
    #expect(await study.ask(300) == ["A": 300])
    #expect(study.told.kinds(servers[1]).prefix(2) == [.joined, .lost])
    #expect(study.told.kinds(servers[1]).contains(.returned))
    await study.close()
  }

  @Test func aListThatChangesIsFollowed() async throws {
    let processes = [Process(), Process(), Process()]
    processes[2].restart(weights: "B")
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let endpoints = try servers.map(Self.endpoint)
    let study = try await Study([servers[0]], mayGrow: true)
    #expect(await study.ask(20) == ["A": 20])
    await study.keeper.update(Array(endpoints))
    for process in processes { process.state.withLock { $0.delay = 0.02 } }
    #expect(await study.ask(200) == ["A": 200])
    #expect(processes[1].state.withLock { $0.replies } > 0)
    #expect(processes[2].state.withLock { $0.replies } == 0)
    // The first may leave, whoever said what the model is.
    await study.keeper.update([endpoints[1]])
    let before = processes[0].state.withLock { $0.replies }
    #expect(await study.ask(40) == ["A": 40])
    #expect(processes[0].state.withLock { $0.replies } == before)
    #expect(study.told.kinds(servers[0]) == [.joined, .left])
    #expect(study.told.kinds(servers[2]) == [.joined, .aside, .left])
    // One that was put aside and is named again gets another chance.
    processes[2].restart(weights: "A")
    await study.keeper.update([endpoints[1], endpoints[2]])
    #expect(await study.ask(200) == ["A": 200])
    #expect(processes[2].state.withLock { $0.replies } > 0)
    await study.close()
  }

  @Test func anEmptyListIsWaitedFor() async throws {
    let processes = [Process(), Process()]
    let servers = try processes.map { try $0.serve() }
    defer { for server in servers { server.stop() } }
    let endpoints = try servers.map(Self.endpoint)
    let study = try await Study([servers[0]], mayGrow: true)
    #expect(await study.ask(4) == ["A": 4])
    await study.keeper.update([])
    async let answers = study.ask(10)
    let pool = study.keeper.vouchedClient.pool
    await EndpointPoolDriverTests.until { pool.waiting == 8 }
    await study.keeper.update([endpoints[1]])
    #expect(await answers == ["A": 10])
    await study.close()
  }

  @Test func anEmptyListIsNotWaitedForWithoutEnd() async throws {
    let server = try Process().serve()
    defer { server.stop() }
    let study = try await Study([server], mayGrow: true, lonely: .milliseconds(100))
    #expect(await study.ask(4) == ["A": 4])
    await study.keeper.update([])
    #expect(await study.ask(3) == ["no-replica": 3])
    await study.close()
  }
}
