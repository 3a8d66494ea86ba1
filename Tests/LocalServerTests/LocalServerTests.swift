import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import HTTP
import Inference
import LinearAlgebra
import ModelAccess
import Support
import TestSupport
import Testing
import TinyModel

@testable import LocalServer

/// The server over a real (random, tiny) model, asked over real sockets.
@Suite(.serialized) struct LocalServerTests {
  /// A running server with two adapters, and what to ask it with.
  struct Running {
    let folder: TemporaryFolder
    let server: LocalServer
    let url: URL
    let transport = Transport(limits: Transport.Limits(connections: 32))

    /// - Parameter template: in place of the model's own.
    init(slots: Int = 8, template: String? = nil) async throws {
      folder = try TemporaryFolder()
      let model = folder.url.appending(path: "tiny")
      try TinyModel.write(to: model, seed: 1)
      var generator = SplitMix64(seed: 5)
      func random(_ rows: Int, _ columns: Int) -> Matrix<Float> {
        Matrix<Float>(
          rows: rows, columns: columns,
          elements: (0..<rows * columns).map { _ in Float(generator.nextGaussian() * 0.3) })
      }
      let updates = (0..<2).map { index in
        (
          adapter: ServedModel.Adapter(
            name: "update-\(index)", defaultScale: 0),
          update: LowRankUpdate(tensors: [
            "model.layers.1.mlp.up_proj.weight": .init(left: random(48, 3), right: random(3, 32)),
            "model.embed_tokens.weight": .init(left: random(259, 2), right: random(2, 32)),
          ])
        )
      }
      let served = try ServedModel(
        folder: Checkpoint(folder: model), name: "tiny", updates: updates,
        chatFormat: ChatFormatChoice(
          template.map { .file(path: "template.jinja", text: $0) } ?? .own()),
        options: InferenceEngine.Options(slots: slots, rowsPerStep: 32, threads: 2))
      server = LocalServer(served, version: "test")
      url = try await server.start()
    }

    func stop() async {
      transport.shutDown()
      await server.stop()
    }

    func send(_ path: String, _ body: String? = nil) async throws -> (Int, [String: Any], String) {
      let response = try await transport.send(
        TransportRequest(url: url.appending(path: path), body: body.map { Data($0.utf8) }))
      let object = try? JSONSerialization.jsonObject(with: response.body) as? [String: Any]
      return (response.status, object ?? [:], String(decoding: response.body, as: UTF8.self))
    }

    func chat(_ prompt: String, lora: String = "[]", extra: String = "") -> String {
      "{\"messages\":[{\"role\":\"user\",\"content\":\"\(prompt)\"}],\"max_tokens\":24,"
        + "\"temperature\":0,\"lora\":\(lora)\(extra)}"
    }

    func text(_ object: [String: Any]) -> String {
      let choice = (object["choices"] as? [[String: Any]])?.first
      return ((choice?["message"] as? [String: Any])?["content"] as? String)
        ?? (choice?["text"] as? String) ?? ""
    }
  }

