import Support

/// Text of models and data sets, made safe for Markdown.
enum Markdown {
  /// In one line, without anything that Markdown or HTML would read as markup: emphasis, tags, the
  /// beginning of a list or rule, addresses that pages turn into links.
  static func escape(_ text: String) -> String {
    var text = PrintableText.lines(text).replacing("\n", with: " ").replacing("\t", with: " ")[...]
    // Four blanks at a line's start would make code of it.
    while text.hasPrefix("  ") { text = text.dropFirst() }
    let scalars = text.unicodeScalars
    let start = listMark(scalars)
    var result = String.UnicodeScalarView()
    for index in scalars.indices {
      let scalar = scalars[index]
      let before = scalars[..<index]
      let after = scalars[scalars.index(after: index)...]
      switch scalar {
      // No markup begins with it: "p < 0.05" stays readable.
      case "<" where after.first == " ": result.append("<")
      // Nor does any end with this one; a quotation begins with it only at the start of a line.
      case ">" where before.last == " " && after.first == " ": result.append(">")
      case "&": result.append(contentsOf: "&amp;".unicodeScalars)
      case "<": result.append(contentsOf: "&lt;".unicodeScalars)
      case ">": result.append(contentsOf: "&gt;".unicodeScalars)
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~", "!":
        result.append(contentsOf: ["\\", scalar])
      case ":" where after.starts(with: "//".unicodeScalars) || isScheme(before),
        "." where ends(before, with: "www"),
        "@" where before.last.map(isWord) == true && after.first.map(isWord) == true,
        _ where index == start:
        result.append(contentsOf: ["\\", scalar])
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  /// Where a text begins with what would begin a list or a rule: `- `, `+ `, `---`, `1. `, `1) `.
  private static func listMark(_ scalars: Substring.UnicodeScalarView) -> String.Index? {
    let body = scalars.drop { $0 == " " }
    let digits = body.prefix { ("0"..."9").contains($0) }
    let rest = body[digits.endIndex...]
    guard let mark = rest.first else { return nil }
    let next = rest.dropFirst().first ?? " "
    let isMark =
      digits.isEmpty
      ? (mark == "-" || mark == "+") && (next == " " || next == mark)
      : (mark == "." || mark == ")") && next == " "
    return isMark ? rest.startIndex : nil
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  private static func isScheme(_ before: Substring.UnicodeScalarView) -> Bool {
    ends(before, with: "mailto") || ends(before, with: "xmpp")
  }

  private static func ends(_ before: Substring.UnicodeScalarView, with word: String) -> Bool {
    String(String.UnicodeScalarView(before.suffix(word.unicodeScalars.count))).lowercased() == word
  }

  /// At most `limit` characters, with a mark where it was cut.
  static func excerpt(_ text: String, limit: Int) -> String {
    text.count <= limit ? escape(text) : escape(String(text.prefix(limit))) + " …"
  }

  /// As code: nothing in it is markup; its own backticks become apostrophes.
  static func code(_ text: String) -> String {
    "`\(PrintableText.line(text).replacing("`", with: "'"))`"
  }

  static func table(_ header: [String], _ rows: [[String]]) -> String {
    let widths = header.indices.map { column in
      ([header] + rows).map { $0[column].count }.max() ?? 0
    }
    func line(_ cells: [String]) -> String {
      "| "
        + zip(cells, widths).map { cell, width in
          cell + String(repeating: " ", count: width - cell.count)
        }.joined(separator: " | ") + " |"
    }
    let rule =
      "|" + widths.map { String(repeating: "-", count: $0 + 2) }.joined(separator: "|") + "|"
    return ([line(header), rule] + rows.map(line)).joined(separator: "\n")
  }
}
