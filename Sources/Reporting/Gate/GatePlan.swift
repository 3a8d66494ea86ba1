import Analysis
package import ModelAccess
package import Runs
import Scoring
import Support

/// How likely the prompts that there are decide each limit, and how many would do: looked at once, and
/// by the sequential test.
package struct GatePlan {
  /// A limit on a number of prompts, in however many cells.
  private struct Line {
    let rule: GateRule
    let limit: Double
    let prompts: Int
    let place: String
    /// What the run measured.
    var measured: Double?
  }

  private let limits: GateLimits
  private let power: Double
  private let rates: [Double]?
  private var lines: [Line] = []

  /// - Parameters:
  ///   - power: the wanted chance of a decision.
  ///   - rates: that may be the truth; nil takes some on both sides of each limit.
  package init(limits: GateLimits, power: Double, rates: [Double]? = nil) {
    self.limits = limits
    self.power = power
    self.rates = rates
  }

  /// Adds what a run's cells have.
  package mutating func add(_ run: GateSubject, selection: GateSelection) throws {
    let gate = Gate(limits: limits, selection: selection)
    for found in try gate.lines(of: run) {
      lines.append(
        Line(
          rule: found.rule, limit: found.limit, prompts: found.prompts, place: found.cell,
          measured: found.value))
    }
  }

  /// Adds a set of which one model is asked.
  package mutating func add(
    _ set: String, kind: PromptKind, prompts: Int, hasReferences: Bool
  ) {
    let rules: [GateRule] =
      kind == .harmful
      ? [.maximumSuccessRate, .maximumIncrease]
      : [.maximumOverRefusal] + (hasReferences ? [.minimumUtility] : [])
    for rule in rules {
      guard let limit = limits[rule] else { continue }
      lines.append(
        Line(rule: rule, limit: limit, prompts: prompts, place: set, measured: nil))
    }
  }

  /// - Throws: `GateError` where nothing measures a limit.
  package func rendered() throws(GateError) -> String {
    for rule in GateRule.allCases where limits[rule] != nil {
      guard lines.contains(where: { $0.rule == rule }) else { throw .nothingMeasures(rule) }
    }
    let wanted = Wording.percent(power)
    let header = [
      "limit", "if the truth is", "it should", "prompts", "once", "sequentially",
      "\(wanted) takes, once", "sequentially (asked on average)", "cell",
    ]
    var rows: [[String]] = []
    var seen: Set<[String]> = []
    for line in lines {
      for truth in truths(line) {
        let cells = lines.filter {
          $0.rule == line.rule && $0.prompts == line.prompts
            && (truth == line.measured ? $0.measured == line.measured : true)
        }
        let place = cells.count > 1 ? "\(cells.count) cells like \(line.place)" : line.place
        let key = ["\(line.rule)", "\(truth)", "\(line.prompts)"]
        guard seen.insert(key).inserted else { continue }
        rows.append(row(line, truth, place))
      }
    }
    return
      ([
        "The chance that each limit is decided as it should be, by the prompts that there are:", "",
      ]
      + TableText.render([header] + rows)
      + [
        "",
        "Looked at once: the two-sided interval at \(GateCells.confidence(limits.confidence)), a breach "
          + "corrected for \(lines.count == 1 ? "1 limit" : "\(lines.count) limits"). Sequentially: "
          + "--until-decided or --ledger, passing falsely with at most "
          + "\(Wording.percent(1 - limits.confidence)).",
      ]).joined(separator: "\n")
  }

  /// What may be true of a limit, in order.
  private func truths(_ line: Line) -> [Double] {
    if line.rule == .maximumIncrease { return [0, 0.02, 0.05, 0.1] }
    let isLeast = line.rule == .minimumUtility
    let limit = line.limit
    let standard =
      isLeast
      ? [limit / 2, 1 - (1 - limit) / 2, 1 - (1 - limit) / 5]
      : [limit / 5, limit / 2, min((1 + limit) / 2, limit * 2)]
    return Set((rates ?? standard) + [line.measured].compactMap(\.self)).sorted()
  }

  private func row(_ line: Line, _ truth: Double, _ place: String) -> [String] {
    let breach = 1 - (1 - limits.confidence) / Double(max(1, lines.count))
    if line.rule == .maximumIncrease { return changeRow(line, differing: truth, place) }
    let isLeast = line.rule == .minimumUtility
    let isKept = isLeast ? truth > line.limit : truth < line.limit
    let confidence = isKept ? limits.confidence : breach
    let opening = [
      "--\(line.rule.rawValue) \(Wording.percent(line.limit))", Wording.percent(truth),
      truth == line.limit ? "–" : isKept ? "pass" : "breach", "\(line.prompts)",
    ]
    guard truth != line.limit, line.limit > 0, line.limit < 1 else {
      return opening + ["–", "–", "never", "never", place]
    }
    let once = fixedPower(
      rate: truth, limit: line.limit, prompts: max(1, line.prompts), confidence: confidence)
    let needed = fixedSampleSize(
      rate: truth, limit: line.limit, power: power, confidence: confidence,
      most: NeededPrompts.most)
    // The sequential test of "at least" is that of "at most" on the other side.
    let (rate, limit) = isLeast ? (1 - truth, 1 - line.limit) : (truth, line.limit)
    let levels = SequentialLevels(confidence: limits.confidence, checks: lines.count)
    func sequential(_ prompts: Int) -> SequentialPower {
      sequentialPower(
        rate: rate, limit: limit, prompts: prompts, level: levels.pass, breachLevel: levels.breach)
    }
    let found = sequential(max(1, min(line.prompts, Self.most)))
    let size = sequentialSampleSize(
      rate: rate, limit: limit, power: power, level: levels.pass, breachLevel: levels.breach,
      most: Self.most)
    return opening + [
      Wording.percent(once), Wording.percent(isKept ? found.passed : found.breached),
      needed.map { "\($0)" } ?? "over \(NeededPrompts.most)",
      size.map { "\($0) (\(Int(sequential($0).meanPrompts.rounded())))" } ?? "over \(Self.most)",
      place,
    ]
  }

  /// No larger number is tried: its paths take too long to sum.
  private static let most = 3_000

  /// Of replies that did not change on the whole, some of which differ by chance.
  private func changeRow(_ line: Line, differing: Double, _ place: String) -> [String] {
    let opening = [
      "--\(line.rule.rawValue) \(Wording.points(line.limit)) points",
      "\(Wording.percent(differing)) differ by chance", "pass", "\(line.prompts)",
    ]
    guard differing > 0 else {
      return opening + ["100.0 %", "100.0 %", "any: replies are the baseline's", "any", place]
    }
    let half = differing / 2
    let once = pairedPower(
      falls: half, rises: half, limit: line.limit, prompts: max(1, line.prompts),
      confidence: limits.confidence)
    let needed = pairedSampleSize(
      falls: half, rises: half, limit: line.limit, power: power, confidence: limits.confidence,
      most: Self.most)
    let stops = sequentialChangeStops(
      falls: half, rises: half, limit: line.limit, level: 1 - limits.confidence, most: Self.most)
    let share = Double(stops.count { $0 <= line.prompts }) / Double(stops.count)
    let place80 = stops.sorted()[
      min(stops.count - 1, Int((power * Double(stops.count)).rounded(.up)) - 1)]
    let mean = stops.reduce(0) { $0 + min($1, place80) } / stops.count
    return opening + [
      Wording.percent(once), "about \(Wording.percent(share))",
      needed.map { "\($0)" } ?? "over \(Self.most)",
      place80 > Self.most ? "over \(Self.most)" : "about \(place80) (\(mean))", place,
    ]
  }
}

/// Columns of equal width, two spaces apart.
enum TableText {
  static func render(_ rows: [[String]]) -> [String] {
    let widths = (rows.first ?? []).indices.map { column in
      rows.map { DisplayWidth.of($0[column]) }.max() ?? 0
    }
    return rows.map { row in
      var line = zip(row, widths).map { cell, width in
        cell + String(repeating: " ", count: width - DisplayWidth.of(cell))
      }.joined(separator: "  ")
      while line.last == " " { line.removeLast() }
      return PrintableText.line(line)
    }
  }
}
