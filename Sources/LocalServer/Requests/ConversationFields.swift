import ChatTemplates
import ModelAccess
import Support

/// The conversation of a chat request, and how it ends.
struct ConversationFields: Sendable {
  static let names: Set<String> = [
    "messages", "add_generation_prompt", "continue_final_message", "chat_template_kwargs",
  ]

  var messages: [ChatMessage]
  var ending: ConversationEnding
  /// Further variables of the chat template.
  var arguments: TemplateArguments

  init(_ fields: FieldReader) throws(APIError) {
    let expected = "a list of at least one message"
    guard let list = try fields.list("messages", of: "messages") else {
      throw fields.missing("messages", expected)
    }
    guard !list.isEmpty else {
      throw .invalid("expected messages to be \(expected), found none", param: "messages")
    }
    messages = []
    for (index, node) in list.enumerated() {
      messages.append(try Self.message(FieldReader(node, at: "messages[\(index)]")))
    }
    arguments = try Self.arguments(fields)
    let continues = try fields.flag("continue_final_message") ?? false
    let addsPrompt = try fields.flag("add_generation_prompt")
    switch (continues, addsPrompt) {
    case (true, true):
      throw .invalid(
        "continue_final_message and add_generation_prompt exclude each other",
        param: "continue_final_message")
    case (true, _): ending = .openTurn
    case (false, false): ending = .none
    case (false, _): ending = .generationPrompt
    }
  }

  private static func arguments(_ fields: FieldReader) throws(APIError) -> TemplateArguments {
    var arguments = TemplateArguments()
    guard let object = try fields.object("chat_template_kwargs") else { return arguments }
    for name in object.names {
      do throws(ChatFormatError) {
        try arguments.add(name, object[name] ?? .null)
      } catch {
        throw .invalid("\(error)", param: object.path(name))
      }
    }
    return arguments
  }

  private static func message(_ fields: FieldReader) throws(APIError) -> ChatMessage {
    for name in ["tool_calls", "function_call", "audio"] {
      guard let node = fields[name], node != .array([]) else { continue }
      let path = fields.path(name)
      throw .invalid("\(path) is not supported: leave it out", param: path)
    }
    guard let name = try fields.string("role") else { throw fields.missing("role", "a string") }
    // OpenAI renamed the system role; chat templates know the old name.
    guard let role = ChatMessage.Role(rawValue: name == "developer" ? "system" : name) else {
      throw .invalid(
        "expected \(fields.path("role")) to be system, user or assistant, found "
          + String(name.debugDescription.prefix(100)), param: fields.path("role"))
    }
    return ChatMessage(role: role, content: try content(fields))
  }

  private static func content(_ fields: FieldReader) throws(APIError) -> String {
    guard let node = fields["content"] else {
      throw fields.missing("content", "a string or a list of text parts")
    }
    if let text = node.text { return text }
    guard let parts = node.elements else {
      throw fields.mismatch("content", "a string or a list of text parts", node)
    }
    var text = ""
    for (index, node) in parts.enumerated() {
      let part = try FieldReader(node, at: fields.path("content[\(index)]"))
      let type = try part.string("type") ?? "text"
      guard type == "text" else {
        throw .invalid(
          "content parts of type \(type.debugDescription.prefix(100)) are not supported; this "
            + "model reads text", param: part.path("type"))
      }
      guard let piece = try part.string("text") else { throw part.missing("text", "a string") }
      text += piece
    }
    return text
  }
}
