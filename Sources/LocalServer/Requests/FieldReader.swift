import Foundation
import Support

/// Reads an object of a request field by field; what is not as it should be is said in the words of
/// the API, with the field's name.
///
/// A field that is null counts as left out.
struct FieldReader {
  private let members: [String: JSONNode]
  /// Where the object stands in the body, such as `messages[0]`; empty for the body itself.
  let place: String

  /// A whole body.
  init(parsing body: Data) throws(APIError) {
    try self.init(Self.parse(body), at: "", expected: "the body to be a JSON object")
  }

  init(_ node: JSONNode, at place: String) throws(APIError) {
    try self.init(node, at: place, expected: "\(place) to be an object")
  }

  private init(_ node: JSONNode, at place: String, expected: String) throws(APIError) {
    guard let members = node.members else {
      throw .invalid(
        "expected \(expected), found \(Self.found(node))", param: place.isEmpty ? nil : place)
    }
    self.place = place
    var fields: [String: JSONNode] = [:]
    for member in members {
      guard fields.updateValue(member.value, forKey: member.key) == nil else {
        throw .invalid(
          "\(member.key.debugDescription) is given twice",
          param: Self.path(place, member.key))
      }
    }
    self.members = fields
  }

  static func parse(_ body: Data) throws(APIError) -> JSONNode {
    // Some editors begin a file with a byte-order mark.
    let bytes = [UInt8](body.starts(with: [0xEF, 0xBB, 0xBF]) ? body.dropFirst(3) : body)
    do throws(JSONNode.SyntaxError) {
      return try JSONNode(parsing: bytes)
    } catch {
      throw .invalid(
        "expected the body to be a JSON object; it does not parse at byte \(error.offset): "
          + error.reason)
    }
  }

  /// The names of the fields that are there and not null, in alphabetical order.
  var names: [String] { members.filter { $0.value != .null }.keys.sorted() }

  /// A field's value; nil where it is left out or null.
  subscript(name: String) -> JSONNode? {
    guard let node = members[name], node != .null else { return nil }
    return node
  }

  func path(_ name: String) -> String { Self.path(place, name) }

  private static func path(_ place: String, _ name: String) -> String {
    place.isEmpty ? name : "\(place).\(name)"
  }

  /// A value as an error names it.
  static func found(_ node: JSONNode) -> String {
    switch node {
    case .string, .number: "\(node.kind.prefix(100))"
    default: node.kind
    }
  }

  func mismatch(_ name: String, _ expected: String, _ node: JSONNode) -> APIError {
    let path = path(name)
    return .invalid("expected \(path) to be \(expected), found \(Self.found(node))", param: path)
  }

  func missing(_ name: String, _ expected: String) -> APIError {
    let path = path(name)
    return .invalid("expected \(path), \(expected), found nothing", param: path)
  }

  func string(_ name: String) throws(APIError) -> String? {
    guard let node = self[name] else { return nil }
    guard let text = node.text else { throw mismatch(name, "a string", node) }
    return text
  }

  func flag(_ name: String) throws(APIError) -> Bool? {
    guard let node = self[name] else { return nil }
    guard let flag = node.flag else { throw mismatch(name, "true or false", node) }
    return flag
  }

  func integer(_ name: String, _ range: ClosedRange<Int>) throws(APIError) -> Int? {
    guard let node = self[name] else { return nil }
    let expected =
      range.upperBound == .max
      ? range.lowerBound == .min
        ? "an integer of 64 bits" : "an integer of at least \(range.lowerBound)"
      : "an integer from \(range.lowerBound) to \(range.upperBound)"
    guard let value = node.wholeNumber, range.contains(value) else {
      throw mismatch(name, expected, node)
    }
    return value
  }

  /// - Parameter excludesLowest: whether the range is open at its lower end.
  func number(
    _ name: String, _ range: ClosedRange<Double>, excludesLowest: Bool = false
  ) throws(APIError) -> Double? {
    guard let node = self[name] else { return nil }
    guard let value = node.double, range.contains(value),
      !excludesLowest || value > range.lowerBound
    else {
      func text(_ value: Double) -> String { Int(exactly: value).map(String.init) ?? "\(value)" }
      let (lowest, highest) = (text(range.lowerBound), text(range.upperBound))
      throw mismatch(
        name,
        excludesLowest
          ? "a number above \(lowest) and up to \(highest)"
          : "a number from \(lowest) to \(highest)", node)
    }
    return value
  }

  func list(_ name: String, of elements: String) throws(APIError) -> [JSONNode]? {
    guard let node = self[name] else { return nil }
    guard let list = node.elements else { throw mismatch(name, "a list of \(elements)", node) }
    return list
  }

  func object(_ name: String) throws(APIError) -> FieldReader? {
    guard let node = self[name] else { return nil }
    return try FieldReader(node, at: path(name))
  }
}
