import Support

/// The texts of a reply's message: its content, whole or in parts, its thoughts, its refusal.
struct MessageText {
  /// nil where there is none; parts of text joined.
  private(set) var content: String?
  /// What the server keeps apart as thoughts.
  private(set) var thoughts: [String] = []
  /// What stands in the API's own field for refusals; nil where it is empty.
  private(set) var refusal: String?

  /// Names that servers and gateways have for thoughts; those that say the same follow each other.
  private static let reasoningFields = [
    "reasoning_content", "reasoning", "thinking", "reasoning_text", "thoughts", "thought",
    "reasoning_details", "thinking_blocks",
  ]

  init(_ message: JSONNode) {
    if let text = message["refusal"]?.text, !text.isEmpty { refusal = text }
    switch message["content"] {
    case .string(let text): content = text
    case .array(let parts): for part in parts { read(part) }
    case .object(let members): read(.object(members))
    default: break
    }
    // Some give the same thoughts under two names.
    for field in Self.reasoningFields where thoughts.isEmpty {
      if let value = message[field] { noteThought(value) }
    }
  }

  private mutating func read(_ part: JSONNode) {
    if let text = part.text {
      content = (content ?? "") + text
      return
    }
    switch part["type"]?.text {
    case "text", "output_text", nil:
      if let text = Self.text(of: part["text"]) { content = (content ?? "") + text }
    case "refusal":
      let text = Self.text(of: part["refusal"]) ?? Self.text(of: part["text"])
      if let text, !text.isEmpty { refusal = (refusal ?? "") + text }
    case let type?
    where type.contains("think") || type.contains("reason") || type.contains("thought"):
      noteThought(part)
    default:
      break
    }
  }

  /// A text, an object that has it, or a list of those.
  private static func text(of node: JSONNode?) -> String? {
    guard let node else { return nil }
    if let text = node.text { return text }
    if let parts = node.elements {
      let texts = parts.compactMap { text(of: $0) }
      return texts.isEmpty ? nil : texts.joined()
    }
    for key in [
      "text", "value", "thinking", "reasoning", "reasoning_content", "content", "summary",
    ] {
      if let value = node[key], let text = text(of: value) { return text }
    }
    return nil
  }

  private mutating func noteThought(_ node: JSONNode) {
    if let text = Self.text(of: node), !text.isEmpty { thoughts.append(text) }
  }
}
