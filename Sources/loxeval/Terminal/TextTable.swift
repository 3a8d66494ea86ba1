import Support

/// A table of plain text on stdout, with columns of equal width.
enum TextTable {
  static func render(_ header: [String], _ rows: [[String]]) -> String {
    let lines = ([header] + rows).map { $0.map(PrintableText.line) }
    let widths = header.indices.map { column in
      lines.map { DisplayWidth.of($0[column]) }.max() ?? 0
    }
    return lines.map { cells in
      zip(cells, widths).map { cell, width in
        cell + String(repeating: " ", count: width - DisplayWidth.of(cell))
      }.joined(separator: "  ")
    }.joined(separator: "\n")
  }
}
