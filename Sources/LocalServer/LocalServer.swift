import ChatTemplates
import Decoder
import FlyingFox
import FlyingSocks
package import Foundation
import Support
import Synchronization
import Tokenization

/// An OpenAI-compatible HTTP server over one loaded model.
///
/// It speaks llama-server's way of choosing updates: `GET` and `POST /lora-adapters`, and a `lora`
/// list of ids and scales in each request (updates not listed count 0), so that one process serves
/// every model of a study. Equal requests get equal bytes, whatever runs beside them.
package final class LocalServer: Sendable {
  /// Requests larger than this are refused.
  static let bodyLimit = 8 << 20

  private let served: ServedModel
  private let server: HTTPServer
  private let task: Mutex<Task<Void, any Error>?> = Mutex(nil)
  private let defaultScales: Mutex<[Float]>
  /// The time it started, in whole seconds; replies carry it as their creation time.
  private let created = Int(Date().timeIntervalSince1970)
  private let fingerprint: String
  private let address: String

  /// - Parameters:
  ///   - host: an IPv4 address to bind to; loopback unless told otherwise.
  ///   - port: 0 takes a free one.
  ///   - version: the program's version, for `system_fingerprint`.
  package init(_ served: ServedModel, host: String = "127.0.0.1", port: UInt16 = 0, version: String)
    throws
  {
    self.served = served
    defaultScales = Mutex(served.adapters.map(\.defaultScale))
    fingerprint = "loxeval-\(version)-\(InferenceEngine.instructionSet)"
    self.address = "\(host):\(port)"
    let address = try sockaddr_in.inet(ip4: host, port: port)
    // Replies take as long as they take: the client decides when to give up.
    server = HTTPServer(address: address, timeout: 86_400, logger: .disabled)
  }

  /// Starts listening.
  ///
  /// - Returns: the base URL, such as `http://127.0.0.1:40123`.
  package func start() async throws -> URL {
    await addRoutes()
    let server = server
    let running = Task { try await server.run() }
    task.withLock { $0 = running }
    do {
      try await server.waitUntilListening(timeout: 10)
    } catch {
      // The listening task knows why: the port is taken, say.
      running.cancel()
      do {
        _ = try await running.value
      } catch SocketError.failed(_, _, let reason) {
        throw LocalServerError.cannotListen(address: address, reason: reason)
      }
      throw error
    }
    guard case .ip4(let host, let port)? = await server.listeningAddress,
      let url = URL(string: "http://\(host):\(port)")
    else { throw SocketError.disconnected }
    return url
  }

  /// Waits until the server ends, which `stop` or cancellation brings about.
  package func waitUntilStopped() async throws {
    let running = task.withLock { $0 }
    try await withTaskCancellationHandler {
      _ = try await running?.value
    } onCancel: {
      running?.cancel()
    }
  }

  /// Stops listening, ends the engine and waits for neither.
  package func stop() async {
    await server.stop()
    served.engine.shutDown()
  }

  // MARK: - Routes

  private func addRoutes() async {
    await server.appendRoute("*") { [self] request in await respond(to: request) }
  }

  private func respond(to request: HTTPRequest) async -> HTTPResponse {
    do {
      let method = request.method.rawValue
      func only(_ allowed: String...) throws {
        guard allowed.contains(method) else {
          throw APIError.methodNotAllowed(
            method, request.path, allowed: allowed.joined(separator: " or "))
        }
      }
      switch request.path {
      case "/health", "/v1/health":
        try only("GET")
        return json(["status": "ok"])
      case "/v1/models", "/models":
        try only("GET")
        return json(Reply.List(data: [Reply.Model(id: served.name, created: created)]))
      case "/v1/chat/completions", "/chat/completions":
        try only("POST")
        return try await complete(request, form: .chat)
      case "/v1/completions", "/completions":
        try only("POST")
        return try await complete(request, form: .text)
      case "/lora-adapters":
        try only("GET", "POST")
        return method == "GET" ? json(adapters()) : try await setAdapters(request)
      case "/tokenize":
        try only("POST")
        return try await tokenize(request)
      case "/detokenize":
        try only("POST")
        return try await detokenize(request)
      case "/apply-template":
        try only("POST")
        let fields: RequestFields = try await decode(request)
        let prompt = try served.chatFormat.render(
          fields.conversation(), addGenerationPrompt: true)
        return json(["prompt": prompt])
      default:
        throw APIError.notFound(
          "\(request.path) is not served here; see /v1/models, /v1/chat/completions, "
            + "/v1/completions, /lora-adapters, /tokenize, /detokenize, /apply-template, /health")
      }
    } catch {
      let failure = APIError.from(error)
      return json(failure, status: failure.status)
    }
  }

  private func complete(
    _ request: HTTPRequest, form: Generation.Form
  ) async throws -> HTTPResponse {
    let generation = try understand(try await body(of: request), form: form)
    guard generation.isStreamed else { return json(try await generation.reply()) }
    let events = EventStream { continuation in
      await generation.stream(into: continuation)
    }
    return HTTPResponse(
      statusCode: .ok,
      headers: [.contentType: "text/event-stream", HTTPHeader("Cache-Control"): "no-cache"],
      body: HTTPBodySequence(from: events))
  }

  private func understand(_ body: Data, form: Generation.Form) throws -> Generation {
    let fields: RequestFields = try Self.decode(body)
    if let model = fields.model, model != served.name {
      throw APIError.notFound(
        "the model \(model) is not served here; this server has \(served.name)",
        code: "model_not_found")
    }
    let prompt: [Int]
    switch form {
    case .chat:
      prompt = try served.chatFormat.encode(fields.conversation(), with: served.tokenizer)
    case .text:
      switch fields.prompt {
      case .text(let text):
        prompt = served.tokenizer.encode(text, addSpecialTokens: true, parseSpecial: true)
      case .tokens(let tokens):
        prompt = tokens
      case nil:
        throw APIError.invalid("expected a prompt", param: "prompt")
      }
    }
    let room = served.engine.positionLimit - prompt.count
    return Generation(
      form: form, id: (form == .chat ? "chatcmpl-" : "cmpl-") + Fingerprint.of(body),
      request: GenerationRequest(
        prompt: prompt, maxTokens: fields.maxTokens ?? max(1, min(1_024, room)),
        temperature: Float(fields.temperature ?? 1), topP: Float(fields.topP ?? 1),
        seed: fields.seed.map { UInt64(bitPattern: $0) } ?? 0, scales: try scales(fields.lora),
        stopTokens: served.stopTokens, topLogprobs: fields.topLogprobs,
        // A stop string can only be noticed as the text comes.
        isStreamed: fields.stream || fields.stop?.elements.isEmpty == false),
      stops: fields.stop?.elements ?? [], isStreamed: fields.stream,
      includesUsage: fields.includeUsage, served: served, created: created,
      fingerprint: fingerprint)
  }

  private func scales(_ list: [RequestFields.AdapterScale]?) throws -> [Float] {
    guard let list else { return defaultScales.withLock { $0 } }
    var scales = [Float](repeating: 0, count: served.adapters.count)
    for entry in list {
      guard scales.indices.contains(entry.id) else {
        throw APIError.invalid(
          "there is no adapter with id \(entry.id); GET /lora-adapters lists the "
            + "\(scales.count) loaded", param: "lora")
      }
      guard Float(entry.scale).isFinite else {
        throw APIError.invalid("expected a finite scale, found \(entry.scale)", param: "lora")
      }
      scales[entry.id] = Float(entry.scale)
    }
    return scales
  }

  private func adapters() -> [Reply.Adapter] {
    let scales = defaultScales.withLock { $0 }
    return served.adapters.indices.map { index in
      Reply.Adapter(
        id: index, name: served.adapters[index].name, path: served.adapters[index].path,
        scale: scales[index])
    }
  }

  /// Sets the scales of requests that do not say, as llama-server does.
  private func setAdapters(_ request: HTTPRequest) async throws -> HTTPResponse {
    let list: [RequestFields.AdapterScale] = try await decode(request)
    let scales = try scales(list)
    defaultScales.withLock { $0 = scales }
    return json(adapters())
  }

  private func tokenize(_ request: HTTPRequest) async throws -> HTTPResponse {
    struct Fields: Decodable {
      var content: String
      var addSpecial: Bool?
      var parseSpecial: Bool?

      enum CodingKeys: String, CodingKey {
        case content
        case addSpecial = "add_special"
        case parseSpecial = "parse_special"
      }
    }
    let fields: Fields = try await decode(request)
    let tokens = served.tokenizer.encode(
      fields.content, addSpecialTokens: fields.addSpecial ?? false,
      parseSpecial: fields.parseSpecial ?? true)
    return json(["tokens": tokens])
  }

  private func detokenize(_ request: HTTPRequest) async throws -> HTTPResponse {
    struct Fields: Decodable { var tokens: [Int] }
    let fields: Fields = try await decode(request)
    let size = served.engine.model.shape.vocabularySize
    if let id = fields.tokens.first(where: { !(0..<size).contains($0) }) {
      throw DecoderError.tokenOutOfRange(id: id, vocabularySize: size)
    }
    return json(["content": served.tokenizer.decode(fields.tokens, skipSpecialTokens: false)])
  }

  // MARK: - Bodies

  private func json(_ value: some Encodable, status: Int = 200) -> HTTPResponse {
    HTTPResponse(
      statusCode: HTTPStatusCode(status, phrase: Self.phrase(status)),
      headers: [.contentType: "application/json"], body: Reply.encode(value))
  }

  private static func phrase(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 400: "Bad Request"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 413: "Content Too Large"
    case 503: "Service Unavailable"
    default: "Internal Server Error"
    }
  }

  private func body(of request: HTTPRequest) async throws -> Data {
    var body = Data()
    for try await part in request.bodySequence {
      body += part
      if body.count > Self.bodyLimit { throw APIError.tooLarge(limit: Self.bodyLimit) }
    }
    return body
  }

  private func decode<Fields: Decodable>(_ request: HTTPRequest) async throws -> Fields {
    try Self.decode(try await body(of: request))
  }

  private static func decode<Fields: Decodable>(_ body: Data) throws -> Fields {
    do {
      return try JSONDecoder().decode(Fields.self, from: body)
    } catch let error as DecodingError {
      throw APIError.invalid(describe(error))
    }
  }

  private static func describe(_ error: DecodingError) -> String {
    func place(_ path: [any CodingKey]) -> String {
      path.isEmpty ? "the body" : path.map(\.stringValue).joined(separator: ".")
    }
    switch error {
    case .keyNotFound(let key, let context):
      return "expected \(place(context.codingPath + [key])), found nothing"
    case .typeMismatch(let type, let context):
      return "expected \(place(context.codingPath)) to be a \(type)"
    case .valueNotFound(let type, let context):
      return "expected \(place(context.codingPath)) to be a \(type), found null"
    case .dataCorrupted:
      return "expected the body to be a JSON object; it does not parse"
    @unknown default:
      return "expected a JSON object"
    }
  }
}

extension Generation {
  /// Sends the reply as server-sent events, ending with `[DONE]`; an error that comes up midway is
  /// sent as an event of its own.
  func stream(into continuation: AsyncStream<Data>.Continuation) async {
    func send(_ data: Data) { continuation.yield(Data("data: ".utf8) + data + Data("\n\n".utf8)) }
    do {
      if form == .chat {
        send(Reply.encode(chunk(Piece(text: "", logprobs: []), isFirst: true)))
      }
      let (reason, count) = try await run { send(Reply.encode(chunk($0))) }
      send(Reply.encode(chunk(nil, reason: reason)))
      if includesUsage { send(Reply.encode(usageChunk(tokens: count))) }
      send(Data("[DONE]".utf8))
    } catch {
      send(Reply.encode(APIError.from(error)))
    }
  }
}
