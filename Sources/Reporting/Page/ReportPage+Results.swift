import Evaluation
import Scoring

/// What is measured on a set of prompts.
enum Quantity: String {
  /// The share of replies to harmful prompts that comply.
  case successRate = "asr"
  /// The share of benign prompts that are refused.
  case overRefusal = "over-refusal"
  /// The share of benign prompts that are answered.
  case answered = "answered"

  var title: String {
    switch self {
    case .successRate: "Attack success rate"
    case .overRefusal: "Over-refusal"
    case .answered: "Answered"
    }
  }

  var isBetterLow: Bool { self != .answered }
}

/// A share with its interval.
struct Share {
  var rate: Double
  var interval: ConfidenceInterval

  init?(_ quantity: Quantity, of row: SummaryRow) {
    switch quantity {
    case .successRate, .answered:
      guard let rate = row.attackSuccessRate, let interval = row.interval else { return nil }
      self.rate = rate
      self.interval = interval
    case .overRefusal:
      guard let rate = row.refusalRate,
        let interval = wilsonInterval(successes: row.refused, trials: row.judged)
      else { return nil }
      self.rate = rate
      self.interval = interval
    }
  }
}

extension ReportPage {
  var results: [Block] {
    datasets.flatMap { dataset -> [Block] in
      findings.isHarmful(dataset)
        ? section(
          dataset, title: "Attack success rate on \(dataset)", charts: [.successRate],
          note:
            "Share of replies that comply, with the 95 % Wilson interval. The change is against α = "
            + "0 under the same attack, on the same prompts (mid-p McNemar); ↓ and ↑ mark changes "
            + "with p < 0.05.")
        : section(
          dataset, title: "Answered and refused on \(dataset)", charts: [.overRefusal, .answered],
          note:
            "Share of replies that answer and that refuse (over-refusal), with the change of the "
            + "answered share against α = 0 under the same attack.")
    }
  }

  private func section(
    _ dataset: String, title: String, charts: [Quantity], note: String
  ) -> [Block] {
    let series = findings.series.filter { $0.dataset == dataset }
    let ranks = distinct(series.map(\.rank))
    var blocks: [Block] = [.heading(title), .note([.text(note)])]
    let hasCurves = series.contains { $0.rows.count > 1 }
    for quantity in charts where hasCurves {
      for rank in ranks {
        let figure = chart(quantity, dataset, rank, series.filter { $0.rank == rank })
        if let figure { blocks.append(.chart(figure)) }
      }
    }
    if hasCurves { blocks.append(.table(overview(series, charts[0]))) }
    if ranks.count > 1 {
      for attack in attacks {
        blocks += heatMap(charts[0], series.filter { $0.attack == attack }, attack: attack)
      }
    }
    var tables: [Block] = []
    for attack in attacks {
      let rows = series.filter { $0.attack == attack }.flatMap(\.rows)
      guard !rows.isEmpty else { continue }
      tables += [
        .subheading(heading(attack)),
        .table(
          findings.isHarmful(dataset)
            ? harmfulTable(rows, attack: attack) : benignTable(rows, attack: attack)),
      ]
    }
    return blocks + (hasCurves ? [.details("All numbers", tables)] : tables)
  }

  private func distinct(_ names: [String]) -> [String] {
    var seen: Set<String> = []
    return names.filter { seen.insert($0).inserted }
  }

  private func heading(_ attack: String) -> Sentence {
    if attack == "none" { return [findings.isSweep ? "Before any attack" : "As it is"] }
    let remark = summary.remarks[attack].map { " (\($0))" } ?? ""
    return ["After \(attack)\(remark)"]
  }

  // MARK: - Pictures

  private func chart(
    _ quantity: Quantity, _ dataset: String, _ rank: String, _ series: [Findings.Series]
  ) -> ChartFigure? {
    let curves = series.map { series in
      ChartSeries(
        name: Self.name(series.attack), style: style(series.attack),
        points: series.rows.compactMap { row in
          Share(quantity, of: row).map { share in
            ChartSeries.Point(
              x: row.alpha, y: share.rate, lower: share.interval.lower,
              upper: share.interval.upper,
              title: "\(Self.name(row.attack)), α = \(Number.text(row.alpha)): "
                + "\(Markdown.percent(share.rate)) (\(Self.range(share.interval))), n = "
                + "\(row.judged)")
          }
        })
    }.filter { !$0.points.isEmpty }
    guard curves.contains(where: { $0.points.count > 1 }) else { return nil }
    let at = rank.isEmpty ? "" : rank == "full" ? ", full rank" : ", rank \(rank)"
    let wish = quantity.isBetterLow ? "lower is better" : "higher is better"
    return ChartFigure(
      id: "chart-\(identifier("\(quantity.rawValue)-\(dataset)-\(rank)"))",
      title: "\(quantity.title) over α\(at)",
      explanation: "\(dataset); \(wish); bands are 95 % intervals", series: curves)
  }

