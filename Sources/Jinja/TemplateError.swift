/// A place in a template, counted from 1; columns count code points.
package struct Location: Hashable, Sendable, CustomStringConvertible {
  package var line: Int
  package var column: Int

  package var description: String { "line \(line), column \(column)" }
}

/// Why a template cannot be read or rendered, and where.
package struct TemplateError: Error, Hashable, Sendable, CustomStringConvertible {
  package enum Kind: Hashable, Sendable {
    /// The template is not written in the language.
    case syntax
    /// The template itself refuses, by `raise_exception`: the message is its own.
    case raised
    /// Something that is undefined was used as if it were not.
    case undefined
    /// An operation that its values do not have.
    case operation
    /// What chat templates may not do, such as changing a list.
    case forbidden
    /// More steps, depth or text than a template may take.
    case limit
  }

  package var kind: Kind
  package var message: String
  package var location: Location?

  init(_ kind: Kind, _ message: String, at location: Location? = nil) {
    self.kind = kind
    self.message = message
    self.location = location
  }

  package var description: String {
    guard let location else { return message }
    return kind == .raised
      ? "the template refuses at \(location): \(message)" : "\(location): \(message)"
  }

  static func operation(_ message: String) -> TemplateError { TemplateError(.operation, message) }
}

/// How much a template may take. The defaults are far above what published templates take.
package struct Limits: Sendable {
  /// Evaluated expressions and statements, passes of loops, and every eighth character made.
  package var steps = 5_000_000
  /// Expressions, statements and macros inside each other while rendering.
  package var depth = 400
  /// Code points of one text, the rendered one included, and elements of one list.
  package var size = 8_000_000

  package init() {}

  /// Expressions and blocks inside each other in a template's text, and values inside each other.
  static let nesting = 100
  /// Operations upon each other in one expression: of `a + b + c` it is two.
  static let height = 250
  /// Python's own bound on the digits of an integer that is written or read.
  static let digits = 4300
  /// The sandbox's bound on `range`.
  static let range = 100_000
}
