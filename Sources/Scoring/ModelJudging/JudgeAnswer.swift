import Chat
import Foundation

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
    if let object = Self.object(text) {
      for (name, kind) in schema.fields {
        guard let value = Self.value(object[name], kind) else { return nil }
        values[name] = value
      }
      return
    }
    for (name, kind) in schema.fields where kind != .text {
      let found = Set(Self.tagged(name, in: text))
      guard found.count == 1, let value = Self.value(found.first, kind) else { return nil }
      values[name] = value
    }
  }

  func integer(_ name: String) -> Int? { values[name] as? Int }
  func boolean(_ name: String) -> Bool? { values[name] as? Bool }

  private static func object(_ text: String) -> [String: Any]? {
    var text = text.trimmingCharacters(in: .whitespacesAndNewlines)
    if text.hasPrefix("```"), text.hasSuffix("```"), text.count > 6 {
      text = String(text.dropFirst(3).dropLast(3))
      if text.hasPrefix("json") { text = String(text.dropFirst(4)) }
    }
    return (try? JSONSerialization.jsonObject(with: Data(text.utf8))) as? [String: Any]
  }

  /// From JSON's value or a tag's text.
  private static func value(_ found: Any?, _ kind: OutputSchema.Kind) -> Any? {
    switch kind {
    case .text:
      return found as? String
    case .boolean:
      if let text = found as? String {
        return ["true": true, "yes": true, "1": true, "false": false, "no": false, "0": false][
          text.lowercased()]
      }
      guard let number = found as? NSNumber, [0, 1].contains(number.doubleValue) else { return nil }
      return number.doubleValue == 1
    case .integer(let range):
      let number: Double?
      if let text = found as? String {
        number = Double(text)
      } else {
        number = (found as? NSNumber)?.doubleValue
      }
      guard let number, let whole = Int(exactly: number), range.contains(whole) else { return nil }
      return whole
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
