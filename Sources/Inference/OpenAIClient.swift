public import Chat
import Foundation

/// Asks any OpenAI-compatible server, the embedded one included.
public struct OpenAIClient: ChatCompleting {
  public let endpoint: Endpoint
  public let model: String?
  public let dialect: any ServerDialect
  public let transport: Transport
  public let retries: RetryPolicy

  public init(
    endpoint: Endpoint, model: String? = nil, dialect: any ServerDialect = PlainDialect(),
    transport: Transport, retries: RetryPolicy = RetryPolicy()
  ) {
    self.endpoint = endpoint
    self.model = model
    self.dialect = dialect
    self.transport = transport
    self.retries = retries
  }

  private struct Body: Encodable {
    var model: String?
    var messages: [ChatMessage]
    var temperature: Double
    var topP: Double
    var seed: Int64
    var maxTokens: Int
    var stop: [String]?
    var stream = false
    var lora: [DialectFields.AdapterScale]?
    var cachePrompt: Bool?
  }

  public func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    let body = try encode(request)
    var attempts = 1
    while true {
      let outcome = await attempt(body, number: attempts)
      switch outcome.result {
      case .success(let reply):
        return reply
      case .failure(let failure):
        guard outcome.isTransient, attempts <= retries.maxRetries else { throw failure }
      }
      let delay = retries.delay(retry: attempts - 1, retryAfter: outcome.retryAfter)
      do {
        try await Task.sleep(for: .seconds(delay))
      } catch {
        throw ChatFailure(
          code: "cancelled", message: "the request was cancelled", attempts: attempts,
          latencyMilliseconds: 0, isFatal: false)
      }
      attempts += 1
    }
  }

  /// What one attempt came to, and whether another may do better.
  private struct Outcome {
    var result: Result<ChatReply, ChatFailure>
    var isTransient = false
    var retryAfter: String?
  }

  private func attempt(_ body: Data, number: Int) async -> Outcome {
    do throws(TransportError) {
      let response = try await transport.send(
        TransportRequest(
          url: endpoint.url("chat/completions"), body: body,
          headers: ["Content-Type: application/json"] + endpoint.authorization))
      let parsed = ReplyParser(endpoint: endpoint, attempts: number).parse(response)
      return Outcome(
        result: parsed.result, isTransient: parsed.isTransient,
        retryAfter: response.headers["retry-after"])
    } catch {
      let failure = ChatFailure(
        code: error.code, message: "\(endpoint.name): \(error)", attempts: number,
        latencyMilliseconds: 0, isFatal: error == .shutDown)
      switch error {
      case .connection, .timedOut: return Outcome(result: .failure(failure), isTransient: true)
      default: return Outcome(result: .failure(failure))
      }
    }
  }

  private func encode(_ request: ChatRequest) throws(ChatFailure) -> Data {
    let fields = try dialect.fields(for: request.variant)
    let decoding = request.decoding
    let body = Body(
      model: fields.model ?? model, messages: request.messages,
      temperature: decoding.temperature, topP: decoding.topP,
      seed: Int64(truncatingIfNeeded: decoding.seed & 0x7FFF_FFFF),
      maxTokens: decoding.maxTokens, stop: decoding.stop.isEmpty ? nil : decoding.stop,
      lora: fields.lora, cachePrompt: fields.cachePrompt)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    do {
      return try encoder.encode(body)
    } catch {
      throw ChatFailure(
        code: "invalid-request", message: "the request cannot be encoded: \(error)", attempts: 0,
        latencyMilliseconds: 0, isFatal: false)
    }
  }
}
