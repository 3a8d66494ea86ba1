import Foundation
import Runs
import Support

/// How far a run is, for a terminal.
enum ProgressTable {
  private static let header = [
    "shard", "state", "done", "planned", "errors", "per minute", "left", "who",
  ]

  static func render(_ progress: RunProgress) -> String {
    let rows = progress.parts.map { part in
      [
        part.shard.map(String.init) ?? "all", part.state.rawValue, Number.grouped(part.done),
        Number.grouped(part.planned), Number.grouped(part.errors),
        part.perMinute.map(Number.text)
          ?? part.trainingsLeft.map { "\($0) training\($0 == 1 ? "" : "s") left" } ?? "",
        part.secondsLeft.map { Duration.text(seconds: $0) } ?? "", who(part),
      ]
    }
    let share =
      progress.planned > 0 ? 100 * Double(progress.done) / Double(progress.planned) : 100
    var total =
      "\(Number.grouped(progress.done)) of \(Number.grouped(progress.planned)) samples ("
      + String(format: "%.1f", share) + " %), \(Number.grouped(progress.errors)) errors"
    if progress.missing > 0, let left = progress.secondsLeft {
      total += ", \(Duration.text(seconds: left)) left"
    }
    if let spending = progress.spending { total += "\ncost so far \(spending)" }
    return TextTable.render(header, rows) + "\n" + total
  }

  private static func who(_ part: RunProgress.Part) -> String {
    guard let host = part.host, let process = part.process,
      part.state == .asking || part.state == .preparing
    else { return "" }
    return "process \(process) on \(host)"
  }
}
