import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference

/// What the client tells whoever counts tokens.
@Suite(.serialized) struct TokenMeterTests {
  final class Recorder: TokenMeter {
    let begun = Mutex<[TokenUse]>([])
    let reports = Mutex<[TokenReport]>([])
    let refuses: Bool

    init(refuses: Bool = false) { self.refuses = refuses }

    func begin(_ most: TokenUse) async throws(ChatFailure) -> TokenReservation {
      if refuses { throw .fatal(.costLimit, "too dear") }
      begun.withLock { $0.append(most) }
      return TokenReservation(most: most, cost: 1)
    }

    func end(_ reservation: TokenReservation, _ report: TokenReport) {
      reports.withLock { $0.append(report) }
    }
  }

  static func client(_ url: String, _ meter: Recorder, retries: Int = 1) throws -> OpenAIClient {
    OpenAIClient(
      endpoint: try Endpoint(url, environment: [:]), model: "m",
      transport: Transport(limits: Transport.Limits()),
      retries: RetryPolicy(maxRetries: retries), meter: meter, time: HurriedTime())
  }

  static func completion(_ usage: String, content: String = "\"Yes.\"") -> String {
    "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\(content)},"
      + "\"finish_reason\":\"length\"}]\(usage)}"
  }

  static let usages: [(String, TokenReport)] = [
    (
      ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5}",
      .answered(prompt: 7, completion: 5)
    ),
    // Thoughts that are in the sum alone.
    (
      ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":5,\"total_tokens\":40}",
      .answered(prompt: 7, completion: 33)
    ),
    (",\"usage\":{\"total_tokens\":40}", .answered(prompt: nil, completion: nil)),
    (",\"usage\":{\"prompt_tokens\":-1}", .answered(prompt: nil, completion: nil)),
    (",\"usage\":null", .answered(prompt: nil, completion: nil)),
    ("", .answered(prompt: nil, completion: nil)),
  ]

  @Test(arguments: usages) func usageIsHandedOn(usage: String, report: TokenReport) async throws {
    let server = try ScriptedHTTPServer { $0.reply(Self.completion(usage)) }
    defer { server.stop() }
    let meter = Recorder()
    _ = try await Self.client(server.url, meter).complete(ClientTests.request)
    #expect(meter.reports.withLock { $0 } == [report])
    let most = try #require(meter.begun.withLock { $0.first })
    #expect(most.completion == 8 && most.prompt >= "Hello?".utf8.count)
  }

  /// What no reply can have is not believed, and so is kept nowhere.
  @Test(arguments: ["-5", "9223372036854775807", "1000000001", "\"7\""])
  func impossibleCountsAreNone(count: String) async throws {
    let server = try ScriptedHTTPServer {
      $0.reply(
        Self.completion(",\"usage\":{\"prompt_tokens\":\(count),\"completion_tokens\":\(count)}"))
    }
    defer { server.stop() }
    let reply = try await Self.client(server.url, Recorder()).complete(ClientTests.request)
    #expect(reply.promptTokens == nil && reply.completionTokens == nil)
  }

  /// Attempts that came to nothing are counted too: refused ones as nothing, replies that are none by their usage,
  /// broken ones as unknown.
  @Test func eachAttemptIsCounted() async throws {
    let usage = ",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":8}"
    let server = try ScriptedHTTPServer { exchange in
      switch exchange.number {
      case 0: exchange.reply("{\"x\":1\(usage)}")
      case 1: exchange.reply("{}", status: "500 Boom")
      case 2: exchange.reply("{\"error\":\"x\"\(usage)}", status: "503 Busy")
      case 3:
        // Broken off once it has begun: libcurl itself sends again what a connection broke off before that.
        exchange.send("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{")
        exchange.close()
      default: exchange.reply(Self.completion(usage))
      }
    }
    defer { server.stop() }
    let meter = Recorder()
    _ = try await Self.client(server.url, meter, retries: 6).complete(ClientTests.request)
    #expect(
      meter.reports.withLock { $0 } == [
        .answered(prompt: 7, completion: 8), .nothing, .answered(prompt: 7, completion: 8),
        .unknown, .answered(prompt: 7, completion: 8),
      ])
    #expect(meter.begun.withLock { $0.count } == 5)
  }

  /// A reply without an answer is no sample, and has its price.
  @Test func discardedRepliesAreCounted() async throws {
    let server = try ScriptedHTTPServer {
      $0.reply(
        Self.completion(",\"usage\":{\"prompt_tokens\":7,\"completion_tokens\":8}", content: "\"\"")
      )
    }
    defer { server.stop() }
    let meter = Recorder()
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.client(server.url, meter).complete(ClientTests.request)
    }
    #expect(failure?.code == .unanswered)
    #expect(meter.reports.withLock { $0 } == [.answered(prompt: 7, completion: 8)])
  }

  @Test func whoCannotBeReachedTakesNothing() async throws {
    let server = try ScriptedHTTPServer { $0.say("x") }
    let url = server.url
    server.stop()
    try await Task.sleep(for: .milliseconds(50))
    let meter = Recorder()
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.client(url, meter).complete(ClientTests.request)
    }
    #expect(failure?.code == "connection")
    #expect(meter.reports.withLock { $0 } == [.nothing, .nothing])
  }

  /// What is refused is never sent.
  @Test func whatIsTooDearIsNotSent() async throws {
    let server = try ScriptedHTTPServer { $0.say("x") }
    defer { server.stop() }
    let client = try Self.client(server.url, Recorder(refuses: true))
    for _ in 0..<2 {
      let failure = await #expect(throws: ChatFailure.self) {
        try await client.complete(ClientTests.request)
      }
      #expect(failure?.code == .costLimit)
    }
    await #expect(throws: ChatFailure.self) { try await client.tryOut(Decoding(maxTokens: 4)) }
    #expect(server.requestCount == 0)
  }
}
