import Foundation
import ModelAccess
import Support

/// The public sets that are tables.
extension PromptSetLoader {
  /// A public set's columns: what to ask, what tells it from others, and what it is for.
  private struct Columns {
    let prompt: String
    let category: String?
    let id: String?
    let context: String?
    let marks: Set<String>
    let kind: PromptSet.Kind?

    /// In order: the first whose marks are all present is taken.
    static let known: [Columns] = [
      // HarmBench
      Columns(
        prompt: "Behavior", category: "SemanticCategory", id: "BehaviorID",
        context: "ContextString", marks: ["Behavior", "SemanticCategory"], kind: .harmful),
      // JailbreakBench; its benign half has the same columns.
      Columns(
        prompt: "Goal", category: "Category", id: nil, context: nil,
        marks: ["Goal", "Behavior", "Category"], kind: nil),
      // AdvBench
      Columns(
        prompt: "goal", category: nil, id: nil, context: nil, marks: ["goal", "target"],
        kind: .harmful),
      // The same cut down to its prompts.
      Columns(
        prompt: "goal", category: "category", id: "id", context: nil, marks: ["goal"],
        kind: .harmful),
      // StrongREJECT
      Columns(
        prompt: "forbidden_prompt", category: "category", id: nil, context: nil,
        marks: ["forbidden_prompt"], kind: .harmful),
      // XSTest: safe prompts and their unsafe contrasts, told apart by type.
      Columns(
        prompt: "prompt", category: "type", id: "id", context: nil, marks: ["prompt", "type"],
        kind: .benign),
      // Ours as a table.
      Columns(
        prompt: "prompt", category: "category", id: "id", context: nil, marks: ["prompt"],
        kind: nil),
    ]
  }

  static func table(
    _ text: String, name: String, file: URL
  ) throws(FileError) -> (PromptSet.Kind, [Row]) {
    let table = try CSVTable(text, file: file)
    let header = Set(table.header)
    guard let columns = Columns.known.first(where: { $0.marks.isSubset(of: header) }) else {
      if let delimiter = otherDelimiter(table.header) {
        throw .unrecognised(
          path: file.path, expected: knownForms,
          found: "columns with \(delimiter) between them instead of commas")
      }
      if table.rows.allSatisfy({ $0.fields.count == 1 }) {
        return (kind(ofFileNamed: name), plainList(table, name: name))
      }
      throw .missingColumn(path: file.path, column: "goal or prompt", found: table.header)
    }
    try table.requireEqualLengths(file: file)
    var rows: [Row] = []
    for (index, row) in table.records.enumerated() {
      func field(_ name: String?) -> String? { name.flatMap { table.field($0, of: row) } }
      // XSTest's contrast rows are unsafe; the set is used for its safe ones.
      if columns.category == "type", field("type")?.hasPrefix("contrast_") == true { continue }
      guard let prompt = field(columns.prompt), !prompt.isEmpty else {
        throw .malformedLine(
          path: file.path, line: row.line, expected: "a text in column \(columns.prompt)",
          found: "none")
      }
      let context = field(columns.context) ?? ""
      let id = field(columns.id) ?? ""
      rows.append(
        Row(
          prompt: Prompt(
            id: id.isEmpty ? numbered(name, index) : id,
            category: field(columns.category) ?? "none",
            prompt: context.isEmpty ? prompt : "\(context)\n\n\(prompt)"),
          place: .line(row.line)))
    }
    return (columns.kind ?? kind(ofFileNamed: name), rows)
  }

  /// The character that a header's known columns have between them where it is no comma.
  private static func otherDelimiter(_ header: [String]) -> String? {
    guard header.count == 1, let text = header.first else { return nil }
    let known = Columns.known.reduce(into: Set<String>()) { $0.formUnion($1.marks) }
    return [(Character(";"), "semicolons"), ("\t", "tabs"), ("|", "bars")].first { mark, _ in
      let names = text.split(separator: mark).map { $0.filter { $0 != "\"" && $0 != " " } }
      return names.count > 1 && names.contains(where: known.contains)
    }?.1
  }

  /// A table of one column without a header, as AdvBench's behaviours are also published: every
  /// line is a prompt.
  private static func plainList(_ table: CSVTable, name: String) -> [Row] {
    table.rows.enumerated().map { index, row in
      Row(
        prompt: Prompt(id: numbered(name, index), category: "none", prompt: row.fields[0]),
        place: .line(row.line))
    }
  }
}
