package import Analysis
package import Foundation
package import Runs
import Support

/// The files that are written from a run's manifest and journal.
package enum ReportFormat: String, CaseIterable, Sendable {
  case markdown, html, csv, json

  package var fileName: String {
    switch self {
    case .markdown: "report.md"
    case .html: "report.html"
    case .csv: "summary.csv"
    case .json: "summary.json"
    }
  }
}

package enum RunReports {
  /// Writes reports into the run's folder, each whole or not at all.
  ///
  /// - Parameters:
  ///   - isRedacted: whether pages for readers cut replies to their opening.
  ///   - labels: of the run's own replies, to correct rates by.
  ///   - check: told what the reports will say; what it throws leaves the files as they are.
  /// - Returns: the files written.
  @discardableResult
  package static func write(
    _ formats: [ReportFormat] = ReportFormat.allCases, of run: StoredRun, isRedacted: Bool = false,
    labels: [RunLabel] = [],
    check: (Summary) throws -> Void = { _ in }
  ) throws -> [URL] {
    let page = try ReportPage(run, isRedacted: isRedacted, labels: labels)
    try check(page.summary)
    return try formats.flatMap { format in
      if format == .json {
        let file = run.url.appending(path: format.fileName)
        try SummaryFile.write(page.summary, to: file)
        return [file]
      }
      var files = [(format.fileName, try render(format, page))]
      let tradeoff = format == .csv ? page.findings.tradeoff : []
      if tradeoff.count > 1 {
        files.append((TradeoffCSV.fileName, Data(TradeoffCSV.render(tradeoff).utf8)))
      }
      if format == .csv, let surfaces = page.summary.landscape {
        files.append((LandscapeCSV.fileName, Data(LandscapeCSV.render(surfaces).utf8)))
      }
      return try files.map { name, data in
        let file = run.url.appending(path: name)
        try AtomicFile.write(data, to: file)
        return file
      }
    }
  }

  static func render(_ format: ReportFormat, _ page: ReportPage) throws -> Data {
    switch format {
    case .markdown: Data(MarkdownReport(page: page).render().utf8)
    case .html: Data(try HTMLReport(page: page).render().utf8)
    case .csv: Data(SummaryCSV.render(page.summary).utf8)
    case .json: try StableJSON.encodePretty(page.summary)
    }
  }
}
