import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// Several servers, some of them having a bad day.
@Suite(.serialized) struct EndpointPoolTests {
  static let retries = RetryPolicy(maxRetries: 6, firstSeconds: 0.02, longestSeconds: 0.2)

  static func client(
    _ servers: [String], connections: Int = 8, retries: RetryPolicy = retries,
    time: any TimeSource = SystemTime()
  ) throws -> OpenAIClient {
    OpenAIClient(
      pool: EndpointPool(
        try servers.map { try Endpoint($0, environment: [:]) }, limit: connections,
        retries: retries, time: time),
      model: "m", transport: Transport(limits: Transport.Limits(connections: connections)),
      retries: retries)
  }

  /// Asks `count` questions at once and returns what came of each.
  static func ask(
    _ client: OpenAIClient, _ count: Int
  ) async -> [Result<ChatReply, ChatFailure>] {
    await withTaskGroup(of: Result<ChatReply, ChatFailure>.self) { group in
      for _ in 0..<count {
        group.addTask {
          do throws(ChatFailure) {
            return .success(try await client.complete(ClientTests.request))
          } catch {
            return .failure(error)
          }
        }
      }
      return await group.reduce(into: []) { $0.append($1) }
    }
  }

  static func answered(_ results: [Result<ChatReply, ChatFailure>]) -> Int {
    results.count { (try? $0.get()) != nil }
  }

  @Test func requestsAreSpreadOverReplicas() async throws {
    let servers = try (0..<3).map { number in
      try ScriptedHTTPServer { exchange in
        // Far apart, since on a crowded machine each takes a while longer.
        Thread.sleep(forTimeInterval: number == 0 ? 0.25 : 0.01)
        exchange.say("x")
      }
    }
    defer { for server in servers { server.stop() } }
    let client = try Self.client(servers.map(\.url), connections: 6)
    #expect(Self.answered(await Self.ask(client, 120)) == 120)
    let counts = servers.map(\.requestCount)
    #expect(counts.reduce(0, +) == 120)
    // The slow one gets fewer, and no one nothing.
    #expect(counts[0] < counts[1] && counts[0] < counts[2] && counts[0] >= 5, "\(counts)")
  }

  @Test func aDeadReplicaIsPassedOver() async throws {
    let server = try ScriptedHTTPServer { $0.say("x") }
    defer { server.stop() }
    let client = try Self.client(["http://127.0.0.1:1", server.url])
    #expect(Self.answered(await Self.ask(client, 200)) == 200)
    #expect(server.requestCount == 200)
  }

  /// 429 to all but one request at a time: the client finds that out, and nothing is lost.
  @Test(arguments: [nil, "0"]) func aStormOf429IsSatOut(retryAfter: String?) async throws {
    let open = Mutex(0)
    let refused = Mutex(0)
    let server = try ScriptedHTTPServer { exchange in
      let isBusy = open.withLock { count in
        count += 1
        return count > 2
      }
      defer { open.withLock { $0 -= 1 } }
      if isBusy {
        refused.withLock { $0 += 1 }
        exchange.reply(
          "{}", status: "429 Too Many Requests",
          headers: retryAfter.map { ["Retry-After: \($0)"] } ?? [])
      } else {
        Thread.sleep(forTimeInterval: 0.005)
        exchange.say("x")
      }
    }
    defer { server.stop() }
    let client = try Self.client([server.url], connections: 16)
    let results = await Self.ask(client, 150)
    #expect(Self.answered(results) == 150, "\(results.first { (try? $0.get()) == nil }!)")
    // Without backing off nearly every request beyond two would have been refused again and again.
    #expect(refused.withLock { $0 } < 150)
    #expect(client.pool.limits[0] < 16)
  }

