/// Text of models and data sets, made safe for Markdown.
enum Markdown {
  /// Characters that Markdown or HTML would read as markup are escaped; line breaks become spaces.
  static func escape(_ text: String) -> String {
    var result = ""
    let scalars = text.unicodeScalars
    for index in scalars.indices {
      let scalar = scalars[index]
      let next = scalars.index(after: index)
      switch scalar {
      // No markup begins with it: "p < 0.05" stays readable.
      case "<" where next < scalars.endIndex && scalars[next] == " ": result += "<"
      // Nor does any end with this one; a quotation begins with it only at the start of a line.
      case ">"
      where index > scalars.startIndex && scalars[scalars.index(before: index)] == " "
        && next < scalars.endIndex && scalars[next] == " ":
        result += ">"
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      case "\\", "`", "*", "_", "[", "]", "|", "#", "~", "!":
        result += "\\" + String(scalar)
      case "\n", "\r", "\t": result += " "
      default:
        // Control and direction-changing characters could hide what a reply says.
        switch scalar.properties.generalCategory {
        case .control, .format: result += " "
        default: result.unicodeScalars.append(scalar)
        }
      }
    }
    return result
  }

  /// At most `limit` characters, with a mark where it was cut.
  static func excerpt(_ text: String, limit: Int) -> String {
    text.count <= limit ? escape(text) : escape(String(text.prefix(limit))) + " …"
  }

  /// As code: nothing in it is markup; its own backticks become apostrophes.
  static func code(_ text: String) -> String {
    "`\(HTMLText.legible(text).replacing("`", with: "'").replacing("\n", with: " "))`"
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
