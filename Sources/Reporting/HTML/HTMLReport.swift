import Crypto
import Foundation
package import Runs
import Scoring

/// `report.html`: the same page with curves and every sample, in one file that needs nothing else.
package struct HTMLReport {
  let page: ReportPage

  init(page: ReportPage) { self.page = page }

  /// - Parameter isRedacted: whether replies are cut to their opening.
  package init(_ run: StoredRun, isRedacted: Bool = false) throws(RunError) {
    page = try ReportPage(run, isRedacted: isRedacted)
  }

  package func render() throws -> String {
    let blocks = page.blocks
    let sections = HTMLRenderer.render(blocks, samples: try SampleBrowser(page: page).render())
    let rest = page.verdict.dropFirst()
    return """
      <!DOCTYPE html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width, initial-scale=1">
      <meta http-equiv="Content-Security-Policy" content="\(policy)">
      <meta name="color-scheme" content="light dark">
      <title>\(HTMLText.escape("\(models): \(ReportPage.title)"))</title>
      <style>\(ReportStyle.sheet)</style>
      </head>
      <body>
      <main>
      <h1>\(HTMLText.escape(ReportPage.title))</h1>
      <p class="lead">\(HTMLText.escape(lead))</p>
      <section class="verdict" aria-label="Verdict">
      <p class="headline">\(HTMLRenderer.render(page.headline))</p>
      \(rest.isEmpty ? "" : HTMLRenderer.list(Array(rest)))
      </section>
      \(contents(blocks))
      \(sections)
      </main>
      <script>\(ReportScript.source)</script>
      </body>
      </html>

      """
  }

  /// Links to the page's parts.
  private func contents(_ blocks: [Block]) -> String {
    let titles = blocks.compactMap { block -> String? in
      switch block {
      case .heading(let title): title
      case .samples where !page.run.outcomes.isEmpty: SampleBrowser.title
      default: nil
      }
    }
    guard titles.count > 1 else { return "" }
    let links = titles.map {
      "<li><a href=\"#\(HTMLText.anchor($0))\">\(HTMLText.escape($0))</a></li>"
    }
    return """
      <nav class="contents" aria-label="Contents">
      <ol>
      \(links.joined(separator: "\n"))
      </ol>
      </nav>
      """
  }

  private var models: String {
    Set(page.manifest.plan.cells.map(\.model)).sorted().joined(separator: ", ")
  }

  private var lead: String {
    let day = page.manifest.environment.createdAt.prefix(10)
    return "\(models) · \(day) · loxeval \(page.manifest.environment.version)"
  }

  /// Nothing is fetched, and no script runs but the page's own: even text that escaped its place
  /// could do nothing.
  private var policy: String {
    let digest = Data(SHA256.hash(data: Data(ReportScript.source.utf8))).base64EncodedString()
    return "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-\(digest)'; "
      + "base-uri 'none'; form-action 'none'"
  }
}