  /// A server that never has room fails everybody after as many pauses as a request has retries, not
  /// after as many for each of them.
  @Test func anEndlessStormIsGivenUp() async throws {
    let server = try ScriptedHTTPServer { $0.reply("{}", status: "429 Too Many Requests") }
    defer { server.stop() }
    let pauses = Mutex(0)
    let retries = RetryPolicy(
      maxRetries: 2, firstSeconds: 0.02, longestSeconds: 0.1, overloadSeconds: 0)
    let client = OpenAIClient(
      pool: EndpointPool(
        [try Endpoint(server.url, environment: [:])], limit: 8, retries: retries,
        onPause: { _, _ in pauses.withLock { $0 += 1 } }),
      model: "m", transport: Transport(limits: Transport.Limits(connections: 8)), retries: retries)
    let results = await Self.ask(client, 100)
    #expect(
      results.allSatisfy {
        if case .failure(let failure) = $0 { return failure.code == "http-429" }
        return false
      })
    #expect(server.requestCount < 30, "\(server.requestCount)")
    // Only pauses of a second or more are worth a word.
    #expect(pauses.withLock { $0 } == 0)
  }

  @Test func concurrencyRecoversAfterAStorm() async throws {
    let server = try ScriptedHTTPServer { exchange in
      if exchange.number < 8 {
        exchange.reply("{}", status: "429 Too Many Requests")
      } else {
        exchange.say("x")
      }
    }
    defer { server.stop() }
    let client = try Self.client([server.url], connections: 8)
    #expect(Self.answered(await Self.ask(client, 100)) == 100)
    #expect(client.pool.limits[0] == 8)
  }

  @Test func anOutageIsSatOut() async throws {
    let time = HurriedTime()
    let server = try ScriptedHTTPServer { exchange in
      if time.now < .seconds(10) {
        exchange.reply("{}", status: "500 Internal Server Error")
      } else {
        exchange.say("x")
      }
    }
    defer { server.stop() }
    let client = try Self.client([server.url], retries: RetryPolicy(), time: time)
    #expect(Self.answered(await Self.ask(client, 16)) == 16)
  }

  @Test func aServerThatStartsAgainIsWaitedFor() async throws {
    let server = try ScriptedHTTPServer { $0.say("x") }
    defer { server.stop() }
    let client = try Self.client([server.url])
    client.pool.suspend(0)
    async let results = Self.ask(client, 8)
    await EndpointPoolDriverTests.until { client.pool.waiting == 8 }
    #expect(server.requestCount == 0)
    client.pool.resume(0)
    #expect(Self.answered(await results) == 8)
  }

  @Test func aPoolThatGivesUpFailsEveryRequest() async throws {
    let client = try Self.client(["http://127.0.0.1:1"])
    client.pool.suspend(0)
    async let results = Self.ask(client, 8)
    await EndpointPoolDriverTests.until { client.pool.waiting == 8 }
    let reason = ChatFailure.fatal("server-gone", "it crashed")
    client.pool.close(reason)
    for result in await results { #expect(throws: reason) { try result.get() } }
  }

  @Test func waitingRequestsAreCancelled() async throws {
    let client = try Self.client(["http://127.0.0.1:1"])
    client.pool.suspend(0)
    let task = Task { try await client.complete(ClientTests.request) }
    await EndpointPoolDriverTests.until { client.pool.waiting == 1 }
    task.cancel()
    await #expect(throws: ChatFailure.cancelled) { try await task.value }
  }

  @Test func choicesInAnotherOrderAreReadByTheirIndex() async throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.reply(
        "{\"choices\":[{\"index\":1,\"message\":{\"content\":\"second\"}},"
          + "{\"index\":0,\"message\":{\"content\":\"first\"}}]}")
    }
    defer { server.stop() }
    #expect(try await ClientTests.client(server).complete(ClientTests.request).text == "first")
  }

  @Test func reasoningIsKeptApart() async throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.reply(
        "{\"choices\":[{\"message\":{\"content\":\"No.\",\"reasoning_content\":\"Sure? No.\"},"
          + "\"finish_reason\":\"stop\"}]}")
    }
    defer { server.stop() }
    let reply = try await ClientTests.client(server).complete(ClientTests.request)
    #expect(reply.text == "No.")
    #expect(reply.reasoning == "Sure? No.")
  }

  /// Servers without a parser for thoughts leave them in the content.
  @Test(arguments: [
    ("<think>Sure? No.</think>\\n\\nNo.", "Sure? No."),
    ("<think>\\n</think>\\nNo.", nil),
  ])
  func thoughtsInTheContentAreKeptApart(content: String, thoughts: String?) async throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.reply(
        "{\"choices\":[{\"message\":{\"content\":\"\(content)\"},\"finish_reason\":\"stop\"}]}")
    }
    defer { server.stop() }
    let reply = try await ClientTests.client(server).complete(ClientTests.request)
    #expect(reply.text == "No.")
    #expect(reply.reasoning == thoughts)
  }
}
