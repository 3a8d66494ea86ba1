import Analysis
package import Runs

/// `report.md`: a page that a person can act on.
package struct MarkdownReport {
  let page: ReportPage

  init(page: ReportPage) { self.page = page }

  /// - Parameter isRedacted: whether replies are cut to their opening.
  package init(manifest: RunManifest, samples: [Sample], isRedacted: Bool = false) {
    page = ReportPage(manifest: manifest, samples: samples, isRedacted: isRedacted)
  }

  package func render() -> String {
    let rest = Array(page.verdict.dropFirst())
    return "# \(Markdown.escape(ReportPage.title))\n\n"
      + MarkdownRenderer.render(
        [.paragraph(page.headline)] + (rest.isEmpty ? [] : [.list(rest)]) + page.blocks) + "\n"
  }
}
