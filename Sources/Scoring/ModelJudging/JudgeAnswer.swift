import Foundation
import ModelAccess
import Support

/// A judge's reply read by its schema: what is unambiguous and nothing else, since what is misread
/// would count as a verdict.
///
/// Either there is exactly one JSON object, and it has every field of the schema, of its kind and in
/// its range; or there is none, and each field but the texts stands in exactly one tag of its name,
/// `<score>5</score>`. Prose and fences around the object are forgiven, and so are control
/// characters and unknown escapes inside its strings. A list, a field given twice, a second object or
/// the beginning of one, a value of another type: none of these is a verdict.
struct JudgeAnswer {
  private var values: [String: Any] = [:]

  /// nil where the reply is neither.
  init?(_ text: String, _ schema: OutputSchema) {
    let embedded = EmbeddedObjects(in: text)
    let tags = schema.fields.keys.filter { text.contains("<\($0)>") }
    if let object = embedded.objects.first {
      guard embedded.objects.count == 1, !embedded.isDoubtful, tags.isEmpty,
        object.duplicateKey == nil
      else { return nil }
      for member in object.members ?? [] where schema.fields[member.key] == nil {
        // What was not asked for must not hold a verdict of its own.
        guard member.value.members == nil, member.value.elements == nil else { return nil }
      }
      for (name, kind) in schema.fields {
        guard let value = Self.value(object[name], kind) else { return nil }
        values[name] = value
      }
      return
    }
    guard !embedded.isDoubtful else { return nil }
    for (name, kind) in schema.fields where kind != .text {
      let found = Self.tagged(name, in: text)
      guard found.count == 1, let value = Self.value(tag: found[0], kind) else { return nil }
      values[name] = value
    }
  }

  func integer(_ name: String) -> Int? { values[name] as? Int }
  func boolean(_ name: String) -> Bool? { values[name] as? Bool }

  private static func value(_ found: JSONNode?, _ kind: OutputSchema.Kind) -> Any? {
    switch (kind, found) {
    case (.text, .string(let text)): text
    case (.boolean, .boolean(let flag)): flag
    case (.integer(let range), .number(let text)): integer(text, range)
    default: nil
    }
  }

  private static func value(tag text: String, _ kind: OutputSchema.Kind) -> Any? {
    switch kind {
    case .text: text
    case .boolean: ["true": true, "yes": true, "false": false, "no": false][text.lowercased()]
    case .integer(let range): integer(text, range)
    }
  }

  private static func integer(_ text: String, _ range: ClosedRange<Int>) -> Int? {
    let digits = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
    return Int(digits).flatMap { range.contains($0) ? $0 : nil }
  }

  private static func tagged(_ name: String, in text: String) -> [String] {
    text.components(separatedBy: "<\(name)>").dropFirst().map { part in
      // An opening without its end is as good as a contradiction.
      part.range(of: "</\(name)>").map {
        part[..<$0.lowerBound].trimmingCharacters(in: .whitespacesAndNewlines)
      } ?? ""
    }
  }
}
