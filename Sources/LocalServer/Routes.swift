import ChatTemplates
import Decoder
import Foundation
import LinearAlgebra
import ModelAccess
import Support
import Synchronization
import Tokenization

/// What each path answers: requests in, replies out, no sockets.
final class Routes: Sendable {
  private let served: ServedModel
  private let rules: AccessRules
  private let defaultScales: Mutex<[Float]>
  /// The time it started, in whole seconds; replies carry it as their creation time.
  private let created = Int(Date().timeIntervalSince1970)
  private let fingerprint: String
  /// Bodies larger than this are read on a thread of their own, where they hold up no other client.
  private static let smallBody = 64 << 10

  init(_ served: ServedModel, rules: AccessRules, version: String) {
    self.served = served
    self.rules = rules
    defaultScales = Mutex(served.adapters.map(\.defaultScale))
    fingerprint = "loxeval-\(version)-\(served.engine.options.arithmetic.build)"
  }

  func respond(to request: HTTPRequest) async -> HTTPReply {
    do {
      try rules.check(request)
      let route = try route(request.path)
      // HTTP sends the head of what GET would get.
      let method = request.method == "HEAD" ? "GET" : request.method
      if method == "OPTIONS" {
        return HTTPReply(status: 204, headers: [("Allow", route.allowed)], body: .whole(Data()))
      }
      guard route.methods.contains(method) else {
        var reply = HTTPReply.error(
          .methodNotAllowed(
            request.method, request.path, allowed: route.methods.joined(separator: " or ")))
        reply.headers.append(("Allow", route.allowed))
        return reply
      }
      return try await answer(route, isGet: method == "GET", request)
    } catch {
      return .error(APIError.from(error))
    }
  }

  private enum Route {
    case everything, health, models
    case model(String)
    case completions(Generation.Form)
    case adapters, tokenize, detokenize, applyTemplate

    var methods: [String] {
      switch self {
      case .health, .models, .model: ["GET"]
      case .adapters, .everything: ["GET", "POST"]
      case .completions, .tokenize, .detokenize, .applyTemplate: ["POST"]
      }
    }

    /// As the `Allow` header has it.
    var allowed: String {
      (methods.contains("GET") ? ["HEAD"] + methods : methods).sorted().joined(separator: ", ")
        + ", OPTIONS"
    }
  }

  private func route(_ path: String) throws(APIError) -> Route {
    switch path {
    case "*": return .everything
    case "/health", "/v1/health": return .health
    case "/v1/models", "/models": return .models
    case "/v1/chat/completions", "/chat/completions": return .completions(.chat)
    case "/v1/completions", "/completions": return .completions(.text)
    case "/lora-adapters": return .adapters
    case "/tokenize": return .tokenize
    case "/detokenize": return .detokenize
    case "/apply-template": return .applyTemplate
    default: break
    }
    for prefix in ["/v1/models/", "/models/"] where path.hasPrefix(prefix) {
      return .model(String(path.dropFirst(prefix.count)))
    }
    throw .notFound(
      "\(path.prefix(200)) is not served here; see /v1/models, /v1/chat/completions, "
        + "/v1/completions, /lora-adapters, /tokenize, /detokenize, /apply-template, /health")
  }

  private func answer(
    _ route: Route, isGet: Bool, _ request: HTTPRequest
  ) async throws -> HTTPReply {
    switch route {
    case .everything:
      throw APIError.notFound("* is only for OPTIONS")
    case .health:
      return .json(["status": "ok"])
    case .models:
      return .json(Reply.List(data: [Reply.Model(id: served.name, created: created)]))
    case .model(let name):
      try check(model: name)
      return .json(Reply.Model(id: served.name, created: created))
    case .completions(let form):
      return try await complete(request.body, form)
    case .adapters:
      if !isGet { try setAdapters(request.body) }
      return .json(adapters())
    case .tokenize:
      return try await reading(request.body, tokenize)
    case .detokenize:
      return try await reading(request.body, detokenize)
    case .applyTemplate:
      return try await reading(request.body, applyTemplate)
    }
  }

