public import Evaluation

/// `report.md`: a page that a person can act on.
public struct MarkdownReport {
  let page: ReportPage

  /// - Parameter isRedacted: whether replies are cut to their opening.
  public init(manifest: RunManifest, samples: [Sample], isRedacted: Bool = false) {
    page = ReportPage(manifest: manifest, samples: samples, isRedacted: isRedacted)
  }

  public func render() -> String {
    "# \(Markdown.escape(ReportPage.title))\n\n"
      + MarkdownRenderer.render([.list(page.verdict)] + page.blocks) + "\n"
  }
}
