public import Evaluation
public import Foundation

/// The files that are written from a run's manifest and journal.
public enum ReportFormat: String, CaseIterable, Sendable {
  case markdown, html, csv, json

  public var fileName: String {
    switch self {
    case .markdown: "report.md"
    case .html: "report.html"
    case .csv: "summary.csv"
    case .json: "summary.json"
    }
  }
}

public enum RunReports {
  /// Writes reports into the run's folder, each whole or not at all.
  ///
  /// - Parameter isRedacted: whether pages for readers cut replies to their opening.
  /// - Returns: the files written.
  @discardableResult
  public static func write(
    _ formats: [ReportFormat] = ReportFormat.allCases, manifest: RunManifest, samples: [Sample],
    to folder: URL, isRedacted: Bool = false
  ) throws -> [URL] {
    try formats.map { format in
      let file = folder.appending(path: format.fileName)
      try RunFile.write(try render(format, manifest, samples, isRedacted: isRedacted), to: file)
      return file
    }
  }

  static func render(
    _ format: ReportFormat, _ manifest: RunManifest, _ samples: [Sample], isRedacted: Bool = false
  ) throws -> Data {
    switch format {
    case .markdown:
      Data(
        MarkdownReport(manifest: manifest, samples: samples, isRedacted: isRedacted).render().utf8)
    case .html:
      Data(
        try HTMLReport(manifest: manifest, samples: samples, isRedacted: isRedacted).render().utf8)
    case .csv:
      Data(SummaryCSV.render(Summary(of: manifest, samples: samples)).utf8)
    case .json:
      try RunManifest.encode(Summary(of: manifest, samples: samples))
    }
  }
}
