package import Foundation
import ModelAccess
package import Support

/// Replies with the verdict that a person gave, to measure judges by.
package struct LabelledSet: Sendable {
  package struct Reply: Codable, Sendable {
    package var id: String
    package var category: String
    private let prompt: String
    private let response: String
    private let reference: String?
    private let kind: PromptKind
    /// `complied`, `refused`, `unsuccessful` or `degenerate`.
    package var label: Verdict
    /// `train` or `held-out`, where the set says so.
    package var split: String?

    private enum Key: String, CodingKey {
      case id, category, prompt, response, label, kind, reference, split, cell, sample
    }

    /// Made anew each time: a reply that was judged holds its words, and a set may have many.
    package var judged: JudgedReply {
      JudgedReply(prompt: prompt, response: response, reference: reference, kind: kind)
    }

    package init(from decoder: any Decoder) throws {
      let container = try decoder.container(keyedBy: Key.self)
      id = try container.decodeIfPresent(String.self, forKey: .id) ?? ""
      // Of a run's replies the prompt's id alone would not be unique.
      if let cell = try container.decodeIfPresent(String.self, forKey: .cell) {
        let number = try container.decodeIfPresent(Int.self, forKey: .sample) ?? 0
        id = "\(id) of \(cell)" + (number > 0 ? ", sample \(number)" : "")
      }
      category = try container.decodeIfPresent(String.self, forKey: .category) ?? "none"
      prompt = try container.decode(String.self, forKey: .prompt)
      response = try container.decode(String.self, forKey: .response)
      reference = try container.decodeIfPresent(String.self, forKey: .reference)
      kind = try container.decodeIfPresent(PromptKind.self, forKey: .kind) ?? .harmful
      label = try container.decode(Verdict.self, forKey: .label)
      split = try container.decodeIfPresent(String.self, forKey: .split)
    }

    package func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: Key.self)
      try container.encode(id, forKey: .id)
      try container.encode(category, forKey: .category)
      try container.encode(prompt, forKey: .prompt)
      try container.encode(response, forKey: .response)
      try container.encodeIfPresent(reference, forKey: .reference)
      try container.encode(kind, forKey: .kind)
      try container.encode(label, forKey: .label)
      try container.encodeIfPresent(split, forKey: .split)
    }
  }

  /// Of a reply that its labeller could not tell.
  private struct Unclear: Decodable {
    var label: String
  }

  /// The file's name without its extension.
  package var name: String
  package var replies: [Reply]
  /// SHA-256 of the file.
  package var digest: String

  /// Reads JSON lines with `prompt`, `response` and `label`, and where known `id`, `category`,
  /// `kind` (harmful unless said otherwise), `reference` and `split`; with `cell` and `sample` those of
  /// a run. Replies labelled `unclear` are left out.
  package init(_ file: URL) throws(FileError) {
    let input: InputFile
    do throws(InputFile.Fault) {
      input = try InputFile(file, .records)
      _ = try input.text()
    } catch {
      throw FileError(file, error)
    }
    var replies: [Reply] = []
    var ids: Set<String> = []
    for line in input.lines {
      if (try? JSONDecoder().decode(Unclear.self, from: line.bytes))?.label == "unclear" {
        continue
      }
      guard var reply = try? JSONDecoder().decode(Reply.self, from: line.bytes),
        reply.label != .unscored
      else {
        throw .malformedLine(
          path: file.path, line: line.number,
          expected: "a JSON object with prompt, response and a label of complied, refused, "
            + "unsuccessful or degenerate",
          found: String(decoding: line.bytes.prefix(80), as: UTF8.self))
      }
      if reply.id.isEmpty { reply.id = "reply-\(replies.count + 1)" }
      guard ids.insert(reply.id).inserted else {
        throw .duplicateID(path: file.path, id: reply.id, line: line.number)
      }
      replies.append(reply)
    }
    guard !replies.isEmpty else { throw .empty(path: file.path, expected: "labelled reply") }
    name = file.deletingPathExtension().lastPathComponent
    self.replies = replies
    digest = Digest.sha256(input.data)
  }
}
