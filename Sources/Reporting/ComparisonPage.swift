package import Analysis
import Foundation
import Scoring
import StudyDesign
import Support

/// Runs side by side, for people.
package struct ComparisonPage {
  private let comparison: RunComparison

  package init(_ comparison: RunComparison) { self.comparison = comparison }

  package static let title = "Runs side by side"

  /// As Markdown.
  package func markdown() -> String {
    "# \(Markdown.escape(Self.title))\n\n" + MarkdownRenderer.render(blocks) + "\n"
  }

  /// As one HTML file that needs nothing else and runs no script.
  package func html() -> String {
    """
    <!DOCTYPE html>
    <html lang="en">
    <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; \
    base-uri 'none'; form-action 'none'">
    <meta name="color-scheme" content="light dark">
    <title>\(HTMLText.escape(Self.title))</title>
    <style>\(ReportStyle.sheet)</style>
    </head>
    <body>
    <main>
    <h1>\(HTMLText.escape(Self.title))</h1>
    \(HTMLRenderer.render(blocks, samples: ""))
    </main>
    </body>
    </html>

    """
  }

  private var blocks: [Block] {
    let changed = comparison.rows.flatMap { row in
      row.entries.indices.compactMap { index -> Sentence? in
        guard let entry = row.entries[index], entry.isSignificant, let change = entry.change else {
          return nil
        }
        return [
          .strong(comparison.names[index]),
          .text(
            ": \(row.quantity.title.lowercased()) of \(name(row)) \(Wording.percent(change.before)) → "
              + "\(Wording.percent(change.after)), \(Wording.points(change.change)) points "
              + "(\(Wording.points(change.interval.lower)) to \(Wording.points(change.interval.upper))), "
              + "\(Wording.probability(entry.adjustedPValue)), corrected, on \(change.prompts) prompts"
          ),
        ]
      }
    }
    return [
      .note([
        .text(
          "Changes are from the first run, on prompts that both asked in the same words: McNemar's mid-p test, with "
            + "several samples a prompt a sign-flip test, corrected after Holm for all of this page."
        )
      ])
    ]
      + (comparison.differences.isEmpty
        ? []
        : [
          .heading("What else differs"),
          .note([.text("A difference in rates may come of this.")]),
          .list(comparison.differences.map { [.text($0)] }),
        ])
      + [
        .heading("Significant changes"),
        changed.isEmpty ? .paragraph(["None."]) : .list(changed),
        .heading("All rows"), .table(table),
      ]
  }

  private func name(_ row: RunComparison.Row) -> String {
    let treatment = row.treatment.isNone ? [] : [row.treatment.title]
    let prompt = row.promptAttack == "none" ? [] : [PromptAttack.title(of: row.promptAttack)]
    return ([ReportPage.name(row.attack)] + prompt + treatment + ["\(row.dataset) (\(row.judge))"])
      .joined(separator: ", ")
  }

  private var table: ReportTable {
    ReportTable(
      caption: "Rates of each run with 95 % intervals, and changes from the first",
      columns: [.text("row"), .text("measure")]
        + comparison.names.enumerated().flatMap { index, name -> [ReportTable.Column] in
          [.number(name)] + (index > 0 ? [.number("change")] : [])
        },
      rows: comparison.rows.map { row in
        [ReportTable.Cell(name(row)), ReportTable.Cell(row.quantity.title)]
          + row.entries.enumerated().flatMap { index, entry in cells(entry, at: index, of: row) }
      })
  }

  private func cells(
    _ entry: RunComparison.Entry?, at index: Int, of row: RunComparison.Row
  ) -> [ReportTable.Cell] {
    guard let entry else { return index > 0 ? ["–", "–"] : ["–"] }
    let rate = ReportTable.Cell(
      Wording.percent(entry.share.rate), detail: ReportPage.range(entry.share.interval))
    guard index > 0 else { return [rate] }
    guard let change = entry.change else { return [rate, "no prompt in common"] }
    let isBetter = (change.change < 0) == row.quantity.isBetterLow
    return [
      rate,
      ReportTable.Cell(
        Wording.points(change.change),
        detail:
          "\(Wording.points(change.interval.lower)) to \(Wording.points(change.interval.upper)), "
          + Wording.probability(entry.adjustedPValue),
        tone: entry.isSignificant ? isBetter ? .better : .worse : nil),
    ]
  }
}
