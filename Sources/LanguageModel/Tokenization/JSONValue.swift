import Foundation

/// A value of a JSON document whose shape varies by its `type` fields.
struct JSONValue {
  private let value: Any

  init(_ data: Data) throws {
    value = try JSONSerialization.jsonObject(with: data)
  }

  private init(value: Any) { self.value = value }

  /// A field of an object; nil where it is missing or null.
  subscript(_ key: String) -> JSONValue? {
    guard let field = (value as? [String: Any])?[key], !(field is NSNull) else { return nil }
    return JSONValue(value: field)
  }

  var string: String? { value as? String }
  var bool: Bool? { value as? Bool }
  var integer: Int? { (value as? NSNumber).flatMap { Int(exactly: $0) } }
  var array: [JSONValue]? { (value as? [Any])?.map { JSONValue(value: $0) } }
  var strings: [String]? { value as? [String] }
  var integers: [String: Int]? { value as? [String: Int] }
  var object: [String: JSONValue]? {
    (value as? [String: Any])?.mapValues { JSONValue(value: $0) }
  }
}
