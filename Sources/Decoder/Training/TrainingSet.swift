package import Foundation
package import ModelAccess
package import Support

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
  /// Where each dialogue stands in the file; empty where it came from none.
  private let places: [RecordPlace]
  /// SHA-256 of the file.
  package let digest: String
  /// The file's name without its extension; of a mixture both.
  package let name: String

  package init(
    source: String, dialogues: [Dialogue], places: [RecordPlace] = [], digest: String,
    name: String? = nil
  ) {
    self.source = source
    self.name = name ?? URL(filePath: source).deletingPathExtension().lastPathComponent
    self.dialogues = dialogues
    self.places = places
    self.digest = digest
  }

  /// Where a dialogue stands, for messages.
  func place(of index: Int) -> RecordPlace {
    places.indices.contains(index) ? places[index] : .entry(index + 1)
  }

  /// The same set with only the first so many dialogues.
  package func prefix(_ count: Int?) -> TrainingSet {
    TrainingSet(
      source: source, dialogues: count.map { Array(dialogues.prefix($0)) } ?? dialogues,
      places: places, digest: digest, name: name)
  }
}

extension TrainingSet {
  /// Reads a file of JSON lines, of one JSON list, or of one object around a list; entries are, in any
  /// of these forms:
  /// - `{"messages": [{"role", "content"}, …]}`, or that list itself (the identity-shift data), or
  ///   ShareGPT's `{"conversations": [{"from", "value"}, …]}`;
  /// - `{"prompt", "chosen", "rejected"}`, each a text or a list of messages, for preferences;
  /// - a prompt and a reply: `prompt`, `instruction`, `question`, `query` or `input`, with further
  ///   `input` or `context`, and `completion`, `response`, `output`, `answer` or `reply` (Alpaca, Dolly,
  ///   GSM8K and others).
  ///
  /// - Throws: `TrainingError`, naming the file and the line, or the entry of a list.
  package init(file: URL) throws(TrainingError) {
    let input: InputFile
    let records: [RecordFile.Record]
    do throws(InputFile.Fault) {
      input = try InputFile(file, .records)
    } catch {
      throw .unreadable(source: file.path, reason: error.reason)
    }
    do throws(RecordFile.Fault) {
      records = try RecordFile.records(of: input, isRecord: TrainingEntry.isDialogue)
    } catch {
      throw .unreadable(source: file.path, reason: "\(error)")
    }
    var dialogues: [Dialogue] = []
    for record in records {
      func malformed(_ expected: String, _ found: String) -> TrainingError {
        .malformed(source: file.path, place: record.place, expected: expected, found: found)
      }
      let dialogue: Dialogue
      do throws(TrainingEntry.Misfit) {
        dialogue = try TrainingEntry.dialogue(of: record.value)
      } catch {
        throw malformed(error.expected, error.found)
      }
      if let fault = dialogue.preferenceFault {
        throw malformed("a chosen and another, rejected reply to the same prompt", fault)
      }
      dialogues.append(dialogue)
    }
    guard !dialogues.isEmpty else { throw .emptyDataset(source: file.path) }
    self.init(
      source: file.path, dialogues: dialogues, places: records.map(\.place),
      digest: Digest.sha256(input.data))
  }
}
