import Foundation
import ModelAccess
import Support

/// A judge's reply read by its schema: strictly, since what is misread would count as a verdict.
///
/// Either the whole reply is one JSON object (a code fence around it does not matter) with every
/// field of the schema, of its kind and in its range; or each field but the texts stands in a tag of
/// its name, `<score>5</score>`, outside of any other text's reach: where a tag occurs several times
/// all must say the same.
struct JudgeAnswer {
  private var values: [String: Any] = [:]

  /// nil where the reply is neither.
  init?(_ text: String, _ schema: OutputSchema) {
    if let object = Self.object(text), object.duplicateKey == nil {
      for (name, kind) in schema.fields {
        guard let value = Self.value(object[name], kind) else { return nil }
        values[name] = value
      }
      return
    }
    for (name, kind) in schema.fields where kind != .text {
      let found = Set(Self.tagged(name, in: text))
      guard found.count == 1, let value = Self.value(found.first.map(JSONNode.string), kind)
      else { return nil }
      values[name] = value
    }
  }

  func integer(_ name: String) -> Int? { values[name] as? Int }
  func boolean(_ name: String) -> Bool? { values[name] as? Bool }

  private static func object(_ text: String) -> JSONNode? {
    var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if text.hasPrefix("```"), text.hasSuffix("```"), text.count > 6 {
      text = String(text.dropFirst(3).dropLast(3))
      if text.hasPrefix("json") { text = String(text.dropFirst(4)) }
    }
    guard let node = try? JSONNode(parsing: Array(text.utf8)), node.members != nil else {
      return nil
    }
    return node
  }

  /// From JSON's value or a tag's text.
  private static func value(_ found: JSONNode?, _ kind: OutputSchema.Kind) -> Any? {
    switch (kind, found) {
    case (.text, .string(let text)): return text
    case (.boolean, .boolean(let flag)): return flag
    case (.boolean, .string(let text)), (.boolean, .number(let text)):
      return ["true": true, "yes": true, "1": true, "false": false, "no": false, "0": false][
        text.lowercased()]
    case (.integer(let range), .string(let text)), (.integer(let range), .number(let text)):
      let digits = text.hasSuffix(".0") ? String(text.dropLast(2)) : text
      return Int(digits).flatMap { range.contains($0) ? $0 : nil }
    default: return nil
    }
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
