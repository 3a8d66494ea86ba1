import Analysis
package import Foundation
import Runs
import StudyDesign
import Support

/// A run's samples as files of other tools.
package enum ExportFormat: String, CaseIterable, Sendable {
  /// Logs of Inspect (inspect-ai), one for each cell.
  case inspect
  /// Results and samples of lm-evaluation-harness, a folder for each model.
  case lmEval = "lm-eval"
  /// A table with a row for each sample.
  case tidy

  /// Where it is written within the run's folder.
  package var standardName: String {
    switch self {
    case .inspect: "inspect"
    case .lmEval: "lm-eval"
    case .tidy: "samples.csv"
    }
  }
}

package enum RunExport {
  /// Writes a run's samples.
  ///
  /// - Parameters:
  ///   - place: of `tidy` a file, else a folder; what is there of the same names is replaced.
  ///   - hasTexts: whether `tidy` has columns for prompts and replies.
  ///   - check: throws where the work is to end.
  package static func write(
    _ folder: URL, as format: ExportFormat, to place: URL, hasTexts: Bool = false,
    check: () throws -> Void = {}
  ) throws {
    switch format {
    case .tidy:
      let stream = try SampleStream(folder)
      let table = TidyTable(stream.manifest.plan, hasTexts: hasTexts)
      try AtomicFile.write(to: place) { file in
        try file.write(table.header)
        try stream.read { sample in
          try check()
          if let row = table.row(sample) { try file.write(row) }
          return true
        }
      }
    case .inspect:
      let run = ExportedRun(try StoredRun(folder))
      for cell in run.manifest.plan.cells where !run.outcomes(cell).isEmpty {
        try check()
        try InspectLog(run: run, cell: cell, samples: try run.samples(cell)).write(to: place)
      }
    case .lmEval:
      let stored = try StoredRun(folder)
      let run = ExportedRun(stored)
      let rows = Dictionary(
        grouping: Summary(of: stored.manifest, stored.outcomes).rows, by: \.cell)
      let asked = run.manifest.plan.cells.filter { !run.outcomes($0).isEmpty }
      for model in Findings.distinct(asked.compactMap { run.models[$0.id] }) {
        try check()
        try LMEvalResults(
          run: run, model: model, cells: asked.filter { run.models[$0.id] == model }, rows: rows
        ).write(to: place)
      }
    }
  }
}
