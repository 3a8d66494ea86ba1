import Foundation
package import ModelAccess
package import Support

/// A chat completion's request as servers read it. Decoding is always explicit: servers' own
/// defaults differ, and some are random.
struct RequestBody {
  let request: ChatRequest
  let model: String?
  let fields: DialectFields
  let topLogprobs: Int?

  /// Names of the fields that are written here: extra ones may not be among them.
  static let fields = [
    "model", "messages", "temperature", "top_p", "seed", "max_tokens", "max_completion_tokens",
    "max_reasoning_tokens", "stop", "stream", "lora", "cache_prompt", "logprobs", "top_logprobs",
    "response_format", "n",
  ]

  func encoded(_ form: RequestForm = .usual) throws(ChatFailure) -> Data {
    do {
      return Data(try Self.written(json(), in: form).bytes)
    } catch {
      throw ChatFailure(
        code: "invalid-request", message: "the request cannot be encoded: \(error)", attempts: 0,
        latencyMilliseconds: 0, isFatal: false)
    }
  }

  /// Fields in order; of what there is nothing is left out.
  private func json() throws -> JSONNode {
    let decoding = request.decoding
    let budget = decoding.maxReasoningTokens
    let scales = try fields.lora?.map {
      JSONNode.object(of: [("id", .integer($0.id)), ("scale", try .shortest($0.scale))])
    }
    let messages = request.messages.map {
      JSONNode.object(of: [("content", .string($0.content)), ("role", .string($0.role.rawValue))])
    }
    return .known([
      // An open turn, as vLLM, llama-server and the embedded server read it.
      ("add_generation_prompt", request.isContinued ? .boolean(false) : .null),
      ("cache_prompt", fields.cachePrompt.map { .boolean($0) } ?? .null),
      ("continue_final_message", request.isContinued ? .boolean(true) : .null),
      ("logprobs", topLogprobs == nil ? .null : .boolean(true)),
      ("lora", scales.map { .array($0) } ?? .null),
      // A server with one limit gets the sum; what it says beyond the answer's part is cut off its reply.
      ("max_reasoning_tokens", fields.takesReasoningBudget ? .integer(budget) : .null),
      (
        "max_tokens",
        .integer(decoding.maxTokens + (fields.takesReasoningBudget ? 0 : budget ?? 0))
      ),
      ("messages", .array(messages)),
      ("model", .text(model)),
      ("response_format", try request.outputSchema.map(Self.responseFormat) ?? .null),
      // Some servers read a signed 32-bit number.
      ("seed", .integer(Int(truncatingIfNeeded: decoding.seed & 0x7FFF_FFFF))),
      ("stop", decoding.stop.isEmpty ? .null : .array(decoding.stop.map { .string($0) })),
      ("stream", .boolean(false)),
      ("temperature", try .shortest(decoding.temperature)),
      ("top_logprobs", .integer(topLogprobs)),
      ("top_p", try .shortest(decoding.topP)),
    ])
  }

  /// OpenAI's form, which llama-server and vLLM read too.
  private static func responseFormat(_ schema: OutputSchema) throws -> JSONNode {
    .object(of: [
      (
        "json_schema",
        .object(of: [
          ("name", .string(schema.name)),
          ("schema", try JSONNode(parsing: [UInt8](StableJSON.encode(schema)))),
          ("strict", .boolean(true)),
        ])
      ),
      ("type", .string("json_schema")),
    ])
  }

  private static func written(_ body: JSONNode, in form: RequestForm) throws -> JSONNode {
    guard form != .usual else { return body }
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
