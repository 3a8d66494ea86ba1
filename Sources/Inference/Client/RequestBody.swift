import Foundation
import ModelAccess

/// A chat completion's request as servers read it. Decoding is always explicit: servers' own
/// defaults differ, and some are random.
struct RequestBody: Encodable {
  private let model: String?
  private let messages: [ChatMessage]
  private let temperature: Double
  private let topP: Double
  private let seed: Int64
  private let maxTokens: Int
  private let stop: [String]?
  private let stream = false
  private let lora: [DialectFields.AdapterScale]?
  private let cachePrompt: Bool?
  private let logprobs: Bool?
  private let topLogprobs: Int?
  private let responseFormat: ResponseFormat?

  /// OpenAI's form, which llama-server and vLLM read too.
  private struct ResponseFormat: Encodable {
    struct Named: Encodable {
      let name: String
      let schema: OutputSchema
      let strict = true
    }

    let type = "json_schema"
    let named: Named

    enum CodingKeys: String, CodingKey {
      case type
      case named = "json_schema"
    }

    init(_ schema: OutputSchema) { named = Named(name: schema.name, schema: schema) }
  }

  enum CodingKeys: String, CodingKey {
    case model, messages, temperature, seed, stop, stream, lora, logprobs
    case topP = "top_p"
    case maxTokens = "max_tokens"
    case cachePrompt = "cache_prompt"
    case topLogprobs = "top_logprobs"
    case responseFormat = "response_format"
  }

  init(_ request: ChatRequest, model: String?, _ fields: DialectFields, topLogprobs: Int?) {
    let decoding = request.decoding
    self.model = model
    messages = request.messages
    temperature = decoding.temperature
    topP = decoding.topP
    // Some servers read a signed 32-bit number.
    seed = Int64(truncatingIfNeeded: decoding.seed & 0x7FFF_FFFF)
    maxTokens = decoding.maxTokens
    stop = decoding.stop.isEmpty ? nil : decoding.stop
    lora = fields.lora
    cachePrompt = fields.cachePrompt
    logprobs = topLogprobs.map { _ in true }
    self.topLogprobs = topLogprobs
    responseFormat = request.outputSchema.map(ResponseFormat.init)
  }

  func encoded() throws(ChatFailure) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      return try encoder.encode(self)
    } catch {
      throw ChatFailure(
        code: "invalid-request", message: "the request cannot be encoded: \(error)", attempts: 0,
        latencyMilliseconds: 0, isFatal: false)
    }
  }
}
