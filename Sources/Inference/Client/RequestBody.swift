import Foundation
package import ModelAccess
package import Support

/// A chat completion's request as servers read it. Decoding is always explicit: servers' own
/// defaults differ, and some are random.
struct RequestBody: Encodable {
  private let model: String?
  private let messages: [ChatMessage]
  private let temperature: Double
  private let topP: Double
  private let seed: Int64
  private let maxTokens: Int
  private let maxReasoningTokens: Int?
  private let stop: [String]?
  private let stream = false
  private let lora: [DialectFields.AdapterScale]?
  private let cachePrompt: Bool?
  private let logprobs: Bool?
  private let topLogprobs: Int?
  private let responseFormat: ResponseFormat?
  /// Of an open turn, as vLLM, llama-server and the embedded server read them; absent otherwise.
  private let continueFinalMessage: Bool?
  private let addGenerationPrompt: Bool?

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
    case maxReasoningTokens = "max_reasoning_tokens"
    case cachePrompt = "cache_prompt"
    case topLogprobs = "top_logprobs"
    case responseFormat = "response_format"
    case continueFinalMessage = "continue_final_message"
    case addGenerationPrompt = "add_generation_prompt"
  }

  init(_ request: ChatRequest, model: String?, _ fields: DialectFields, topLogprobs: Int?) {
    let decoding = request.decoding
    self.model = model
    messages = request.messages
    temperature = decoding.temperature
    topP = decoding.topP
    // Some servers read a signed 32-bit number.
    seed = Int64(truncatingIfNeeded: decoding.seed & 0x7FFF_FFFF)
    maxReasoningTokens = fields.takesReasoningBudget ? decoding.maxReasoningTokens : nil
    // A server with one limit gets the sum; what it says beyond the answer's part is cut off its reply.
    maxTokens =
      decoding.maxTokens
      + (fields.takesReasoningBudget ? 0 : decoding.maxReasoningTokens ?? 0)
    stop = decoding.stop.isEmpty ? nil : decoding.stop
    lora = fields.lora
    cachePrompt = fields.cachePrompt
    logprobs = topLogprobs.map { _ in true }
    self.topLogprobs = topLogprobs
    responseFormat = request.outputSchema.map(ResponseFormat.init)
    continueFinalMessage = request.isContinued ? true : nil
    addGenerationPrompt = request.isContinued ? false : nil
  }

  /// Names of the fields that are written here: extra ones may not be among them.
  static let fields = [
    "model", "messages", "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens",
    "max_reasoning_tokens", "stop",
    "stream", "lora", "cache_prompt", "logprobs", "top_logprobs", "response_format", "n",
  ]

  func encoded(_ form: RequestForm = .usual) throws(ChatFailure) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    do {
      let data = try encoder.encode(self)
      guard form != .usual else { return data }
      return Data(try Self.written(JSONNode(parsing: [UInt8](data)), in: form).serialized.utf8)
    } catch {
      throw ChatFailure(
        code: "invalid-request", message: "the request cannot be encoded: \(error)", attempts: 0,
        latencyMilliseconds: 0, isFatal: false)
    }
  }

  /// The body in another form than the usual one.
  private static func written(_ body: JSONNode, in form: RequestForm) throws -> JSONNode {
    var body = body
    for field in form.omitted { body = body.removing(field) }
    for field in form.refused {
      guard let value = body[field] else { continue }
      body = body.removing(field)
      if field == RequestForm.tokenLimit {
        body = body.setting(RequestForm.newTokenLimit, to: value)
      }
    }
    if let extra = form.extra {
      for member in try JSONNode(parsing: [UInt8](extra.utf8)).members ?? [] {
        body = body.setting(member.key, to: member.value)
      }
    }
    return body
  }
}

extension RequestForm {
  /// Reads what a user wants of requests.
  ///
  /// - Parameters:
  ///   - extra: a JSON object, as text.
  ///   - omitted: names of fields.
  package init(
    extra: String?, omitting omitted: [String]
  ) throws(RequestFormError) {
    if let field = omitted.first(where: { !Self.omittable.contains($0) }) {
      throw .notOmittable(field)
    }
    var text: String?
    if let extra {
      guard let node = try? JSONNode(parsing: [UInt8](extra.utf8)), let members = node.members
      else {
        throw .notAnObject
      }
      if let key = node.duplicateKey { throw .twice(key) }
      if let field = members.map(\.key).first(where: RequestBody.fields.contains) {
        throw .reserved(field)
      }
      text =
        members.isEmpty
        ? nil : JSONNode.object(members.sorted { $0.key < $1.key }).serialized
    }
    self.init(omitted: omitted, extra: text)
  }

  /// With further variables of the server's chat template.
  ///
  /// - Parameter arguments: an object; an empty one changes nothing.
  package func with(templateArguments arguments: JSONNode) throws(RequestFormError) -> RequestForm {
    guard arguments.members?.isEmpty == false else { return self }
    var members: [JSONNode.Member] = []
    if let extra, let node = try? JSONNode(parsing: Array(extra.utf8)) {
      members = node.members ?? []
    }
    guard !members.contains(where: { $0.key == Self.templateField }) else {
      throw .twice(Self.templateField)
    }
    members.append(JSONNode.Member(key: Self.templateField, value: arguments))
    var form = self
    form.extra = JSONNode.object(members.sorted { $0.key < $1.key }).serialized
    return form
  }

  private static let templateField = "chat_template_kwargs"
}

/// What can be wrong with what a user wants of requests.
package enum RequestFormError: Error, Equatable, CustomStringConvertible {
  case notAnObject
  case twice(String)
  case reserved(String)
  case notOmittable(String)

  package var description: String {
    switch self {
    case .notAnObject: "expected a JSON object such as {\"top_k\": 20}, found something else"
    case .twice(let key): "expected each field once, found \(key) twice"
    case .reserved(let field):
      "expected further fields, found \(field), which has its own option or is written by the client"
    case .notOmittable(let field):
      "expected one of \(RequestForm.omittable.joined(separator: ", ")), found \(field)"
    }
  }
}
