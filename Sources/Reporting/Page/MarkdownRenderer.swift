import Analysis

/// Blocks as Markdown.
enum MarkdownRenderer {
  static func render(_ blocks: [Block]) -> String {
    blocks.compactMap(render).joined(separator: "\n\n")
  }

  private static func render(_ block: Block) -> String? {
    switch block {
    case .heading(let title): "## \(Markdown.escape(title))"
    case .subheading(let title): "### \(render(title))"
    case .paragraph(let sentence), .note(let sentence): render(sentence)
    case .list(let items): items.map { "- \(render($0))" }.joined(separator: "\n")
    case .table(let table): render(table)
    case .heatMaps(let title, let tables):
      tables.map { "\(Markdown.escape("\(title): \($0.caption)"))\n\n\(render($0))" }
        .joined(separator: "\n\n")
    case .quote(let lines): lines.map { "> \(render($0))" }.joined(separator: "\n>\n")
    case .details(_, let blocks): render(blocks)
    case .surface(let figure): render(figure.table)
    case .chart, .scatter, .samples: nil
    }
  }

  static func render(_ sentence: Sentence) -> String { sentence.map(render).joined() }

  private static func render(_ table: ReportTable) -> String {
    (table.needsCaption ? "\(Markdown.escape(table.caption)):\n\n" : "")
      + Markdown.table(
        table.columns.map { Markdown.escape($0.title) }, table.rows.map { $0.map(render) })
  }

  private static func render(_ cell: ReportTable.Cell) -> String {
    // Of a bar in code a table's cell would end.
    (isCode(cell.content)
      ? render(cell.content).replacing("|", with: "\\|") : render(cell.content))
      + (cell.detail.isEmpty ? "" : " (\(Markdown.escape(cell.detail)))")
  }

  private static func isCode(_ phrase: Phrase) -> Bool {
    if case .code = phrase { true } else { false }
  }

  private static func render(_ phrase: Phrase) -> String {
    switch phrase {
    case .text(let text): Markdown.escape(text)
    case .strong(let text): "**\(Markdown.escape(text))**"
    case .emphasis(let text): "*\(Markdown.escape(text))*"
    case .code(let text): Markdown.code(text)
    }
  }
}
