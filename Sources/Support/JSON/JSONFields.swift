/// The members of a JSON object by their keys, each of the type that it must have.
///
/// Inlined where they are called: a generic call across modules looks its types up for every field of every line.
package struct JSONFields {
  /// A member that is missing or of another type.
  package struct Fault: Error, Equatable {
    package let key: String

    package init(key: String) { self.key = key }
  }

  @usableFromInline let json: JSONNode

  /// - Parameter json: of a value that is no object every member is missing.
  package init(_ json: JSONNode) { self.json = json }

  /// A member that must be there.
  ///
  /// - Parameter read: what a value says; nil where it is of another type.
  @inlinable @inline(__always) package func value<Value>(
    _ key: String, _ read: (JSONNode) -> Value?
  ) throws(Fault) -> Value {
    guard let value = json[key].flatMap(read) else { throw Fault(key: key) }
    return value
  }

  @inlinable @inline(__always) package func text(_ key: String) throws(Fault) -> String {
    try value(key) { $0.text }
  }

  /// nil where the member is missing or null.
  @inlinable @inline(__always) package func optional<Value>(
    _ key: String, _ read: (JSONNode) -> Value?
  ) throws(Fault) -> Value? {
    guard let found = json[key], found != .null else { return nil }
    guard let value = read(found) else { throw Fault(key: key) }
    return value
  }

  @inlinable @inline(__always) package func optionalText(_ key: String) throws(Fault) -> String? {
    try optional(key) { $0.text }
  }
}
