package import Foundation

/// A JSON file that says by which schema it was written, and how older ones are brought to today's.
package enum SchemaFile {
  /// A step from one schema to the next.
  package struct Migration: Sendable {
    /// The schema that it reads; it makes the next.
    package let from: Int
    package let apply: @Sendable (JSONNode) -> JSONNode

    package init(from: Int, _ apply: @escaping @Sendable (JSONNode) -> JSONNode) {
      self.from = from
      self.apply = apply
    }
  }

  package enum Problem: Error, Equatable, CustomStringConvertible {
    case notJSON(reason: String, offset: Int)
    case noSchema
    /// The file was written by a later release.
    case newer(schema: Int, known: Int)

    package var description: String {
      switch self {
      case .notJSON(let reason, let offset): "it is not JSON at byte \(offset): \(reason)"
      case .noSchema: "expected \"schema\" with a number from 1 on, found none"
      case .newer(let schema, let known):
        "it has schema \(schema), and this release reads those up to \(known); read it with the "
          + "release that wrote it, or a later one"
      }
    }
  }

  /// Decodes a file's value after every migration that its schema needs.
  ///
  /// - Parameters:
  ///   - current: today's schema.
  ///   - migrations: one for each earlier schema.
  package static func decode<Value: Decodable>(
    _ type: Value.Type, from data: Data, current: Int, migrations: [Migration]
  ) throws -> Value {
    var node: JSONNode
    do throws(JSONNode.SyntaxError) {
      node = try JSONNode(parsing: [UInt8](data))
    } catch {
      throw Problem.notJSON(reason: error.reason, offset: error.offset)
    }
    guard let schema = node["schema"]?.integer, schema >= 1 else { throw Problem.noSchema }
    guard schema <= current else { throw Problem.newer(schema: schema, known: current) }
    guard schema < current else {
      return try JSONDecoder().decode(type, from: data)
    }
    for step in schema..<current {
      for migration in migrations where migration.from == step { node = migration.apply(node) }
      node = node.setting("schema", to: .number("\(step + 1)"))
    }
    return try JSONDecoder().decode(type, from: Data(node.serialized.utf8))
  }
}
