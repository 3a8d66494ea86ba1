import Foundation
import ModelAccess
import Runs
import Studies
import StudyDesign
import Support

/// What `--plan` prints.
enum PlannedCells {
  /// Each cell's id, its model's id as `--cells` wants it, and the updates that make it, by tabs.
  static func show(_ cells: [Cell], of measurement: Studies.Measurement, _ console: Console) {
    console.note("\(measurement.size(of: cells))")
    let models = Dictionary(
      ModelsToServe.variants(of: cells).map { ($0.stack, $0.id) },
      uniquingKeysWith: { first, _ in first })
    for cell in cells {
      let stack = cell.variant.map { "\($0.name) × \(Number.text($0.scale))" }
      Screen.shared.print(
        ([cell.id.rawValue, models[cell.variant] ?? ""] + stack).map(PrintableText.line)
          .joined(separator: "\t"))
    }
  }
}
