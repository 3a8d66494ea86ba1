import Checkpoints
import Decoder
import Foundation
import TestSupport
import Testing
import TinyModel

@testable import LocalServer

/// What is asked of a real (random, tiny) model and what it must then say, without sockets.
@Suite struct CompletionTests {
  struct Asked {
    let folder: TemporaryFolder
    let routes: Routes
    private let engine: InferenceEngine

    init() throws {
      folder = try TemporaryFolder()
      let model = folder.url.appending(path: "tiny")
      try TinyModel.write(to: model, seed: 1)
      let served = try ServedModel(
        folder: Checkpoint(folder: model), name: "tiny", updates: [],
        options: InferenceEngine.Options(slots: 8, rowsPerStep: 32, threads: 2))
      engine = served.engine
      routes = Routes(
        served, rules: AccessRules(allowedHosts: [], isLoopback: true), version: "test")
    }

    func stop() { engine.shutDown() }

    func ask(_ path: String, _ body: String? = nil) async throws -> (HTTPReply, [String: Any]) {
      let reply = await routes.respond(
        to: HTTPRequest(
          method: body == nil ? "GET" : "POST", path: path, body: Data((body ?? "").utf8)))
      guard case .whole(let data) = reply.body else { return (reply, [:]) }
      return (reply, try JSONSerialization.jsonObject(with: data) as? [String: Any] ?? [:])
    }

    /// The choices' texts.
    func texts(_ fields: String, chat: Bool = true) async throws -> [String] {
      let own =
        chat ? "\"messages\":[{\"role\":\"user\",\"content\":\"tell\"}]," : ""
      let (reply, object) = try await ask(
        chat ? "/v1/chat/completions" : "/v1/completions", "{\(own)\"max_tokens\":12,\(fields)}")
      #expect(reply.status == 200, "\(object)")
      let choices = try #require(object["choices"] as? [[String: Any]])
      #expect(choices.map { $0["index"] as? Int } == Array(0..<choices.count))
      return choices.map {
        ($0["message"] as? [String: Any])?["content"] as? String ?? $0["text"] as? String ?? ""
      }
    }
  }

  /// A reply's log-probabilities and text.
  private func scores(_ object: [String: Any]) throws -> (text: String, values: [Double?]) {
    let choice = try #require((object["choices"] as? [[String: Any]])?.first)
    let logprobs = try #require(choice["logprobs"] as? [String: Any])
    let values = try #require(logprobs["token_logprobs"] as? [Any])
    return (choice["text"] as? String ?? "", values.map { $0 as? Double })
  }

  @Test func severalRepliesAreThoseOfTheFollowingSeeds() async throws {
    let asked = try Asked()
    let many = try await asked.texts("\"n\":3,\"seed\":7")
    var alone: [String] = []
    for seed in 7...9 { alone += try await asked.texts("\"seed\":\(seed)") }
    #expect(many == alone)
    #expect(Set(many).count > 1)
    asked.stop()
  }

  @Test func severalPromptsAreAnsweredAsEachAlone() async throws {
    let asked = try Asked()
    let many = try await asked.texts(
      "\"prompt\":[[104,105],[97,98,99]],\"n\":2,\"seed\":1", chat: false)
    let first = try await asked.texts("\"prompt\":[104,105],\"n\":2,\"seed\":1", chat: false)
    let second = try await asked.texts("\"prompt\":\"abc\",\"n\":2,\"seed\":1", chat: false)
    #expect(many == first + second)
    asked.stop()
  }

  @Test func aSeedIsDrawnAndToldWhereNoneIsGiven() async throws {
    let asked = try Asked()
    let body = "{\"messages\":[{\"role\":\"user\",\"content\":\"a\"}],\"max_tokens\":16}"
    let (_, first) = try await asked.ask("/v1/chat/completions", body)
    let (_, second) = try await asked.ask("/v1/chat/completions", body)
    let seed = try #require(first["seed"] as? Int)
    #expect(seed != second["seed"] as? Int)
    #expect(first["id"] as? String != second["id"] as? String)
    let (_, again) = try await asked.ask(
      "/v1/chat/completions", String(body.dropLast()) + ",\"seed\":\(seed)}")
    #expect(again["seed"] == nil)
    func text(_ object: [String: Any]) -> String {
      (((object["choices"] as? [[String: Any]])?.first)?["message"] as? [String: Any])?["content"]
        as? String ?? ""
    }
    #expect(text(again) == text(first))
    // Nothing is random in a greedy reply.
    let (_, greedy) = try await asked.ask(
      "/v1/chat/completions", String(body.dropLast()) + ",\"temperature\":0}")
    #expect(greedy["seed"] == nil)
    asked.stop()
  }