  @Test func everyRouteAnswers() async throws {
    let running = try await Running()
    #expect(try await running.send("health").2 == "{\"status\":\"ok\"}")
    let models = try await running.send("v1/models").1["data"] as? [[String: Any]]
    #expect(models?.first?["id"] as? String == "tiny")
    #expect(try await running.send("lora-adapters").2.contains("\"name\":\"update-1\""))
    let tokens = try await running.send("tokenize", "{\"content\":\"hi<|im_end|>\"}").2
    #expect(tokens == "{\"tokens\":[104,105,257]}")
    let content = try await running.send("detokenize", "{\"tokens\":[104,105]}").2
    #expect(content == "{\"content\":\"hi\"}")
    let prompt = try await running.send("apply-template", running.chat("hi")).1["prompt"]
    #expect(
      prompt as? String == "<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n")
    let chat = try await running.send("v1/chat/completions", running.chat("hi")).1
    #expect(chat["object"] as? String == "chat.completion")
    #expect((chat["usage"] as? [String: Any])?["completion_tokens"] as? Int ?? 0 > 0)
    let plain = try await running.send(
      "v1/completions", "{\"prompt\":\"ab\",\"max_tokens\":4,\"temperature\":0,\"logprobs\":2}")
    #expect(plain.1["object"] as? String == "text_completion")
    #expect(plain.2.contains("\"token_logprobs\":["))
    await running.stop()
  }

  /// The promise: the same request gives the same bytes, whatever runs beside it.
  @Test func equalRequestsGetEqualBytesWhateverRunsBeside() async throws {
    let running = try await Running()
    let requests = (0..<24).map { index in
      running.chat(
        "question \(index % 12) " + String(repeating: "x", count: index % 12 * 5),
        lora: "[{\"id\":\(index % 2),\"scale\":\(Double(index % 3))}]",
        extra: index % 4 == 0 ? ",\"temperature\":0.8,\"seed\":\(index % 12)" : "")
    }
    var alone: [String] = []
    for request in requests {
      alone.append(try await running.send("v1/chat/completions", request).2)
    }
    for _ in 0..<3 {
      let together = try await withThrowingTaskGroup(of: (Int, String).self) { group in
        for (index, request) in requests.enumerated() {
          group.addTask { (index, try await running.send("v1/chat/completions", request).2) }
        }
        return try await group.reduce(into: [Int: String]()) { $0[$1.0] = $1.1 }
      }
      for index in requests.indices { #expect(together[index] == alone[index]) }
    }
    await running.stop()
  }

  @Test func scalesChooseTheModel() async throws {
    let running = try await Running()
    func reply(_ lora: String) async throws -> String {
      running.text(
        try await running.send("v1/chat/completions", running.chat("hello", lora: lora)).1)
    }
    let bare = try await reply("[]")
    #expect(try await reply("[{\"id\":0,\"scale\":0}]") == bare)
    let changed = try await reply("[{\"id\":0,\"scale\":3}]")
    #expect(changed != bare)
    // Requests that do not say take the default scales, which can be set.
    let silent =
      "{\"messages\":[{\"role\":\"user\",\"content\":\"hello\"}],\"max_tokens\":24,\"temperature\":0}"
    #expect(running.text(try await running.send("v1/chat/completions", silent).1) == bare)
    _ = try await running.send("lora-adapters", "[{\"id\":0,\"scale\":3}]")
    #expect(running.text(try await running.send("v1/chat/completions", silent).1) == changed)
    await running.stop()
  }

  @Test func streamedPiecesAreTheWholeReply() async throws {
    let running = try await Running()
    let whole = running.text(
      try await running.send("v1/chat/completions", running.chat("stream")).1)
    let events = try await running.send(
      "v1/chat/completions",
      running.chat("stream", extra: ",\"stream\":true,\"stream_options\":{\"include_usage\":true}")
    ).2.components(separatedBy: "\n\n").filter { !$0.isEmpty }
    #expect(events.last == "data: [DONE]")
    var text = ""
    for event in events.dropLast() {
      let data = Data(event.dropFirst("data: ".count).utf8)
      let object = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
      let choice = (object["choices"] as? [[String: Any]])?.first
      text += (choice?["delta"] as? [String: Any])?["content"] as? String ?? ""
    }
    #expect(text == whole)
    #expect(events[events.count - 2].contains("completion_tokens"))
    await running.stop()
  }

  @Test func stopStringsEndTheReply() async throws {
    let running = try await Running()
    let whole = running.text(try await running.send("v1/chat/completions", running.chat("end")).1)
    let characters = Array(whole)
    try #require(characters.count > 4)
    let stop = String(characters[3])
    let escaped = String(
      decoding: try JSONEncoder().encode([stop]), as: UTF8.self)
    let cut = try await running.send(
      "v1/chat/completions", running.chat("end", extra: ",\"stop\":\(escaped)")
    ).1
    let expected = whole.components(separatedBy: stop)[0]
    #expect(running.text(cut) == expected)
    await running.stop()
  }

  @Test(arguments: [
    ("v1/chat/completions", "{", 400, "does not parse"),
    ("v1/chat/completions", "{}", 400, "messages"),
    ("v1/chat/completions", "{\"messages\":[]}", 400, "messages"),
    (
      "v1/chat/completions", "{\"messages\":[{\"role\":\"robot\",\"content\":\"x\"}]}", 400, "robot"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"n\":200}", 400, "from 1 to 128"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],"
        + "\"chat_template_kwargs\":{\"tools\":[]}}", 400, "call none"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"continue_final_message\":true}", 400,
      "to be continued"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"logit_bias\":{\"259\":1}}", 400,
      "vocabulary of 259"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"stream\":true,\"max_tokens\":9999}",
      400, "512"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":0}", 400, "max_tokens"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"max_tokens\":9999}", 400, "512"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"temperature\":-1}", 400,
      "temperature"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"model\":\"gpt\"}", 404, "gpt"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"lora\":[{\"id\":9,\"scale\":1}]}",
      400, "id 9"
    ),
    (
      "v1/chat/completions",
      "{\"messages\":[{\"role\":\"user\",\"content\":\"x\"}],\"tools\":[{}]}",
      400, "tools"
    ),
    ("v1/completions", "{\"prompt\":[]}", 400, "no tokens"),
    ("v1/completions", "{\"prompt\":[100000]}", 400, "100000"),
    ("v1/completions", "{}", 400, "prompt"),
    ("v1/completions", "{\"prompt\":\"a\",\"max_tokens\":0}", 400, "at least 1"),
    ("v1/completions", "{\"prompt\":[\"a\",\"\"]}", 400, "no tokens"),
    ("tokenize", "{}", 400, "content"), ("detokenize", "{\"tokens\":[-1]}", 400, "-1"),
    ("lora-adapters", "{}", 400, "a list"), ("apply-template", "{}", 400, "messages"),
    ("v2/nothing", "{}", 404, "not served"),
    ("health", "{}", 405, "GET"),
  ])
  func badRequestsAreRefusedInTheClientsForm(
    path: String, body: String, status: Int, naming: String
  ) async throws {
    let running = try await Running(slots: 1)
    let (found, object, _) = try await running.send(path, body)
    #expect(found == status)
    let error = try #require(object["error"] as? [String: Any])
    #expect((error["message"] as? String)?.contains(naming) == true, "\(error)")
    #expect(Set(error.keys) == ["message", "type", "param", "code"])
    await running.stop()
  }

  @Test func theClientTalksToTheServer() async throws {
    let running = try await Running()
    let endpoint = try Endpoint(running.url.absoluteString, environment: [:])
    let probe = ServerProbe(endpoint: endpoint, transport: running.transport)
    try await probe.waitUntilReady(seconds: 5)
    let adapters = try #require(try await probe.adapters())
    let ids = Dictionary(
      uniqueKeysWithValues: adapters.map { (UpdateName(resembling: $0.name ?? ""), $0.id) })
    let client = OpenAIClient(
      endpoint: endpoint, model: "tiny", dialect: LlamaServerDialect(adapterIDs: ids),
      transport: running.transport)
    let reply = try await client.complete(
      ChatRequest(
        messages: [ChatMessage(role: .user, content: "hi")], decoding: Decoding(maxTokens: 8),
        variant: [ScaledUpdate(name: "update-1", scale: 1.5)]))
    #expect(reply.completionTokens ?? 0 > 0)
    await running.stop()
  }

  @Test func heldBackTextIsNeverLostOrDoubled() {
    for (stops, pieces, expected) in [
      ([], ["a", "b"], "ab"), (["END"], ["on", "E", "N", "ope"], "onENope"),
      (["END"], ["on", "E", "ND", "x"], "on"), (["ab", "abc"], ["xa", "b"], "x"),
      (["\n\n"], ["a\n", "b\n", "\nc"], "a\nb"), (["é"], ["caf", "é"], "caf"),
    ] as [([String], [String], String)] {
      var reply = ReplyText(stops: stops)
      var text = ""
      for piece in pieces { text += reply.append(piece) }
      #expect(text + reply.finish() == expected)
    }
  }
}