  private func check(model: String) throws(APIError) {
    guard model == served.name else {
      throw .notFound(
        "the model \(model.prefix(200)) is not served here; this server has \(served.name)",
        param: "model", code: "model_not_found")
    }
  }

  // MARK: - Completions

  private func complete(_ body: Data, _ form: Generation.Form) async throws -> HTTPReply {
    let generation = try await reading(body) { try self.understand($0, form) }
    do {
      guard generation.isStreamed else { return .json(try await generation.reply()) }
      // What can be refused is refused before the reply begins.
      let running = try generation.start()
      return HTTPReply(
        headers: [("Content-Type", "text/event-stream"), ("Cache-Control", "no-cache")],
        body: .events { send in await generation.stream(running, send) })
    } catch {
      throw APIError.from(error, field: generation.field)
    }
  }

  private func understand(_ body: Data, _ form: Generation.Form) throws -> Generation {
    let fields = try RequestFields(FieldReader(parsing: body), form: form)
    if let model = fields.model { try check(model: model) }
    let size = served.engine.model.shape.vocabularySize
    if let id = fields.bias.logits.keys.first(where: { $0 >= size }) {
      throw APIError.invalid(
        "token id \(id) is outside the vocabulary of \(size)", param: "logit_bias")
    }
    let scales = try scales(fields.lora)
    // Greedy replies do not depend on it.
    let drawnSeed =
      fields.seed == nil && fields.temperature > 0 ? UInt64.random(in: 0..<1 << 31) : nil
    let seed = drawnSeed ?? fields.seed.map { UInt64(bitPattern: $0) } ?? 0
    let prompts = try prompts(of: fields).map { text, tokens in
      let room = served.engine.positionLimit - tokens.count
      let answer = fields.maxTokens ?? max(1, min(1_024, room))
      // A template that opens the thoughts leaves a reply whose beginning is no answer: it gets its mark back.
      let opening =
        fields.conversation?.ending == .generationPrompt
        ? Thoughts.opening(atEndOf: decoded(tokens.suffix(32))).map { $0 + "\n" } : nil
      let thoughts = fields.maxReasoningTokens ?? 0
      return Generation.Prompt(
        beginning: opening ?? (fields.echo ? text ?? decoded(tokens) : nil),
        meter: fields.maxReasoningTokens.map {
          ThoughtMeter(thoughts: $0, answer: answer, beginning: opening ?? "")
        },
        request: GenerationRequest(
          prompt: tokens, maxTokens: answer + min(thoughts, Int.max - answer),
          temperature: Float(fields.temperature), topP: Float(fields.topP), topK: fields.topK,
          minP: Float(fields.minP), bias: fields.bias, seed: seed, scales: scales,
          stopTokens: served.stopTokens, topLogprobs: fields.topLogprobs,
          scoresPrompt: fields.echo && fields.topLogprobs != nil,
          // A stop string and the end of thoughts can only be noticed as the text comes.
          isStreamed: fields.stream || !fields.stop.isEmpty || fields.maxReasoningTokens != nil))
    }
    let drawn = drawnSeed.map { Data("\($0)".utf8) } ?? Data()
    return Generation(
      form: form, id: (form == .chat ? "chatcmpl-" : "cmpl-") + Fingerprint.of(body + drawn),
      prompts: prompts, n: fields.n, stops: fields.stop, isStreamed: fields.stream,
      includesUsage: fields.includeUsage, served: served, created: created,
      fingerprint: fingerprint, drawnSeed: drawnSeed)
  }