  /// Reading a reply back gives the probabilities that it was written with.
  @Test func echoedTokensAreScoredAsTheyWereGenerated() async throws {
    let asked = try Asked()
    let (_, written) = try await asked.ask(
      "/v1/completions",
      "{\"prompt\":[104,105],\"max_tokens\":12,\"temperature\":0,\"logprobs\":1,"
        // Letters, which read back as the tokens that they were.
        + "\"logit_bias\":{\((97...122).map { "\"\($0)\":100" }.joined(separator: ","))}}")
    let generated = try scores(written)
    let tokens = try #require(
      try await asked.ask(
        "/tokenize",
        "{\"content\":\(String(decoding: try JSONEncoder().encode(generated.text), as: UTF8.self))}"
      ).1["tokens"] as? [Int])
    try #require(tokens.count == generated.values.count)
    let all = [104, 105] + tokens
    // Something else that begins alike has been computed: its entries must not be taken over.
    for limit in [0, 1] {
      let (_, echoed) = try await asked.ask(
        "/v1/completions",
        "{\"prompt\":\(all),\"max_tokens\":\(limit),\"temperature\":0,\"logprobs\":1,\"echo\":true}"
      )
      let read = try scores(echoed)
      #expect(read.text.hasPrefix("hi" + generated.text))
      #expect(read.values.count == all.count + limit)
      #expect(read.values[0] == nil)
      #expect(Array(read.values[2..<all.count]) == generated.values)
      let usage = try #require(echoed["usage"] as? [String: Any])
      #expect(usage["completion_tokens"] as? Int == limit)
    }
    #expect(
      try await asked.texts(
        "\"prompt\":\"abc\",\"echo\":true,\"temperature\":0", chat: false)[0].hasPrefix("abc"))
    asked.stop()
  }

  @Test func settingsChooseTokens() async throws {
    let asked = try Asked()
    let greedy = try await asked.texts("\"temperature\":0")
    #expect(try await asked.texts("\"temperature\":5,\"top_k\":1,\"seed\":3") == greedy)
    #expect(try await asked.texts("\"temperature\":1,\"min_p\":1,\"seed\":3") == greedy)
    #expect(try await asked.texts("\"temperature\":1e-45,\"seed\":3") == greedy)
    #expect(
      try await asked.texts("\"temperature\":0,\"logit_bias\":{\"120\":100}")
        == [String(repeating: "x", count: 12)])
    // What was said once is not said again.
    let biased = "\"temperature\":0,\"logit_bias\":{\"120\":100,\"121\":60},"
    #expect(try await asked.texts(biased + "\"repetition_penalty\":100")[0].hasPrefix("xy"))
    #expect(try await asked.texts(biased + "\"frequency_penalty\":0")[0].hasPrefix("xx"))
    asked.stop()
  }

  @Test func anOpenTurnIsContinued() async throws {
    let asked = try Asked()
    let messages =
      "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"},"
      + "{\"role\":\"assistant\",\"content\":\"Sure\"}]"
    let (_, rendered) = try await asked.ask(
      "/apply-template", "{\(messages),\"continue_final_message\":true}")
    let prompt = "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nSure"
    #expect(rendered["prompt"] as? String == prompt)
    let (_, closed) = try await asked.ask(
      "/apply-template", "{\(messages),\"add_generation_prompt\":false}")
    #expect(closed["prompt"] as? String == prompt + "<|im_end|>\n")
    let (_, reply) = try await asked.ask(
      "/v1/chat/completions",
      "{\(messages),\"continue_final_message\":true,\"add_generation_prompt\":false,"
        + "\"temperature\":0,\"max_tokens\":8}")
    let escaped = String(decoding: try JSONEncoder().encode(prompt), as: UTF8.self)
    let plain = try await asked.texts(
      "\"prompt\":\(escaped),\"temperature\":0,\"max_completion_tokens\":8", chat: false)
    let choice = try #require((reply["choices"] as? [[String: Any]])?.first)
    #expect((choice["message"] as? [String: Any])?["content"] as? String == plain[0])
    asked.stop()
  }

  @Test func streamsOfSeveralRepliesAreTheRepliesInTheirOrder() async throws {
    let asked = try Asked()
    let whole = try await asked.texts("\"n\":2,\"seed\":4")
    let (reply, _) = try await asked.ask(
      "/v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"tell\"}],\"max_tokens\":12,\"n\":2,\"seed\":4,"
        + "\"stream\":true}")
    guard case .events(let produce) = reply.body else {
      Issue.record("expected a stream, found \(reply)")
      return
    }
    let (stream, continuation) = AsyncStream<Data>.makeStream()
    await produce { continuation.yield($0) }
    continuation.finish()
    var texts = ["", ""]
    var last = 0
    for await event in stream {
      let text = String(decoding: event.dropFirst("data: ".count), as: UTF8.self)
      guard let object = try? JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any]
      else {
        #expect(text == "[DONE]\n\n")
        continue
      }
      let choice = try #require((object["choices"] as? [[String: Any]])?.first)
      let index = try #require(choice["index"] as? Int)
      #expect(index >= last)
      last = index
      texts[index] += (choice["delta"] as? [String: Any])?["content"] as? String ?? ""
    }
    #expect(texts == whole)
    asked.stop()
  }

  @Test func methodsAndModelsAreAnswered() async throws {
    let asked = try Asked()
    #expect(try await asked.ask("/v1/models/tiny").1["id"] as? String == "tiny")
    let (missing, error) = try await asked.ask("/v1/models/gpt")
    #expect(missing.status == 404)
    #expect((error["error"] as? [String: Any])?["param"] as? String == "model")
    for (method, path, status, allow) in [
      ("OPTIONS", "/v1/chat/completions", 204, "POST, OPTIONS"),
      ("OPTIONS", "*", 204, "GET, HEAD, POST, OPTIONS"),
      ("HEAD", "/health", 200, nil), ("PUT", "/health", 405, "GET, HEAD, OPTIONS"),
      ("GET", "/v1/completions", 405, "POST, OPTIONS"), ("OPTIONS", "/nothing", 404, nil),
    ] as [(String, String, Int, String?)] {
      let reply = await asked.routes.respond(to: HTTPRequest(method: method, path: path))
      #expect(reply.status == status)
      #expect(reply.headers.first { $0.name == "Allow" }?.value == allow)
    }
    let foreign = await asked.routes.respond(
      to: HTTPRequest(
        method: "POST", path: "/lora-adapters",
        headers: [(name: "Origin", value: "http://evil.example")], body: Data("[]".utf8)))
    #expect(foreign.status == 403)
    asked.stop()
  }
}
