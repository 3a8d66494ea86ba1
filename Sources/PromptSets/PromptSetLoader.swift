package import Foundation
import ModelAccess
package import Support

/// Reads prompt sets: the project's JSONL and the public sets in their own forms, recognised by
/// their fields or columns.
package enum PromptSetLoader {
  /// What a file that is none of them is told.
  static let knownForms =
    "JSONL with id, category and prompt, a public prompt set (AdvBench, HarmBench, JailbreakBench, "
    + "StrongREJECT or XSTest CSV, Alpaca JSON, Dolly or GSM8K JSONL)"

  /// - Parameter limit: only the first so many, as the reference evaluation takes them.
  package static func load(_ file: URL, limit: Int? = nil) throws(FileError) -> PromptSet {
    let data: Data
    do {
      data = try Data(contentsOf: file)
    } catch {
      throw .unreadable(path: file.path, reason: (error as NSError).localizedDescription)
    }
    guard let text = String(validating: data, as: UTF8.self) else {
      throw .unreadable(path: file.path, reason: "it is not UTF-8 text")
    }
    let body = text.hasPrefix("\u{FEFF}") ? String(text.dropFirst()) : text
    let name = file.deletingPathExtension().lastPathComponent
    let (kind, prompts) = try read(body, name: name, file: file)
    guard !prompts.isEmpty else { throw .empty(path: file.path, expected: "prompt") }
    var seen: Set<String> = []
    for (index, prompt) in prompts.enumerated() where !seen.insert(prompt.id).inserted {
      throw .duplicateID(path: file.path, id: prompt.id, line: index + 1)
    }
    return PromptSet(
      name: name, kind: kind, prompts: limit.map { Array(prompts.prefix($0)) } ?? prompts,
      digest: Digest.sha256(data))
  }

  private static func read(
    _ text: String, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Prompt]) {
    let start = text.first { !$0.isWhitespace }
    switch (start, file.pathExtension.lowercased()) {
    case (nil, _): throw .empty(path: file.path, expected: "prompt")
    case ("[", _): return try alpaca(text, name: name, file: file)
    case ("{", _): return try lines(text, name: name, file: file)
    case (_, "csv"): return try table(text, name: name, file: file)
    default:
      throw .unrecognised(
        path: file.path, expected: knownForms, found: "text that is neither JSON nor CSV")
    }
  }

  /// Rows that bring no id of their own are numbered before any limit.
  static func numbered(_ name: String, _ index: Int) -> String {
    let digits = String(index + 1)
    return "\(name)-\(String(repeating: "0", count: max(0, 4 - digits.count)))\(digits)"
  }

  /// An id as a text, or as the number that some sets have.
  private struct Identifier: Decodable {
    let text: String

    init(from decoder: any Decoder) throws {
      let container = try decoder.singleValueContainer()
      if let number = try? container.decode(Int.self) {
        text = String(number)
      } else {
        text = try container.decode(String.self)
      }
    }
  }

  private struct Line: Decodable {
    var id: Identifier?
    var category: String?
    var prompt: String?
    var system: String?
    var reference: String?
    // Dolly and Alpaca
    var instruction: String?
    var context: String?
    var input: String?
    var response: String?
    var output: String?
    // GSM8K
    var question: String?
    var answer: String?
    // Ours, where the file's purpose is not the default.
    var kind: PromptSet.Kind?

    func prompt(named name: String, _ index: Int) -> (PromptSet.Kind, Prompt)? {
      let fallback = PromptSetLoader.numbered(name, index)
      if let prompt {
        guard prompt.contains(where: { !$0.isWhitespace }) else { return nil }
        return (
          kind ?? PromptSetLoader.kind(ofFileNamed: name),
          Prompt(
            id: id?.text ?? fallback, category: category ?? "none", prompt: prompt, system: system,
            reference: reference)
        )
      }
      if let instruction {
        let extra = context ?? input ?? ""
        return (
          .benign,
          Prompt(
            id: fallback, category: category ?? "instruction",
            prompt: extra.isEmpty ? instruction : "\(instruction)\n\n\(extra)",
            reference: response ?? output)
        )
      }
      if let question, let answer {
        let final = answer.components(separatedBy: "####").last ?? answer
        return (
          .benign,
          Prompt(
            id: fallback, category: "word-problem", prompt: question,
            reference: final.trimmingCharacters(in: .whitespacesAndNewlines))
        )
      }
      return nil
    }
  }

  private static let blanks: [UInt8] = [0x20, 0x09, 0x0D]

  private static func lines(
    _ text: String, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Prompt]) {
    var prompts: [Prompt] = []
    var kind: PromptSet.Kind = .harmful
    let decoder = JSONDecoder()
    // By bytes: splitting by characters would look for combined ones everywhere.
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      guard line.contains(where: { !Self.blanks.contains($0) }) else { continue }
      guard let value = try? decoder.decode(Line.self, from: Data(line)),
        let (found, prompt) = value.prompt(named: name, prompts.count)
      else {
        throw .malformedLine(
          path: file.path, line: index + 1,
          expected: "a JSON object with the text prompt (or instruction, or question and answer)",
          found: String(String(decoding: line, as: UTF8.self).prefix(80)))
      }
      if prompts.isEmpty { kind = found }
      guard found == kind else {
        throw .malformedLine(
          path: file.path, line: index + 1,
          expected: "\(kind.rawValue) prompts only, as on the first line (a set has one kind)",
          found: "a \(found.rawValue) one")
      }
      prompts.append(prompt)
    }
    return (kind, prompts)
  }

  private static func alpaca(
    _ text: String, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Prompt]) {
    guard let list = try? JSONDecoder().decode([Line].self, from: Data(text.utf8)) else {
      throw .unrecognised(
        path: file.path, expected: knownForms, found: "a JSON list of something else")
    }
    var prompts: [Prompt] = []
    for (index, line) in list.enumerated() {
      guard let (_, prompt) = line.prompt(named: name, index) else {
        throw .malformedLine(
          path: file.path, line: index + 1, expected: "an instruction", found: "none")
      }
      prompts.append(prompt)
    }
    return (kind(ofFileNamed: name, otherwise: .benign), prompts)
  }

  /// Files are harmful sets unless their name says otherwise.
  static func kind(
    ofFileNamed name: String, otherwise: PromptSet.Kind = .harmful
  ) -> PromptSet.Kind {
    // By whole words: "unsafe" is not "safe".
    let words = name.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
    let text = words.joined(separator: "-")
    if words.contains(where: ["benign", "helpful", "harmless", "safe", "xstest"].contains)
      || text.contains("over-refusal") || text.contains("overrefusal")
    {
      return .benign
    }
    return words.contains { $0.hasPrefix("harm") } ? .harmful : otherwise
  }
}
