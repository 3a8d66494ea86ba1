import Foundation
import Runs
import Support

/// What GitHub's runner reads: a step summary and annotations.
package enum GitHubOutput {
  /// The most that a step's summary may hold.
  static let summaryLimit = 1 << 20
  /// The most annotations of a kind that a step may make.
  static let annotationLimit = 10

  /// A Markdown page of at most 1 MiB: what failed first; what does not fit is counted.
  package static func summary(_ result: GateResult, run: String) -> String {
    let opening =
      "## loxeval gate: \(Markdown.escape(result.headline))\n\nRun \(Markdown.code(run))"
      + ", decided at \(GateCells.confidence(result.confidence)) confidence.\n\n"
      + result.notes.map { "\(Markdown.escape($0))\n\n" }.joined()
      + result.problems.map { "- ❌ \(Markdown.escape($0))\n" }.joined()
    let order: [GateOutcome] = [.error, .breached, .inconclusive, .undecided, .passed]
    let checks = order.flatMap { outcome in result.checks.filter { $0.outcome == outcome } }
    guard !checks.isEmpty else { return clipped(opening) }
    var text =
      opening + "\n| | limit | cell | measured | interval | n | why |\n"
      + "|---|---|---|---|---|---|---|\n"
    for (index, check) in checks.enumerated() {
      let row = self.row(check) + "\n"
      // Room for the sentence that says what was left out.
      guard text.utf8.count + row.utf8.count < summaryLimit - 200 else {
        return clipped(text) + "\n… and \(checks.count - index) more; see the job's log.\n"
      }
      text += row
    }
    return text
  }

  private static func row(_ check: GateCheck) -> String {
    let mark =
      switch check.outcome {
      case .passed: "✅"
      case .breached, .error: "❌"
      case .inconclusive, .undecided: "⚠️"
      }
    let cells = [
      "\(mark) \(check.outcome.rawValue)",
      "\(check.rule.rawValue) \(GateTable.limit(check))", Markdown.escape(check.cell),
      GateTable.value(check), GateTable.interval(check), GateTable.count(check),
      Markdown.escape(check.reason),
    ]
    return "| \(cells.joined(separator: " | ")) |"
  }

  private static func clipped(_ text: String) -> String {
    guard text.utf8.count > summaryLimit - 200 else { return text }
    return String(decoding: text.utf8.prefix(summaryLimit - 200), as: UTF8.self) + "…\n"
  }

  /// Workflow commands, a line each: an error for every breach, a warning for every undecided limit;
  /// at most ten of a kind, the last of which counts the rest.
  package static func annotations(_ result: GateResult) -> [String] {
    let failing = result.checks.filter { check in
      check.outcome == .breached || check.outcome == .error
        || (check.isOpen && result.failsOnInconclusive)
    }
    let undecided =
      result.failsOnInconclusive ? [] : result.checks.filter(\.isOpen)
    return commands("error", result.problems + failing.map(sentence))
      + commands("warning", undecided.map(sentence))
  }

  private static func sentence(_ check: GateCheck) -> String {
    "\(check.rule.rawValue) \(check.outcome.rawValue): \(check.cell): \(check.reason)"
  }

  private static func commands(_ kind: String, _ messages: [String]) -> [String] {
    var messages = messages
    if messages.count > annotationLimit {
      let more = messages.count - annotationLimit + 1
      messages = messages.prefix(annotationLimit - 1) + ["… and \(more) more; see the job's log"]
    }
    return messages.map { "::\(kind) title=loxeval gate::\(data($0))" }
  }

  /// As the runner wants a command's message.
  private static func data(_ text: String) -> String {
    PrintableText.lines(text).replacing("%", with: "%25").replacing("\r", with: "%0D").replacing(
      "\n", with: "%0A")
  }
}
