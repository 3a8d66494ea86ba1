import Checkpoints
import Foundation
import HTTP
import LinearAlgebra
import ModelAccess
import Support
import Synchronization
import TestSupport
import TinyModel

@testable import Inference
@testable import Studies

/// A tiny checkpoint with two updates on it, as a study would have them served.
struct TinyStudy {
  let folder: TemporaryFolder
  let models: ModelsToServe

  /// The study's models: the bare one, one update, both.
  static let stacks: [[ScaledUpdate]] = [
    [], [ScaledUpdate(name: "lox-r3", scale: 1)],
    [ScaledUpdate(name: "lox-r3", scale: 1), ScaledUpdate(name: "attack", scale: 0.5)],
  ]

  /// - Parameter hasEmbedding: whether an update changes the embeddings, which few servers can.
  init(hasEmbedding: Bool = false) throws {
    folder = try TemporaryFolder()
    let model = folder.url.appending(path: "aligned")
    try TinyModel.write(to: model, seed: 1)
    var generator = SplitMix64(seed: 5)
    func random(_ rows: Int, _ columns: Int) -> Matrix<Float> {
      Matrix<Float>(
        rows: rows, columns: columns,
        elements: (0..<rows * columns).map { _ in Float(generator.nextGaussian() * 0.3) })
    }
    var tensors: [String: LowRankUpdate.Factors] = [
      "model.layers.1.mlp.up_proj.weight": .init(left: random(48, 3), right: random(3, 32))
    ]
    let attack = LowRankUpdate(tensors: [
      "model.layers.0.self_attn.q_proj.weight": .init(left: random(32, 2), right: random(2, 32))
    ])
    if hasEmbedding {
      tensors["model.embed_tokens.weight"] = .init(left: random(259, 2), right: random(2, 32))
    }
    models = ModelsToServe(
      checkpoint: try Checkpoint(folder: model), digest: "sha256:1",
      updates: try StudyUpdates([
        NamedUpdate(name: "lox-r3", update: LowRankUpdate(tensors: tensors)),
        NamedUpdate(name: "attack", update: attack),
      ]),
      variants: zip(["a0-none", "r3-a1-none", "r3-a1-attack"], Self.stacks).map {
        ModelsToServe.Variant(id: $0, stack: $1)
      },
      run: folder.url.appending(path: "run"), connections: 4, threads: 2,
      version: "test")
  }

  /// Something that each of the study's models can be asked.
  static func request(_ stack: [ScaledUpdate]) -> ChatRequest {
    ChatRequest(
      messages: [ChatMessage(role: .user, content: "Hello?")], decoding: Decoding(maxTokens: 8),
      variant: stack)
  }

  static func path(_ request: String) -> String {
    request.split(separator: " ").dropFirst().first.map(String.init) ?? ""
  }
}

/// A connection that loses no time.
let quickConnection = ServerConnection(
  retries: RetryPolicy(maxRetries: 1, firstSeconds: 0.01),
  limits: Transport.Limits(connectSeconds: 2))

/// Servers that tell what they are and answer by what a request asks for, as their kinds do.
final class ScriptedModels: Sendable {
  enum Kind: Sendable {
    /// Adapters by id, listed at `/lora-adapters`.
    case llamaServer(adapters: [String])
    case vLLM
    case plain(models: [String])
  }

  private let kind: Kind
  private let loaded = Mutex<[String]>([])
  private let reply: Reply

  typealias Reply = @Sendable (_ request: String) -> (text: String, logprob: Double)

  /// Names of adapters that were loaded at run time and are loaded yet.
  var adapters: [String] { loaded.withLock { $0 } }

  /// - Parameter reply: what is said to a conversation, by the request's whole text.
  init(_ kind: Kind, reply: @escaping Reply = ScriptedModels.honest) {
    self.kind = kind
    self.reply = reply
  }

  /// Answers by the scales and the model's name, as a server does that applies what it is asked for.
  static let honest: Reply = { request in
    var hash: UInt64 = 7
    for part in [field("\"model\":\"", in: request), field("\"lora\":[", in: request)] {
      for byte in part.utf8 { hash = (hash &* 31 &+ UInt64(byte)) % 1_000_003 }
    }
    return ("model \(hash)", -Double(hash) / 1_000_003)
  }

  static func field(_ mark: String, in request: String) -> String {
    let rest = request.components(separatedBy: mark).dropFirst().first ?? ""
    return String(rest.prefix { $0 != "\"" || mark.hasSuffix("[") && $0 != "]" })
  }

  func serve() throws -> ScriptedHTTPServer { try ScriptedHTTPServer { self.answer($0) } }

  private func answer(_ exchange: ScriptedHTTPServer.Exchange) {
    let path = TinyStudy.path(exchange.request)
    switch (path, kind) {
    case ("/health", _):
      exchange.reply("{}")
    case ("/props", .llamaServer):
      exchange.reply("{\"build_info\":\"b1-test\",\"n_ctx\":5}")
    case ("/version", .vLLM):
      exchange.reply("{\"version\":\"0.9-test\"}")
    case ("/lora-adapters", .llamaServer(let adapters)):
      let entries = adapters.enumerated().map { "{\"id\":\($0),\"path\":\"/x/\($1).gguf\"}" }
      exchange.reply("[\(entries.joined(separator: ","))]")
    case ("/v1/models", .llamaServer):
      list(exchange, ["base"])
    case ("/v1/models", .vLLM):
      list(exchange, ["base"] + adapters)
    case ("/v1/models", .plain(let models)):
      list(exchange, models)
    case ("/v1/load_lora_adapter", .vLLM):
      loaded.withLock { $0.append(Self.field("\"lora_name\":\"", in: exchange.request)) }
      exchange.reply("ok", type: "text/plain")
    case ("/v1/unload_lora_adapter", .vLLM):
      loaded.withLock { loaded in
        loaded.removeAll { $0 == Self.field("\"lora_name\":\"", in: exchange.request) }
      }
      exchange.reply("ok", type: "text/plain")
    case ("/v1/chat/completions", .plain(let models))
    where !(models + [""]).contains(Self.field("\"model\":\"", in: exchange.request)):
      exchange.reply("{\"error\":{\"message\":\"no such model\"}}", status: "404 Not Found")
    case ("/v1/chat/completions", _):
      let (text, logprob) = reply(exchange.request)
      let model = Self.field("\"model\":\"", in: exchange.request)
      exchange.reply(
        "{\"model\":\"\(model)\",\"choices\":[{\"index\":0,\"message\":{\"content\":\"\(text)\"},"
          + "\"logprobs\":{\"content\":[{\"logprob\":\(logprob)}]},\"finish_reason\":\"stop\"}]}")
    default:
      exchange.reply("{}", status: "404 Not Found")
    }
  }

  private func list(_ exchange: ScriptedHTTPServer.Exchange, _ models: [String]) {
    exchange.reply("{\"data\":[\(models.map { "{\"id\":\"\($0)\"}" }.joined(separator: ","))]}")
  }
}

/// For tests that do not look at what a study tells while it works.
let ignoreEvents: @Sendable (StudyEvent) -> Void = { _ in }
