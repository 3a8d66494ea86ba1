import Analysis
package import Runs

/// `report.md`: a page that a person can act on.
package struct MarkdownReport {
  let page: ReportPage

  init(page: ReportPage) { self.page = page }

  /// - Parameter isRedacted: whether replies are cut to their opening.
  package init(_ run: StoredRun, isRedacted: Bool = false) throws(RunError) {
    page = try ReportPage(run, isRedacted: isRedacted)
  }

  package func render() -> String {
    let rest = Array(page.verdict.dropFirst())
    return "# \(Markdown.escape(ReportPage.title))\n\n"
      + MarkdownRenderer.render(
        [.paragraph(page.headline)] + (rest.isEmpty ? [] : [.list(rest)]) + page.blocks) + "\n"
  }
}
