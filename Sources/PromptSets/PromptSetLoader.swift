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
    let input: InputFile
    let text: String
    do throws(InputFile.Fault) {
      input = try InputFile(file, .records)
      text = try input.text()
    } catch {
      throw FileError(file, error)
    }
    let name = file.deletingPathExtension().lastPathComponent
    let (kind, rows) = try read(input, text, name: name, file: file)
    guard !rows.isEmpty else { throw .empty(path: file.path, expected: "prompt") }
    var seen: Set<String> = []
    for row in rows where !seen.insert(row.prompt.id).inserted {
      switch row.place {
      case .line(let line): throw .duplicateID(path: file.path, id: row.prompt.id, line: line)
      case .entry(let entry):
        throw .malformedEntry(
          path: file.path, entry: entry, expected: "ids to be unique",
          found: "\(row.prompt.id) again")
      }
    }
    let prompts = rows.map(\.prompt)
    return PromptSet(
      name: name, kind: kind, prompts: limit.map { Array(prompts.prefix($0)) } ?? prompts,
      digest: Digest.sha256(input.data))
  }

  /// A prompt and where it stands in its file.
  struct Row {
    let prompt: Prompt
    let place: RecordPlace
  }

  private static func read(
    _ input: InputFile, _ text: String, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Row]) {
    let start = text.first { !$0.isWhitespace }
    switch (start, file.pathExtension.lowercased()) {
    case (nil, _): throw .empty(path: file.path, expected: "prompt")
    case ("[", _), ("{", _): return try records(input, name: name, file: file)
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

  /// A record of JSON: a line, or an entry of a list.
  private struct Record {
    /// A text, or the number that some sets have.
    var id: String?
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

    init(_ json: JSONNode) throws(JSONFields.Fault) {
      let fields = JSONFields(json)
      id = try fields.optional("id") { $0.text ?? $0.wholeNumber.map(String.init) }
      category = try fields.optionalText("category")
      prompt = try fields.optionalText("prompt")
      system = try fields.optionalText("system")
      reference = try fields.optionalText("reference")
      instruction = try fields.optionalText("instruction")
      context = try fields.optionalText("context")
      input = try fields.optionalText("input")
      response = try fields.optionalText("response")
      output = try fields.optionalText("output")
      question = try fields.optionalText("question")
      answer = try fields.optionalText("answer")
      kind = try fields.optional("kind") { $0.text.flatMap(PromptSet.Kind.init(rawValue:)) }
    }

    /// - Parameter fileKind: of a file's prompts where they do not say it.
    func prompt(
      named name: String, _ index: Int, fileKind: PromptSet.Kind
    ) -> (PromptSet.Kind, Prompt)? {
      let fallback = PromptSetLoader.numbered(name, index)
      if let prompt {
        guard prompt.contains(where: { !$0.isWhitespace }) else { return nil }
        return (
          kind ?? fileKind,
          Prompt(
            id: id ?? fallback, category: category ?? "none", prompt: prompt, system: system,
            reference: reference)
        )
      }
      if let instruction {
        guard instruction.contains(where: { !$0.isWhitespace }) else { return nil }
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
        guard question.contains(where: { !$0.isWhitespace }) else { return nil }
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

  private static let expectedRecord =
    "a JSON object with the text prompt (or instruction, or question and answer)"

  /// The prompts of JSON lines, of a list of objects or of texts, or of an object around a list, such as
  /// `{"instructions": ["…"]}`.
  private static func records(
    _ input: InputFile, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Row]) {
    let records: [RecordFile.Record]
    do throws(RecordFile.Fault) {
      records = try RecordFile.records(of: input) { node in
        ["prompt", "instruction", "question"].contains { node[$0] != nil }
      }
    } catch {
      guard case .line(let line, _, _, let excerpt) = error else {
        throw .unreadable(path: file.path, reason: "\(error)")
      }
      throw malformed(.line(line), file, expected: expectedRecord, found: excerpt)
    }
    var rows: [Row] = []
    var kind: PromptSet.Kind?
    let fileKind = self.kind(ofFileNamed: name)
    var isList = false
    for record in records {
      if case .entry = record.place { isList = true }
      let (found, prompt) = try self.prompt(
        record, rows.count, name: name, file: file, fileKind)
      let first = kind ?? found
      guard found == first else {
        throw malformed(
          record.place, file,
          expected: "\(first.rawValue) prompts only, as on the first line (a set has one kind)",
          found: "a \(found.rawValue) one")
      }
      kind = first
      rows.append(Row(prompt: prompt, place: record.place))
    }
    let first = records.first?.value
    guard isList, first?["kind"] == nil else { return (kind ?? .harmful, rows) }
    // Lists have the kind that their name says. Else texts alone are what sets of malicious requests are
    // published as; Alpaca's entries are not.
    return (self.kind(ofFileNamed: name, otherwise: first?.text != nil ? .harmful : .benign), rows)
  }

  private static func prompt(
    _ record: RecordFile.Record, _ index: Int, name: String, file: URL, _ fileKind: PromptSet.Kind
  ) throws(FileError) -> (PromptSet.Kind, Prompt) {
    if let text = record.value.text, case .entry = record.place,
      text.contains(where: { !$0.isWhitespace })
    {
      return (fileKind, Prompt(id: numbered(name, index), category: "none", prompt: text))
    }
    guard record.value.members != nil,
      let value = try? Record(record.value),
      let found = value.prompt(named: name, index, fileKind: fileKind)
    else {
      throw malformed(
        record.place, file, expected: expectedRecord, found: record.value.excerpt)
    }
    return found
  }

  private static func malformed(
    _ place: RecordPlace, _ file: URL, expected: String, found: String
  ) -> FileError {
    switch place {
    case .line(let line):
      .malformedLine(path: file.path, line: line, expected: expected, found: found)
    case .entry(let entry):
      .malformedEntry(path: file.path, entry: entry, expected: expected, found: found)
    }
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
