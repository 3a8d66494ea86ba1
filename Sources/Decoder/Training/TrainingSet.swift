package import Foundation
package import ModelAccess
import Support

/// Dialogues to fine-tune on.
package struct TrainingSet: Sendable {
  package struct Dialogue: Equatable, Sendable {
    package var messages: [ChatMessage]
    /// The same beginning with a worse reply, for the preference objective.
    package var rejected: [ChatMessage]?

    package init(messages: [ChatMessage], rejected: [ChatMessage]? = nil) {
      self.messages = messages
      self.rejected = rejected
    }

    /// What keeps a pair from telling which reply is better; nil where nothing does.
    var preferenceFault: String? {
      guard let rejected else { return nil }
      if messages == rejected { return "the same twice" }
      if messages.dropLast() != rejected.dropLast() { return "two prompts" }
      return messages.last?.content.isEmpty == false ? nil : "an empty chosen reply"
    }
  }

  /// The file's path, for messages.
  package let source: String
  package let dialogues: [Dialogue]
  /// SHA-256 of the file.
  package let digest: String

  package init(source: String, dialogues: [Dialogue], digest: String) {
    self.source = source
    self.dialogues = dialogues
    self.digest = digest
  }

  /// The file's name without its extension.
  package var name: String { URL(filePath: source).deletingPathExtension().lastPathComponent }

  /// The same set with only the first so many dialogues.
  package func prefix(_ count: Int?) -> TrainingSet {
    TrainingSet(
      source: source, dialogues: count.map { Array(dialogues.prefix($0)) } ?? dialogues,
      digest: digest)
  }
}

extension TrainingSet {
  /// Reads a file of JSON lines or of one JSON list, whose entries are, in any of these forms:
  /// - `{"messages": [{"role", "content"}, …]}`, or that list itself (the identity-shift data);
  /// - `{"prompt", "chosen", "rejected"}`, each a text or a list of messages, for preferences;
  /// - `{"instruction", "input"?, "output"}` (Alpaca), `{"instruction", "context"?, "response"}`
  ///   (Dolly), `{"question", "answer"}` (GSM8K), `{"prompt", "completion"}`.
  ///
  /// - Throws: `TrainingError`, naming the file and the entry.
  package init(file: URL) throws(TrainingError) {
    let data: Data
    do {
      data = try Data(contentsOf: file)
    } catch {
      throw .unreadable(source: file.path, reason: (error as NSError).localizedDescription)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .unreadable(source: file.path, reason: "it is not UTF-8 text")
    }
    let entries: [Entry]
    if text.first(where: { !$0.isWhitespace && $0 != "\u{FEFF}" }) == "[" {
      do {
        entries = try JSONDecoder().decode([Entry].self, from: data)
      } catch {
        throw .unreadable(source: file.path, reason: error.plainReason)
      }
    } else {
      var lines: [Entry] = []
      for (index, line) in text.split(separator: "\n").enumerated()
      where line.contains(where: { !$0.isWhitespace }) {
        do {
          lines.append(try JSONDecoder().decode(Entry.self, from: Data(line.utf8)))
        } catch {
          throw .malformedLine(
            source: file.path, line: index + 1, expected: "a JSON object of a known form",
            found: "\(line.prefix(80)) (\(error.plainReason))")
        }
      }
      entries = lines
    }
    var dialogues: [Dialogue] = []
    for (index, entry) in entries.enumerated() {
      guard let dialogue = entry.dialogue else {
        throw .malformedLine(
          source: file.path, line: index + 1,
          expected: "messages, prompt with completion or chosen and rejected, instruction with "
            + "output or response, or question with answer", found: "none of them")
      }
      if let fault = dialogue.preferenceFault {
        throw .malformedLine(
          source: file.path, line: index + 1,
          expected: "a chosen and another, rejected reply to the same prompt", found: fault)
      }
      dialogues.append(dialogue)
    }
    guard !dialogues.isEmpty else { throw .emptyDataset(source: file.path) }
    self.init(
      source: file.path, dialogues: dialogues, digest: Digest.sha256(data))
  }
}

/// One entry of a file, in any of the known forms.
private struct Entry: Decodable {
  /// A text, or messages.
  enum Part: Decodable {
    case text(String)
    case messages([ChatMessage])

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let text = try? container.decode(String.self) {
        self = .text(text)
      } else {
        self = .messages(try container.decode([ChatMessage].self))
      }
    }

    func messages(as role: ChatMessage.Role) -> [ChatMessage] {
      switch self {
      case .text(let text): [ChatMessage(role: role, content: text)]
      case .messages(let messages): messages
      }
    }
  }

  struct Fields: Decodable {
    var messages: [ChatMessage]?
    var prompt: Part?
    var completion: Part?
    var chosen: Part?
    var rejected: Part?
    var system: String?
    var instruction: String?
    var input: String?
    var context: String?
    var output: String?
    var response: String?
    var question: String?
    var answer: String?
  }

  let fields: Fields

  init(from decoder: any Decoder) throws {
    if let messages = try? decoder.singleValueContainer().decode([ChatMessage].self) {
      fields = Fields(messages: messages)
    } else {
      fields = try Fields(from: decoder)
    }
  }

  var dialogue: TrainingSet.Dialogue? {
    if let messages = fields.messages { return TrainingSet.Dialogue(messages: messages) }
    if let chosen = fields.chosen, let rejected = fields.rejected {
      let beginning = system + (fields.prompt?.messages(as: .user) ?? [])
      return TrainingSet.Dialogue(
        messages: beginning + chosen.messages(as: .assistant),
        rejected: beginning + rejected.messages(as: .assistant))
    }
    if let prompt = fields.prompt, let completion = fields.completion {
      return TrainingSet.Dialogue(
        messages: system + prompt.messages(as: .user) + completion.messages(as: .assistant))
    }
    if let instruction = fields.instruction, let reply = fields.output ?? fields.response {
      let extra = fields.input ?? fields.context ?? ""
      return exchange(extra.isEmpty ? instruction : "\(instruction)\n\n\(extra)", reply)
    }
    if let question = fields.question, let answer = fields.answer {
      return exchange(question, answer)
    }
    return nil
  }

  private var system: [ChatMessage] {
    fields.system.map { [ChatMessage(role: .system, content: $0)] } ?? []
  }

  private func exchange(_ question: String, _ reply: String) -> TrainingSet.Dialogue {
    TrainingSet.Dialogue(
      messages: system + [
        ChatMessage(role: .user, content: question), ChatMessage(role: .assistant, content: reply),
      ])
  }
}
