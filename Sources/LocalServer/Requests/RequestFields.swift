import Decoder
import Foundation
import Support

/// What a chat or a plain completion asks for.
///
/// Every field that would change the answer is heeded, or refused by name unless it is neutral: a
/// silent difference would be measured.
struct RequestFields {
  /// Which of the two it is.
  enum Form { case chat, text }

  /// An entry of llama-server's per-request list.
  struct AdapterScale {
    var id: Int
    var scale: Double
  }

  /// Choices that one request may ask for, over all its prompts.
  static let choiceLimit = 1_024

  var form: Form
  var model: String?
  var conversation: ConversationFields?
  var prompts: [PromptField] = []
  /// Replies for each prompt.
  var n: Int
  var maxTokens: Int?
  /// What a chat's thoughts may take apart from `maxTokens`; nil where both share it.
  var maxReasoningTokens: Int?
  var temperature: Double
  var topP: Double
  var bias: SamplingBias
  var topK: Int?
  var minP: Double
  var seed: Int64?
  var stop: [String]
  var stream: Bool
  var includeUsage: Bool
  /// Whether the reply begins with the prompt.
  var echo: Bool
  /// nil asks for no probabilities; in chat `logprobs` is a flag and `top_logprobs` a count, in
  /// plain completions `logprobs` is the count.
  var topLogprobs: Int?
  var lora: [AdapterScale]?

  private static let shared: Set<String> = [
    "model", "n", "best_of", "max_tokens", "max_completion_tokens", "temperature", "top_p", "top_k",
    "min_p", "seed", "stop", "stream", "stream_options", "logprobs", "top_logprobs", "lora",
    "repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "response_format",
  ]

  init(_ fields: FieldReader, form: Form) throws(APIError) {
    self.form = form
    let own: Set<String> =
      form == .chat
      ? ConversationFields.names.union(["max_reasoning_tokens"]) : ["prompt", "echo"]
    // The other form's text, as some clients send beside their own, was never read.
    try NeutralFields.check(
      fields, read: Self.shared.union(own).union(form == .chat ? ["prompt"] : ["messages"]))
    model = try fields.string("model")
    echo = form == .text ? try fields.flag("echo") ?? false : false
    let fewest = echo ? 0 : 1
    maxTokens = try fields.integer("max_tokens", fewest...Int.max)
    // The newer name.
    if let limit = try fields.integer("max_completion_tokens", fewest...Int.max) {
      maxTokens = limit
    }
    maxReasoningTokens =
      form == .chat ? try fields.integer("max_reasoning_tokens", 0...Int.max) : nil
    temperature = try fields.number("temperature", 0...100) ?? 1
    topP = try fields.number("top_p", 0...1, excludesLowest: true) ?? 1
    let topK = try fields.integer("top_k", -1...Int.max) ?? 0
    self.topK = topK > 0 ? topK : nil
    minP = try fields.number("min_p", 0...1) ?? 0
    bias = SamplingBias(
      repetition: Float(
        try fields.number("repetition_penalty", 0...100, excludesLowest: true) ?? 1),
      frequency: Float(try fields.number("frequency_penalty", -2...2) ?? 0),
      presence: Float(try fields.number("presence_penalty", -2...2) ?? 0),
      logits: try Self.logitBias(fields))
    seed = try fields.integer("seed", Int.min...Int.max).map(Int64.init)
    stop = try Self.stop(fields)
    stream = try fields.flag("stream") ?? false
    let options = try fields.object("stream_options")
    includeUsage = try options?.flag("include_usage") ?? false
    n = try fields.integer("n", 1...128) ?? 1
    if let best = try fields.integer("best_of", 1...128), best != n {
      throw .invalid(
        "best_of is not supported, only the same as n: send n and choose among the replies",
        param: "best_of", code: "unsupported_field")
    }
    topLogprobs = try Self.topLogprobs(fields)
    lora = try Self.lora(fields.list("lora", of: "objects with id and scale"), at: "lora")
    switch form {
    case .chat: conversation = try ConversationFields(fields)
    case .text: prompts = try PromptField.read(fields)
    }
    guard prompts.count * n <= Self.choiceLimit else {
      throw .invalid(
        "expected at most \(Self.choiceLimit) replies of one request, found \(prompts.count) "
          + "prompts with \(n) each; send several requests", param: "prompt")
    }
    if let format = try fields.object("response_format") {
      guard let type = try format.string("type") else { throw format.missing("type", "a string") }
      guard type == "text" else {
        throw .invalid(
          "response_format is not supported, only type text: this server does not constrain what "
            + "the model writes, so \(type) could not be promised; ask for it in words and check "
            + "the reply", param: "response_format", code: "unsupported_field")
      }
    }
  }

  private static func topLogprobs(_ fields: FieldReader) throws(APIError) -> Int? {
    let range = 0...20
    if let node = fields["logprobs"], node.flag == nil {
      guard let count = node.wholeNumber, range.contains(count) else {
        throw fields.mismatch("logprobs", "true, false or an integer from 0 to 20", node)
      }
      return count
    }
    let flag = try fields.flag("logprobs") ?? false
    let count = try fields.integer("top_logprobs", range) ?? 0
    guard flag || count == 0 else {
      throw .invalid("top_logprobs needs logprobs to be true", param: "top_logprobs")
    }
    return flag ? count : nil
  }

  private static func stop(_ fields: FieldReader) throws(APIError) -> [String] {
    let expected = "a string, or a list of at most 16, none empty or longer than 4096 bytes"
    guard let node = fields["stop"] else { return [] }
    let nodes = node.elements ?? [node]
    let strings = nodes.compactMap(\.text)
    guard strings.count == nodes.count, strings.count <= 16,
      strings.allSatisfy({ (1...4_096).contains($0.utf8.count) })
    else { throw fields.mismatch("stop", expected, node) }
    return strings
  }

  private static func logitBias(_ fields: FieldReader) throws(APIError) -> [Int: Float] {
    var result: [Int: Float] = [:]
    guard let object = try fields.object("logit_bias") else { return result }
    for name in object.names {
      guard let id = Int(name), id >= 0 else {
        throw .invalid(
          "expected the names in logit_bias to be token ids, found \(name.debugDescription)",
          param: "logit_bias")
      }
      result[id] = try object.number(name, -100...100).map { Float($0) }
    }
    return result
  }

  /// llama-server's list of adapters and scales; of one given twice the last counts.
  static func lora(_ list: [JSONNode]?, at place: String) throws(APIError) -> [AdapterScale]? {
    guard let list else { return nil }
    var result: [AdapterScale] = []
    for (index, node) in list.enumerated() {
      let entry = try FieldReader(node, at: "\(place)[\(index)]")
      guard let id = try entry.integer("id", 0...Int.max) else {
        throw entry.missing("id", "an adapter's number")
      }
      let most = Double(Float.greatestFiniteMagnitude)
      guard let scale = try entry.number("scale", -most...most) else {
        throw entry.missing("scale", "a number")
      }
      result.append(AdapterScale(id: id, scale: scale))
    }
    return result
  }
}
