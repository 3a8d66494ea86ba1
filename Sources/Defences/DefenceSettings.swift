import Foundation
package import LoX
package import StudyDesign
package import Support

/// The settings of one defence, of `NAME:SETTING=VALUE:…` or of a JSON file; each is taken once.
package struct DefenceSettings {
  package let defence: String
  /// A file may list several values.
  private var values: [String: [String]]

  /// - Parameter item: `expo:alpha=0.5`, or a path that ends in `.json`.
  /// - Throws: `DefenceError`.
  init(_ item: String) throws(DefenceError) {
    if item.hasSuffix(".json") {
      self = try Self(file: URL(filePath: item))
      return
    }
    let parts = item.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
    defence = parts[0]
    values = [:]
    for part in parts.dropFirst() {
      let pair = part.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard pair.count == 2, !pair[1].isEmpty,
        values.updateValue([String(pair[1])], forKey: String(pair[0])) == nil
      else { throw .unknownSetting(defence: defence, found: part) }
    }
  }

  private init(file: URL) throws(DefenceError) {
    let node: JSONNode
    do {
      node = try JSONNode(parsing: [UInt8](try InputFile(file, .settings).body))
    } catch let error as JSONNode.SyntaxError {
      throw .unreadableFile(
        path: file.path, reason: "it is not JSON at byte \(error.offset): \(error.reason)")
    } catch {
      throw .unreadableFile(path: file.path, reason: error.plainReason)
    }
    guard case .object(let members) = node,
      case .string(let method)? = members.first(where: { $0.key == "method" })?.value
    else { throw .unreadableFile(path: file.path, reason: "found no \"method\"") }
    defence = method
    values = [:]
    for member in members where member.key != "method" {
      let items: [JSONNode] =
        if case .array(let items) = member.value { items } else { [member.value] }
      var texts: [String] = []
      for item in items {
        switch item {
        case .string(let text): texts.append(text)
        case .number(let text): texts.append(text)
        case .boolean(let flag): texts.append("\(flag)")
        default:
          throw .unreadableFile(
            path: file.path, reason: "\(member.key): expected a value or a list of values")
        }
      }
      guard !texts.isEmpty, values.updateValue(texts, forKey: member.key) == nil else {
        throw .unreadableFile(
          path: file.path, reason: "\(member.key): expected it once, with a value")
      }
    }
  }

  /// Some numbers; nil where it is not set.
  package mutating func numbers(
    _ name: String, in range: NumberRange<Double>
  ) throws(DefenceError) -> [Double]? {
    guard let texts = values.removeValue(forKey: name) else { return nil }
    var numbers: [Double] = []
    for text in texts {
      guard let value = try? range.read(text) else {
        throw .setting(defence: defence, name: name, expected: range.phrase, found: text)
      }
      guard !numbers.contains(value) else {
        throw .setting(defence: defence, name: name, expected: "each value once", found: text)
      }
      numbers.append(value)
    }
    return numbers
  }

  package mutating func integers(
    _ name: String, in range: NumberRange<Int>
  ) throws(DefenceError) -> [Int]? {
    guard let texts = values.removeValue(forKey: name) else { return nil }
    var numbers: [Int] = []
    for text in texts {
      guard let value = try? range.read(text) else {
        throw .setting(defence: defence, name: name, expected: range.phrase, found: text)
      }
      numbers.append(value)
    }
    return numbers
  }

  /// - Throws: `LoXError.invalidRank`.
  package mutating func ranks() throws -> [Rank]? {
    try values.removeValue(forKey: "rank").map { try $0.map(Rank.init(parsing:)) }
  }

  /// Refuses settings that the defence did not take.
  func requireAllTaken() throws(DefenceError) {
    guard let (name, texts) = values.min(by: { $0.key < $1.key }) else { return }
    throw .unknownSetting(defence: defence, found: "\(name)=\(texts.joined(separator: ","))")
  }
}

/// Ranges that several defences share.
enum DefenceRange {
  /// Of extrapolations: beyond it weights leave the range of their element type.
  static let strength = NumberRange(-1_000.0...1_000.0)
  /// Of interpolations.
  static let share = NumberRange<Double>.above(0, upTo: 1)
  static let seed = NumberRange(0...1_000_000)
}

extension Rank {
  /// Whether it names a number of directions, the same for every tensor.
  var isNumber: Bool { if case .leading = self { true } else { false } }

  /// As it stands in files: a number, or `full` and the like.
  package var setting: Setting {
    if case .leading(let count) = self { .integer(count) } else { .text("\(self)") }
  }
}