  /// Letters and digits alone, so that no name can leave an attribute or double an id.
  private func identifier(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      scalar.properties.isAlphabetic && scalar.isASCII || ("0"..."9").contains(scalar)
        ? String(scalar) : "-\(String(scalar.value, radix: 16))-"
    }.joined()
  }

  /// α across, attacks down.
  private func overview(_ series: [Findings.Series], _ quantity: Quantity) -> ReportTable {
    let alphas = Set(series.flatMap { $0.rows.map(\.alpha) }).sorted()
    let hasRanks = Set(series.map(\.rank)).count > 1
    let hasJudges = Set(series.map(\.judge)).count > 1
    return ReportTable(
      caption: "\(quantity.title) by attack and α, with 95 % intervals",
      columns: [.text("attack")] + (hasRanks ? [.text("rank")] : [])
        + (hasJudges ? [.text("judge")] : [])
        + alphas.map { .number("α = \(Number.text($0))") },
      rows: series.sorted { order($0.attack) < order($1.attack) }.map { series in
        var row = [ReportTable.Cell(Self.name(series.attack))]
        if hasRanks { row.append(ReportTable.Cell(series.rank)) }
        if hasJudges { row.append(ReportTable.Cell(series.judge)) }
        return row
          + alphas.map { alpha in
            guard let found = series.rows.first(where: { $0.alpha == alpha }),
              let share = Share(quantity, of: found)
            else { return "–" }
            let (arrow, tone) = arrow(found)
            return ReportTable.Cell(
              "\(Markdown.percent(share.rate))\(arrow) (\(Self.range(share.interval)))",
              tone: tone)
          }
      })
  }

  private func heatMap(
    _ quantity: Quantity, _ series: [Findings.Series], attack: String
  ) -> [Block] {
    let alphas = Set(series.flatMap { $0.rows.map(\.alpha) }).sorted()
    guard !series.isEmpty, alphas.count > 1 else { return [] }
    let table = ReportTable(
      caption: "\(quantity.title), \(Self.name(attack)): rank down, α across",
      columns: [.text("rank")] + alphas.map { .number(Number.text($0)) },
      rows: series.map { series in
        [ReportTable.Cell(series.rank)]
          + alphas.map { alpha in
            let found = series.rows.first { $0.alpha == alpha }
            let share = found.flatMap { Share(quantity, of: $0) }
            return ReportTable.Cell(Markdown.percent(share?.rate), heat: share?.rate)
          }
      }, isHeatMap: true)
    return [.table(table)]
  }

  // MARK: - Tables

  private func harmfulTable(_ rows: [SummaryRow], attack: String) -> ReportTable {
    ReportTable(
      caption: "Attack success rate, \(Self.name(attack))",
      columns: [
        .text("rank"), .number("α"), .number("ASR"), .number("95 % interval"),
        .number("change"), .text(""), .number("n"), .number("errors"), .number("degenerate"),
      ],
      rows: rows.map { row in
        [
          ReportTable.Cell(row.rank), ReportTable.Cell(Number.text(row.alpha)),
          ReportTable.Cell(Markdown.percent(row.attackSuccessRate)), interval(row), change(row),
          ReportTable.Cell(Markdown.probability(row.pValue)), "\(row.n)", "\(row.errors)",
          "\(row.degenerate)",
        ]
      })
  }

  private func benignTable(_ rows: [SummaryRow], attack: String) -> ReportTable {
    ReportTable(
      caption: "Answered and refused, \(Self.name(attack))",
      columns: [
        .text("rank"), .number("α"), .number("answered"), .number("95 % interval"),
        .number("refused"), .number("change"), .text(""), .number("n"), .number("errors"),
        .number("degenerate"),
      ],
      rows: rows.map { row in
        [
          ReportTable.Cell(row.rank), ReportTable.Cell(Number.text(row.alpha)),
          ReportTable.Cell(Markdown.percent(row.attackSuccessRate)), interval(row),
          ReportTable.Cell(Markdown.percent(row.refusalRate)), change(row),
          ReportTable.Cell(Markdown.probability(row.pValue)), "\(row.n)", "\(row.errors)",
          "\(row.degenerate)",
        ]
      })
  }

  static func range(_ interval: ConfidenceInterval) -> String {
    "\(Markdown.percent(interval.lower)) – \(Markdown.percent(interval.upper))"
  }

  private func interval(_ row: SummaryRow) -> ReportTable.Cell {
    ReportTable.Cell(row.interval.map(Self.range) ?? "–")
  }

  private func change(_ row: SummaryRow) -> ReportTable.Cell {
    guard row.pValue != nil else { return "–" }
    let (arrow, tone) = arrow(row)
    return ReportTable.Cell(Markdown.points(row.delta) + arrow, tone: tone)
  }

  /// ↓ or ↑ where the change is significant, and whether it is one for the better.
  private func arrow(_ row: SummaryRow) -> (String, ReportTable.Tone?) {
    guard let delta = row.delta, let p = row.pValue, p < Findings.significance else {
      return ("", nil)
    }
    let isBetter = (delta < 0) == findings.isHarmful(row.dataset)
    return (delta < 0 ? " ↓" : " ↑", isBetter ? .better : .worse)
  }
}
