public import Chat
public import Foundation

/// How a conversation is written for a model: the part of its chat template that matters here.
///
/// Recognised from the model's own template, since the embedded server runs no template language.
/// One file for each family, behind `ChatStyle`.
public struct ChatFormat: Sendable {
  let style: any ChatStyle

  /// The names that `named` and `--chat-format` take.
  public static let names = ["chatml", "llama2", "llama3", "mistral", "gemma", "alpaca"]

  public var name: String { style.name }

  /// A format by its name, with its usual defaults.
  public static func named(_ name: String) throws(TokenizerError) -> ChatFormat {
    guard let style = style(named: name, template: "") else { throw .unknownFormat(name: name) }
    return ChatFormat(style: style)
  }

  /// Recognises the format of a model folder from `chat_template.jinja`, or else from
  /// `chat_template` in `tokenizer_config.json` (a template, or a list of named ones).
  public static func recognised(in folder: URL) throws(TokenizerError) -> ChatFormat {
    guard let template = template(in: folder), !template.isEmpty else {
      throw .noTemplate(folder: folder.path)
    }
    guard let name = recognise(template), let style = style(named: name, template: template) else {
      throw .unrecognisedTemplate(folder: folder.path)
    }
    return ChatFormat(style: style)
  }

  /// The conversation as one text.
  ///
  /// - Parameter addGenerationPrompt: ends with the opening of the assistant's next turn.
  public func render(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> String {
    try style.parts(messages, addGenerationPrompt: addGenerationPrompt).map(\.text).joined()
  }

  /// The conversation's tokens, up to the opening of the assistant's reply. Only the format's own
  /// special tokens count: those typed by a user stay text.
  public func encode(
    _ messages: [ChatMessage], with tokenizer: Tokenizer
  ) throws(TokenizerError) -> [Int] {
    tokenizer.encode(
      try style.parts(messages, addGenerationPrompt: true).map {
        Tokenizer.Segment($0.text, parseSpecial: $0.isMarkup)
      })
  }

  /// The conversation's tokens with a mark on those that the assistant says, the end of its turns
  /// included: what the loss of a fine-tuning falls on.
  ///
  /// The assistant's stretches are encoded apart from the others, as they are when a prompt is
  /// followed by a generated reply.
  public func encodeForTraining(
    _ messages: [ChatMessage], with tokenizer: Tokenizer
  ) throws(TokenizerError) -> (ids: [Int], isAssistant: [Bool]) {
    var ids: [Int] = []
    var isAssistant: [Bool] = []
    var run: [ChatPart] = []
    func flush() {
      guard let first = run.first else { return }
      let encoded = tokenizer.encode(
        run.map { Tokenizer.Segment($0.text, parseSpecial: $0.isMarkup) })
      ids += encoded
      isAssistant += [Bool](repeating: first.isReply, count: encoded.count)
      run = []
    }
    for part in try style.parts(messages, addGenerationPrompt: false) {
      if let first = run.first, first.isReply != part.isReply { flush() }
      run.append(part)
    }
    flush()
    return (ids, isAssistant)
  }

  /// Tokens that end the assistant's turn in this format, beside the model's own end.
  public func stopTokenIDs(with tokenizer: Tokenizer) -> [Int] {
    style.stopTokens.compactMap { tokenizer.id(of: $0) }
  }

  // MARK: - Recognition

  private static func recognise(_ template: String) -> String? {
    if template.contains("<|im_start|>") { return "chatml" }
    if template.contains("<|start_header_id|>") { return "llama3" }
    if template.contains("<start_of_turn>") { return "gemma" }
    if template.contains("[INST]") {
      return template.contains("<<SYS>>") ? "llama2" : "mistral"
    }
    return template.contains("### Instruction:") ? "alpaca" : nil
  }

  private static func style(named name: String, template: String) -> (any ChatStyle)? {
    switch name {
    case "chatml": ChatMLStyle(template: template)
    case "llama2": Llama2Style()
    case "llama3": Llama3Style(template: template)
    case "mistral": MistralStyle(template: template)
    case "gemma": GemmaStyle(template: template)
    case "alpaca": AlpacaStyle()
    default: nil
    }
  }

  private static func template(in folder: URL) -> String? {
    if let text = try? String(
      contentsOf: folder.appending(path: "chat_template.jinja"), encoding: .utf8)
    {
      return text
    }
    let file = folder.appending(path: "tokenizer_config.json")
    guard let data = try? Data(contentsOf: file), let root = try? JSONValue(data),
      let value = root["chat_template"]
    else { return nil }
    if let text = value.string { return text }
    let named = value.array ?? []
    let chosen = named.first { $0["name"]?.string == "default" } ?? named.first
    return chosen?["template"]?.string
  }
}

/// One family of chat templates.
protocol ChatStyle: Sendable {
  var name: String { get }
  /// Tokens that end the assistant's turn.
  var stopTokens: [String] { get }
  func parts(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> [ChatPart]
}

/// A stretch of a rendered conversation.
struct ChatPart: Equatable {
  var text: String
  /// Written by the template: its special tokens count.
  var isMarkup: Bool
  /// Said by the assistant, the end of its turn included.
  var isReply: Bool

  static func markup(_ text: String, isReply: Bool = false) -> ChatPart {
    ChatPart(text: text, isMarkup: true, isReply: isReply)
  }

  static func content(_ text: String, isReply: Bool = false) -> ChatPart {
    ChatPart(text: text, isMarkup: false, isReply: isReply)
  }
}

extension ChatStyle {
  /// For formats without a system role: its text becomes the beginning of the first user turn.
  func mergingSystem(
    _ messages: [ChatMessage], separator: String = "\n\n"
  ) throws(TokenizerError) -> [ChatMessage] {
    guard let first = messages.first, first.role == .system else { return messages }
    guard messages.count > 1, messages[1].role == .user else {
      throw .invalidConversation(
        format: name, reason: "a system message must be followed by a user's")
    }
    let merged = ChatMessage(role: .user, content: first.content + separator + messages[1].content)
    return [merged] + messages.dropFirst(2)
  }

  /// For formats that pair each instruction with a response.
  func checkAlternation(_ messages: [ChatMessage]) throws(TokenizerError) {
    for (index, message) in messages.enumerated() {
      guard message.role == (index % 2 == 0 ? .user : .assistant) else {
        throw .invalidConversation(
          format: name,
          reason: "expected user and assistant in turn, found \(message.role.rawValue) as message "
            + "\(index + 1)")
      }
    }
  }
}
