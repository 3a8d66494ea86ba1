import ModelAccess
import Support

/// One entry of a training set, in any of the forms that people have.
enum TrainingEntry {
  /// What was expected of an entry, and what it is.
  struct Misfit: Error {
    let expected: String
    let found: String
  }

  private static let conversations = ["messages", "conversations", "conversation", "dialogue"]
  private static let prompts = ["prompt", "instruction", "question", "query", "input"]
  private static let replies = ["completion", "response", "output", "answer", "reply"]

  private static let forms =
    "messages (or conversations), prompt with completion or chosen and rejected, instruction with "
    + "output or response, or question with answer"

  /// Whether an object is an entry by its keys, rather than something around a list of them.
  static func isDialogue(_ node: JSONNode) -> Bool {
    let keys = conversations + prompts + replies + ["chosen", "rejected"]
    return node.members?.contains { keys.contains($0.key) } ?? true
  }

  static func dialogue(of node: JSONNode) throws(Misfit) -> TrainingSet.Dialogue {
    if node.elements != nil { return TrainingSet.Dialogue(messages: try messages(node)) }
    guard node.members != nil else {
      let found = node.text == nil ? node.kind : "a text alone, without a reply to learn"
      throw Misfit(expected: forms, found: found)
    }
    let system = try node.given("system").map { node throws(Misfit) in
      ChatMessage(role: .system, content: try text(node, "system"))
    }
    if let (_, list) = node.first(of: conversations) {
      let messages = try messages(list)
      let beginning = messages.first?.role == .system ? [] : system.map { [$0] } ?? []
      return TrainingSet.Dialogue(messages: beginning + messages)
    }
    let beginning = system.map { [$0] } ?? []
    if let chosen = node.given("chosen"), let rejected = node.given("rejected") {
      let prompt = try node.given("prompt").map { node throws(Misfit) in
        try part(node, "prompt", as: .user)
      }
      return TrainingSet.Dialogue(
        messages: beginning + (prompt ?? []) + (try part(chosen, "chosen", as: .assistant)),
        rejected: beginning + (prompt ?? []) + (try part(rejected, "rejected", as: .assistant)))
    }
    guard let (promptKey, prompt) = node.first(of: prompts),
      let (replyKey, reply) = node.first(of: replies)
    else {
      let keys = (node.members ?? []).prefix(8).map(\.key.shortened.debugDescription)
      throw Misfit(
        expected: forms,
        found: keys.isEmpty ? "an empty object" : "an object with \(keys.joined(separator: ", "))")
    }
    var question = try part(prompt, promptKey, as: .user)
    let further = promptKey == "input" ? ["context"] : ["input", "context"]
    if let (key, value) = node.first(of: further), question.count == 1, prompt.elements == nil {
      let extra = try text(value, key)
      if !extra.isEmpty { question[0].content += "\n\n\(extra)" }
    }
    return TrainingSet.Dialogue(
      messages: beginning + question + (try part(reply, replyKey, as: .assistant)))
  }

  /// A text as one message, or messages.
  private static func part(
    _ node: JSONNode, _ key: String, as role: ChatMessage.Role
  ) throws(Misfit) -> [ChatMessage] {
    if node.elements != nil { return try messages(node) }
    return [ChatMessage(role: role, content: try text(node, key))]
  }

  private static func messages(_ node: JSONNode) throws(Misfit) -> [ChatMessage] {
    guard let elements = node.elements else {
      throw Misfit(expected: "a list of messages", found: node.kind)
    }
    var messages: [ChatMessage] = []
    for element in elements {
      let expected = "messages with role and content, or from and value"
      guard let (roleKey, role) = element.first(of: ["role", "from"]) else {
        throw Misfit(expected: expected, found: "one without: \(element.excerpt)")
      }
      guard let (contentKey, content) = element.first(of: ["content", "value"]) else {
        throw Misfit(expected: expected, found: "one without a text: \(element.excerpt)")
      }
      messages.append(
        ChatMessage(
          role: try Self.role(try text(role, roleKey)), content: try text(content, contentKey)))
    }
    return messages
  }

  private static func role(_ name: String) throws(Misfit) -> ChatMessage.Role {
    switch name.lowercased() {
    case "system", "developer": return .system
    case "user", "human", "prompter": return .user
    case "assistant", "gpt", "chatgpt", "model", "bot", "ai": return .assistant
    default:
      throw Misfit(
        expected: "turns of system (developer), user (human) or assistant (gpt, model)",
        found: "one of \(name.shortened.debugDescription)")
    }
  }

  /// A text, or the texts of a list of content parts one behind the other.
  private static func text(_ node: JSONNode, _ key: String) throws(Misfit) -> String {
    if let text = node.text { return text }
    guard let parts = node.elements else {
      throw Misfit(expected: "a text in \(key)", found: node.kind)
    }
    var text = ""
    for part in parts {
      let kind = part["type"]?.text ?? "text"
      guard let piece = part.text ?? part["text"]?.text, kind.hasSuffix("text") else {
        throw Misfit(expected: "parts of text in \(key)", found: part.excerpt)
      }
      text += piece
    }
    return text
  }
}

extension JSONNode {
  /// A member that is there and not null.
  fileprivate func given(_ key: String) -> JSONNode? {
    guard let value = self[key], value != .null else { return nil }
    return value
  }

  /// The first of some members that is there and not null.
  fileprivate func first(of keys: [String]) -> (key: String, value: JSONNode)? {
    for key in keys {
      if let value = given(key) { return (key, value) }
    }
    return nil
  }
}