  private func prompts(of fields: RequestFields) throws -> [(text: String?, tokens: [Int])] {
    if let conversation = fields.conversation {
      return [
        (
          nil,
          try served.chatFormat.with(conversation.arguments).encode(
            conversation.messages, with: served.tokenizer, ending: conversation.ending)
        )
      ]
    }
    let size = served.engine.model.shape.vocabularySize
    return try fields.prompts.map { prompt in
      switch prompt {
      case .text(let text):
        return (text, served.tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true))
      case .tokens(let tokens):
        if let id = tokens.first(where: { !(0..<size).contains($0) }) {
          throw APIError.from(
            DecoderError.tokenOutOfRange(id: id, vocabularySize: size), field: "prompt")
        }
        return (nil, tokens)
      }
    }
  }

  private func decoded(_ tokens: some Sequence<Int>) -> String {
    served.tokenizer.decode(Array(tokens), skipSpecialTokens: false)
  }

  // MARK: - Adapters

  private func scales(_ list: [RequestFields.AdapterScale]?) throws -> [Float] {
    guard let list else { return defaultScales.withLock { $0 } }
    var scales = [Float](repeating: 0, count: served.adapters.count)
    for (index, entry) in list.enumerated() {
      guard scales.indices.contains(entry.id) else {
        throw APIError.invalid(
          "there is no adapter with id \(entry.id); GET /lora-adapters lists the "
            + "\(scales.count) loaded", param: "lora[\(index)].id")
      }
      scales[entry.id] = Float(entry.scale)
    }
    return scales
  }

  private func adapters() -> [Reply.Adapter] {
    let scales = defaultScales.withLock { $0 }
    return served.adapters.indices.map { index in
      Reply.Adapter(id: index, name: served.adapters[index].name, scale: scales[index])
    }
  }

  /// Sets the scales of requests that do not say, as llama-server does.
  private func setAdapters(_ body: Data) throws {
    let node = try FieldReader.parse(body)
    guard let list = node.elements else {
      throw APIError.invalid(
        "expected the body to be a list of objects with id and scale, found "
          + FieldReader.found(node))
    }
    let scales = try scales(RequestFields.lora(list, at: "lora"))
    defaultScales.withLock { $0 = scales }
  }

  // MARK: - Texts and tokens

  @Sendable private func tokenize(_ body: Data) throws -> HTTPReply {
    let fields = try FieldReader(parsing: body)
    guard let content = try fields.string("content") else {
      throw fields.missing("content", "a string")
    }
    if try fields.flag("with_pieces") == true {
      throw APIError.invalid("with_pieces is not supported, only false", param: "with_pieces")
    }
    let tokens = served.tokenizer.encode(
      content, addSpecialTokens: try fields.flag("add_special") ?? false,
      parseSpecial: try fields.flag("parse_special") ?? true)
    return .json(["tokens": tokens])
  }

  @Sendable private func detokenize(_ body: Data) throws -> HTTPReply {
    let fields = try FieldReader(parsing: body)
    guard let list = try fields.list("tokens", of: "token ids") else {
      throw fields.missing("tokens", "a list of token ids")
    }
    let size = served.engine.model.shape.vocabularySize
    let tokens = try list.enumerated().map { index, node in
      guard let id = node.wholeNumber else {
        throw fields.mismatch("tokens[\(index)]", "a token id", node)
      }
      guard (0..<size).contains(id) else {
        throw APIError.from(
          DecoderError.tokenOutOfRange(id: id, vocabularySize: size), field: "tokens")
      }
      return id
    }
    return .json(["content": decoded(tokens)])
  }

  @Sendable private func applyTemplate(_ body: Data) throws -> HTTPReply {
    let conversation = try ConversationFields(FieldReader(parsing: body))
    return .json([
      "prompt": try served.chatFormat.with(conversation.arguments)
        .render(conversation.messages, ending: conversation.ending)
    ])
  }

  /// Reads a body where it holds up nobody: parsing and tokenizing megabytes takes its time.
  private func reading<Value: Sendable>(
    _ body: Data, _ read: @escaping @Sendable (Data) throws -> Value
  ) async throws -> Value {
    guard body.count > Self.smallBody else { return try read(body) }
    return try await runOnOwnThread(named: "loxeval-request") { try read(body) }
  }
}
