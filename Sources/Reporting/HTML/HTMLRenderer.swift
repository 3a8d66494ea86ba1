import Analysis

/// Blocks as HTML.
enum HTMLRenderer {
  /// - Parameter samples: what stands where the samples are browsed.
  static func render(_ blocks: [Block], samples: String) -> String {
    blocks.map { render($0, samples: samples) }.joined(separator: "\n")
  }

  private static func render(_ block: Block, samples: String) -> String {
    switch block {
    case .heading(let title):
      "<h2 id=\"\(HTMLText.anchor(title))\">\(render(.text(title)))</h2>"
    case .subheading(let title): "<h3>\(render(title))</h3>"
    case .paragraph(let sentence): "<p>\(render(sentence))</p>"
    case .note(let sentence): "<p class=\"note\">\(render(sentence))</p>"
    case .list(let items): list(items)
    case .table(let table): HTMLTable.render(table)
    case .heatMaps(let title, let tables):
      "<p class=\"heat-title\">\(HTMLText.escape(title))</p>\n<div class=\"heat-maps\">"
        + tables.map(HTMLTable.render).joined() + "</div>"
    case .quote(let lines):
      "<blockquote>\(lines.map { "<p>\(render($0))</p>" }.joined())</blockquote>"
    case .details(let title, let blocks):
      "<details><summary>\(HTMLText.escape(title))</summary>\n"
        + render(blocks, samples: samples) + "\n</details>"
    case .chart(let figure): chart(figure)
    case .scatter(let figure): scatter(figure)
    case .surface(let figure): surface(figure)
    case .samples: samples
    }
  }

  static func list(_ items: [Sentence]) -> String {
    "<ul>\n\(items.map { "<li>\(render($0))</li>" }.joined(separator: "\n"))\n</ul>"
  }

  static func render(_ sentence: Sentence) -> String { sentence.map(render).joined() }

  static func render(_ phrase: Phrase) -> String {
    switch phrase {
    // A number and its sign stay on one line.
    case .text(let text): HTMLText.escape(text).replacing(" %", with: "\u{A0}%")
    case .strong(let text): "<strong>\(HTMLText.escape(text))</strong>"
    case .emphasis(let text): "<em>\(HTMLText.escape(text))</em>"
    case .code(let text): "<code>\(HTMLText.escape(text))</code>"
    }
  }

  private static func chart(_ figure: ChartFigure) -> String {
    self.figure(figure.title, figure.explanation) { isNarrow in
      SVGChart(
        id: figure.id, title: figure.title, description: figure.explanation,
        axis: figure.axis, series: figure.series, isNarrow: isNarrow
      ).render()
    }
  }

  private static func scatter(_ figure: ScatterFigure) -> String {
    self.figure(figure.title, figure.explanation) { isNarrow in
      SVGScatter(id: figure.id, figure: figure, isNarrow: isNarrow).render()
    }
  }

  private static func surface(_ figure: SurfaceFigure) -> String {
    self.figure(figure.title, figure.explanation) { isNarrow in
      SVGSurface(id: figure.id, figure: figure, isNarrow: isNarrow).render()
    }
  }

  /// Twice: for a wide and for a narrow screen; the style sheet shows one.
  private static func figure(
    _ title: String, _ explanation: String, _ draw: (_ isNarrow: Bool) -> String
  ) -> String {
    """
    <figure>
    <figcaption>\(render(.text(title)))\
    <small>\(render(.text(explanation)))</small></figcaption>
    \([false, true].map(draw).joined(separator: "\n"))
    </figure>
    """
  }
}

/// A table that can be scrolled sideways by touch and by keyboard.
enum HTMLTable {
  static func render(_ table: ReportTable) -> String {
    let caption = HTMLText.escape(table.caption)
    let header = table.columns.map { column in
      "<th scope=\"col\"\(column.kind == .number ? " class=\"n\"" : "")>"
        + "\(HTMLText.escape(column.title))</th>"
    }
    let rows = table.rows.map { row in
      "<tr>"
        + zip(row, table.columns).enumerated().map { index, pair in
          cell(pair.0, pair.1, isRowName: index == 0)
        }.joined() + "</tr>"
    }
    return """
      <div class="scroll" role="region" tabindex="0" aria-label="\(caption)">
      <table\(table.isHeatMap ? " class=\"heat\"" : "")><caption>\(HTMLRenderer.render(.text(table.caption)))</caption>
      <thead><tr>\(header.joined())</tr></thead>
      <tbody>
      \(rows.joined(separator: "\n"))
      </tbody></table></div>
      """
  }

  private static func cell(
    _ cell: ReportTable.Cell, _ column: ReportTable.Column, isRowName: Bool
  ) -> String {
    var classes: [String] =
      switch column.kind {
      case .text: []
      case .number: ["n"]
      case .prose: ["prose"]
      }
    if let tone = cell.tone { classes.append(tone.rawValue) }
    let attributes =
      (classes.isEmpty ? "" : " class=\"\(classes.joined(separator: " "))\"")
      + (cell.heat.map { " style=\"background:rgb(var(--heat)/\(SVG.hundredths($0 * 0.75)))\"" }
        ?? "")
    let content =
      HTMLRenderer.render(cell.content)
      + (cell.detail.isEmpty ? "" : "<small>\(HTMLText.escape(cell.detail))</small>")
    return isRowName
      ? "<th scope=\"row\"\(attributes)>\(content)</th>" : "<td\(attributes)>\(content)</td>"
  }
}
