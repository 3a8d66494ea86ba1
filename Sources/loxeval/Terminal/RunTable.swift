import Foundation
import Reporting
import Runs
import Support

/// The runs below a folder, for a terminal.
enum RunTable {
  private static let header = ["run", "begun", "what", "state", "samples", "cost", "verdict"]

  static func render(_ runs: [RunEntry]) -> String {
    // Most runs cost nothing that is counted.
    let isPaid = runs.contains { $0.cost != nil }
    let columns = header.indices.filter { isPaid || header[$0] != "cost" }
    let table = TextTable.render(
      columns.map { header[$0] },
      runs.map { run in
        let cells = [
          run.run, when(run.begun),
          [run.command, run.study].compactMap(\.self).joined(separator: " of "),
          run.problem == nil ? run.state?.rawValue ?? "" : "unreadable", samples(run),
          run.cost.map(Number.money) ?? "", run.problem ?? run.verdict ?? "",
        ]
        return columns.map { cells[$0] }
      })
    // The last column may be long, and would pad every line.
    return table.split(separator: "\n").map { line in
      String(line.reversed().drop { $0 == " " }.reversed())
    }.joined(separator: "\n")
  }

  /// `2026-11-26 15:35`, in UTC.
  private static func when(_ begun: String?) -> String {
    guard let begun else { return "" }
    guard (try? Date(begun, strategy: .iso8601)) != nil, begun.count >= 16 else { return begun }
    return begun.prefix(10) + " " + begun.dropFirst(11).prefix(5)
  }

  private static func samples(_ run: RunEntry) -> String {
    guard let done = run.done, let planned = run.planned else { return "" }
    let errors = run.errors.map { $0 > 0 ? ", \(Number.grouped($0)) failed" : "" } ?? ""
    return "\(Number.grouped(done)) of \(Number.grouped(planned))\(errors)"
  }
}
