/// A command line of the user's with places for what is known only later, such as `{model}`.
package struct CommandTemplate: Hashable, Sendable, CustomStringConvertible {
  package let text: String

  package init(_ text: String) { self.text = text }

  package var description: String { text }

  /// Whether the template has a place for it; `name` is without braces.
  package func has(_ name: String) -> Bool { text.contains("{\(name)}") }

  /// The command for `/bin/sh -c`: each value as one word whatever it contains, a list as so many.
  package func filled(_ values: [String: [String]]) -> String {
    // In one pass: a value may itself look like a place.
    text.replacing(/\{(\w+)\}/) { match in
      values[String(match.1)].map { $0.map(Self.quoted).joined(separator: " ") }
        ?? String(match.0)
    }
  }

  /// As one word of a shell command.
  package static func quoted(_ text: String) -> String {
    let isPlain = text.allSatisfy {
      $0.isASCII && ($0.isLetter || $0.isNumber || "-_./:,=+@%".contains($0))
    }
    return isPlain && !text.isEmpty ? text : "'\(text.replacing("'", with: "'\\''"))'"
  }
}
