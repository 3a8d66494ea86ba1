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

  /// The words of a command that `quoted` wrote the words of, as a shell would read them; nothing is expanded.
  ///
  /// - Returns: nil where a quotation does not end.
  package static func words(_ text: String) -> [String]? {
    var words: [String] = []
    var word: String?
    var quote: Character?
    var rest = text[...]
    while let character = rest.popFirst() {
      if let open = quote {
        if character == open {
          quote = nil
        } else if character == "\\", open == "\"", let escaped = rest.first,
          "\\\"$`".contains(escaped)
        {
          word?.append(rest.removeFirst())
        } else {
          word?.append(character)
        }
      } else if character == "'" || character == "\"" {
        quote = character
        word = word ?? ""
      } else if character == "\\" {
        guard let escaped = rest.popFirst() else { return nil }
        word = (word ?? "") + String(escaped)
      } else if character == " " || character == "\t" || character == "\n" {
        if let word { words.append(word) }
        word = nil
      } else {
        word = (word ?? "") + String(character)
      }
    }
    guard quote == nil else { return nil }
    return words + (word.map { [$0] } ?? [])
  }
}
