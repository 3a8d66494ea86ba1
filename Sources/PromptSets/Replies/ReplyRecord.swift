package import ModelAccess
package import Support

/// A reply that others recorded, with what they say of the question.
package struct ReplyRecord: Hashable, Sendable {
  package var id: String?
  package var prompt: String
  /// nil where there was none; `failure` then says why.
  package var reply: String?
  package var failure: String?
  package var reasoning: String?
  package var category: String?
  package var reference: String?
  package var kind: PromptKind?
  /// Which of the prompt's replies, where the file numbers them.
  package var number: Int?
  package var finishReason: String?
  package var promptTokens: Int?
  package var completionTokens: Int?
  package var place: RecordPlace

  init(prompt: String, reply: String?, place: RecordPlace) {
    self.prompt = prompt
    self.reply = reply
    self.place = place
  }
}

/// Where what is read of a record comes from, by the names that files give it.
enum ReplyFields {
  static let prompts = [
    "prompt", "instruction", "question", "query", "input", "request", "goal", "behavior",
    "forbidden_prompt", "user",
  ]
  static let replies = [
    "response", "completion", "reply", "generation", "output", "model_output", "model_response",
    "assistant",
  ]
  static let ids = ["id", "prompt_id", "behavior_id", "BehaviorID", "uid"]

  /// Whether an object is one reply to one prompt.
  static func isRecord(_ node: JSONNode) -> Bool {
    if node["messages"]?.elements != nil || node["conversation"]?.elements != nil { return true }
    return replies.contains { node[$0] != nil } && prompts.contains { node[$0] != nil }
  }

  /// A record of lines or of a list; nil where it has no prompt that is a text, or nothing that could be a
  /// reply.
  static func record(_ node: JSONNode, _ place: RecordPlace) -> ReplyRecord? {
    guard var record = exchange(node, place) else { return nil }
    record.id = ids.lazy.compactMap { node[$0].flatMap(identifier) }.first
    record.category = (node["category"] ?? node["type"])?.text
    record.reference = (node["reference"] ?? node["target"]).flatMap { $0.text ?? number($0) }
    record.kind = node["kind"]?.text.flatMap { PromptKind(rawValue: $0) }
    record.number = node["sample"]?.integer
    record.reasoning = node["reasoning"]?.text
    record.finishReason = node["finish_reason"]?.text
    record.promptTokens = TokenCount.possible(node["prompt_tokens"]?.integer)
    record.completionTokens = TokenCount.possible(node["completion_tokens"]?.integer)
    if let error = node["error"]?.text, !error.isEmpty, record.reply?.isEmpty ?? true {
      (record.reply, record.failure) = (nil, error)
    }
    return record
  }

  private static func exchange(_ node: JSONNode, _ place: RecordPlace) -> ReplyRecord? {
    let given = replies.lazy.compactMap { node[$0] }.first
    for name in ["messages", "conversation", "prompt", "input"] {
      guard let turns = node[name]?.elements, let talk = ConversationText(turns) else { continue }
      guard let asked = talk.question else { return nil }
      if let given { return ReplyRecord(prompt: asked, reply: reply(given), place: place) }
      guard let answer = talk.answer else { return nil }
      return ReplyRecord(prompt: asked, reply: answer, place: place)
    }
    guard let given, let asked = prompts.lazy.compactMap({ node[$0]?.text }).first,
      asked.contains(where: { !$0.isWhitespace })
    else { return nil }
    // Dolly's and Alpaca's requests have a part of their own for what they are about.
    let about = node["instruction"] == nil ? nil : (node["context"] ?? node["input"])?.text
    let prompt = about.map { $0.isEmpty ? asked : "\(asked)\n\n\($0)" } ?? asked
    return ReplyRecord(prompt: prompt, reply: reply(given), place: place)
  }

  /// A text, a message, or the only one of a list of these; nil is no reply.
  static func reply(_ node: JSONNode) -> String? {
    if let text = ConversationText.text(of: node) { return text }
    if let content = node["content"] { return ConversationText.text(of: content) }
    guard let elements = node.elements, elements.count == 1 else { return nil }
    return reply(elements[0])
  }

  static func identifier(_ node: JSONNode) -> String? {
    if let text = node.text { return text.isEmpty ? nil : text }
    return node.integer.map(String.init)
  }

  static func number(_ node: JSONNode) -> String? {
    node.double == nil ? nil : node.serialized
  }
}

/// A conversation as lists of messages have it.
struct ConversationText {
  /// What the last turn of the user's says.
  private(set) var question: String?
  /// What the assistant says behind it.
  private(set) var answer: String?

  /// - Returns: nil where the list is not of messages.
  init?(_ turns: [JSONNode], attachments: JSONNode? = nil) {
    for turn in turns {
      guard let role = (turn["role"] ?? turn["from"])?.text else { return nil }
      guard let node = turn["content"] ?? turn["value"],
        let text = Self.text(of: node, attachments: attachments)
      else { continue }
      switch role {
      case "user", "human": (question, answer) = (text, nil)
      case "assistant", "gpt", "model": answer = text
      default: break
      }
    }
    guard !turns.isEmpty else { return nil }
  }

  /// A content: a text, or parts of which those of text count.
  static func text(of node: JSONNode, attachments: JSONNode? = nil) -> String? {
    if let text = node.text {
      let mark = "attachment://"
      guard text.hasPrefix(mark), let attachments else { return text }
      return attachments[String(text.dropFirst(mark.count))]?.text ?? text
    }
    guard let parts = node.elements, !parts.isEmpty,
      parts.allSatisfy({ $0["type"]?.text != nil })
    else { return nil }
    return parts.filter { $0["type"]?.text == "text" }
      .compactMap { $0["text"].flatMap { text(of: $0, attachments: attachments) } }
      .joined()
  }

  /// What a model thought, of a content in parts.
  static func reasoning(of node: JSONNode) -> String? {
    let parts = (node.elements ?? []).filter { $0["type"]?.text == "reasoning" }
    let text = parts.compactMap { $0["reasoning"]?.text }.joined(separator: "\n\n")
    return text.isEmpty ? nil : text
  }
}
