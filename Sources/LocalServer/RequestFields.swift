import Foundation
import ModelAccess
import Support

/// The fields that chat and plain completions share.
///
/// Unknown fields are passed over, as servers of this kind do; fields that would change the answer
/// and are not supported are refused by name, since a silent difference would be measured.
struct RequestFields: Decodable {
  var model: String?
  var messages: [Message]?
  var prompt: Prompt?
  var maxTokens: Int?
  var temperature: Double?
  var topP: Double?
  var seed: Int64?
  var stop: OneOrMany<String>?
  var stream: Bool
  var includeUsage: Bool
  /// nil asks for no probabilities; in chat `logprobs` is a flag and `top_logprobs` a count, in
  /// plain completions `logprobs` is the count.
  var topLogprobs: Int?
  var lora: [AdapterScale]?

  /// An entry of llama-server's per-request list.
  struct AdapterScale: Codable {
    var id: Int
    var scale: Double
  }

  struct Message: Decodable {
    var role: String
    var content: String

    enum CodingKeys: String, CodingKey { case role, content }

    private struct Part: Decodable {
      var type: String
      var text: String?
    }

    init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: CodingKeys.self)
      role = try container.decode(String.self, forKey: .role)
      if let text = try? container.decode(String.self, forKey: .content) {
        content = text
        return
      }
      let parts = try container.decode([Part].self, forKey: .content)
      content = try parts.map { part in
        guard part.type == "text", let text = part.text else {
          throw APIError.invalid(
            "content parts of type \(part.type) are not supported; this model reads text",
            param: "messages")
        }
        return text
      }.joined()
    }
  }

  /// A text or, as some harnesses send it, its tokens.
  enum Prompt: Decodable {
    case text(String)
    case tokens([Int])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else if let tokens = try? container.decode([Int].self) {
        self = .tokens(tokens)
      } else if let texts = try? container.decode([String].self), texts.count == 1 {
        self = .text(texts[0])
      } else {
        throw APIError.invalid(
          "expected prompt to be a string, a list of token ids, or a list of one string",
          param: "prompt")
      }
    }
  }

  private struct StreamOptions: Decodable {
    var includeUsage: Bool?

    enum CodingKeys: String, CodingKey { case includeUsage = "include_usage" }
  }

  enum CodingKeys: String, CodingKey, CaseIterable {
    case model, messages, prompt, temperature, seed, stop, stream, logprobs, lora, n, echo, suffix
    case tools, functions
    case maxTokens = "max_tokens"
    case maxCompletionTokens = "max_completion_tokens"
    case topP = "top_p"
    case streamOptions = "stream_options"
    case topLogprobs = "top_logprobs"
    case responseFormat = "response_format"
    case logitBias = "logit_bias"
    case frequencyPenalty = "frequency_penalty"
    case presencePenalty = "presence_penalty"
    case bestOf = "best_of"
  }

  init(from decoder: any Decoder) throws {
    let container = try decoder.container(keyedBy: CodingKeys.self)
    try Self.refuseUnsupported(container)
    model = try container.decodeIfPresent(String.self, forKey: .model)
    messages = try container.decodeIfPresent([Message].self, forKey: .messages)
    prompt = try container.decodeIfPresent(Prompt.self, forKey: .prompt)
    maxTokens =
      try container.decodeIfPresent(Int.self, forKey: .maxCompletionTokens)
      ?? container.decodeIfPresent(Int.self, forKey: .maxTokens)
    temperature = try container.decodeIfPresent(Double.self, forKey: .temperature)
    topP = try container.decodeIfPresent(Double.self, forKey: .topP)
    seed = try container.decodeIfPresent(Int64.self, forKey: .seed)
    stop = try container.decodeIfPresent(OneOrMany<String>.self, forKey: .stop)
    stream = try container.decodeIfPresent(Bool.self, forKey: .stream) ?? false
    let options = try container.decodeIfPresent(StreamOptions.self, forKey: .streamOptions)
    includeUsage = options?.includeUsage ?? false
    if let flag = try? container.decodeIfPresent(Bool.self, forKey: .logprobs) {
      let count = try container.decodeIfPresent(Int.self, forKey: .topLogprobs)
      topLogprobs = flag ? count ?? 0 : nil
    } else {
      topLogprobs = try container.decodeIfPresent(Int.self, forKey: .logprobs)
    }
    lora = try container.decodeIfPresent([AdapterScale].self, forKey: .lora)
    try checkRanges()
  }

  private static func refuseUnsupported(_ container: KeyedDecodingContainer<CodingKeys>) throws {
    func refuse(_ key: CodingKeys, _ why: String) -> APIError {
      .invalid("\(key.rawValue) is not supported: \(why)", param: key.rawValue)
    }
    for key in [CodingKeys.n, .bestOf] {
      if let count = try container.decodeIfPresent(Int.self, forKey: key), count != 1 {
        throw refuse(key, "send one request for each reply, with seeds of their own")
      }
    }
    for key in [CodingKeys.frequencyPenalty, .presencePenalty] {
      if let penalty = try container.decodeIfPresent(Double.self, forKey: key), penalty != 0 {
        throw refuse(key, "only 0, no penalty")
      }
    }
    for key in [CodingKeys.tools, .functions, .logitBias, .suffix] {
      if container.contains(key), try !container.decodeNil(forKey: key) {
        throw refuse(key, "leave it out")
      }
    }
    if try container.decodeIfPresent(Bool.self, forKey: .echo) == true {
      throw refuse(.echo, "only false")
    }
    if container.contains(.responseFormat), try !container.decodeNil(forKey: .responseFormat) {
      let format = try container.decode([String: String].self, forKey: .responseFormat)
      if format["type"] != "text" { throw refuse(.responseFormat, "only type text") }
    }
  }

  private func checkRanges() throws {
    func check(_ holds: Bool, _ name: String, _ expected: String, _ found: Any) throws {
      guard holds else {
        throw APIError.invalid("expected \(name) \(expected), found \(found)", param: name)
      }
    }
    if let maxTokens { try check(maxTokens >= 1, "max_tokens", "to be at least 1", maxTokens) }
    if let temperature {
      try check((0...100).contains(temperature), "temperature", "from 0 to 100", temperature)
    }
    if let topP { try check(topP > 0 && topP <= 1, "top_p", "above 0 and up to 1", topP) }
    if let topLogprobs {
      try check((0...20).contains(topLogprobs), "top_logprobs", "from 0 to 20", topLogprobs)
    }
    if let stop {
      let strings = stop.elements
      try check(
        strings.count <= 16 && !strings.contains(""), "stop",
        "to be at most 16 strings, none empty", strings)
    }
  }

  /// The conversation, with roles checked.
  func conversation() throws -> [ChatMessage] {
    guard let messages, !messages.isEmpty else {
      throw APIError.invalid("expected messages, a list of at least one", param: "messages")
    }
    return try messages.map { message in
      // OpenAI renamed the system role; chat templates know the old name.
      let name = message.role == "developer" ? "system" : message.role
      guard let role = ChatMessage.Role(rawValue: name) else {
        throw APIError.invalid(
          "expected role to be system, user or assistant, found \(message.role)", param: "messages")
      }
      return ChatMessage(role: role, content: message.content)
    }
  }
}
