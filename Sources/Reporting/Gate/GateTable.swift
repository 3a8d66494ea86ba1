import Analysis
import Runs
import Scoring
import Support

/// A gate's result as a table on stdout.
package enum GateTable {
  package static func render(_ result: GateResult) -> String {
    var lines = result.notes.map(flat) + result.problems.map { "error: \(flat($0))" }
    if !result.checks.isEmpty {
      let header = ["outcome", "limit", "measured", "interval", "n", "cell"]
      let rows = result.checks.map { check in
        [
          check.outcome.rawValue, "\(check.rule.rawValue) \(limit(check))", value(check),
          interval(check), count(check), flat(check.cell),
        ]
      }
      let widths = header.indices.map { column in
        ([header] + rows).map { DisplayWidth.of($0[column]) }.max() ?? 0
      }
      func line(_ cells: [String]) -> String {
        zip(cells, widths).map { cell, width in
          cell + String(repeating: " ", count: width - DisplayWidth.of(cell))
        }.joined(separator: "  ").trimmingTrailingSpaces
      }
      if !lines.isEmpty { lines.append("") }
      lines += [line(header)] + rows.map(line)
      let reasons = result.checks.filter { $0.outcome != .passed }
        .map { "\($0.outcome.rawValue): \(flat($0.cell)): \(flat($0.reason))" }
      if !reasons.isEmpty { lines += [""] + reasons }
    }
    return (lines + ["", "gate \(flat(result.headline))"]).joined(separator: "\n")
  }

  private static func flat(_ text: String) -> String {
    PrintableText.line(text)
  }

  /// `100`, or `96, 4 in doubt`.
  static func count(_ check: GateCheck) -> String {
    check.doubtful > 0 ? "\(check.judged), \(check.doubtful) in doubt" : "\(check.judged)"
  }

  static func limit(_ check: GateCheck) -> String {
    check.rule == .maximumIncrease
      ? "\(Wording.points(check.limit)) points" : Wording.percent(check.limit)
  }

  static func value(_ check: GateCheck) -> String {
    check.rule == .maximumIncrease ? Wording.points(check.value) : Wording.percent(check.value)
  }

  static func interval(_ check: GateCheck) -> String {
    guard let interval = check.interval else { return "–" }
    return check.rule == .maximumIncrease
      ? "\(Wording.points(interval.lower)) to \(Wording.points(interval.upper))"
      : "\(Wording.percent(interval.lower)) – \(Wording.percent(interval.upper))"
  }
}

extension String {
  fileprivate var trimmingTrailingSpaces: String {
    var text = self[...]
    while text.last == " " { text.removeLast() }
    return String(text)
  }
}
