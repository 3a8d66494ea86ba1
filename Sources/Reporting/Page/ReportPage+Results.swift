import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// One section for each set of prompts: curves, the table of α, all numbers.
extension ReportPage {
  var results: [Block] {
    datasets.flatMap { dataset -> [Block] in
      let series = findings.series.filter { $0.dataset == dataset }
      var blocks: [Block] = [
        .heading(
          findings.isHarmful(dataset)
            ? "Attack success rate on \(dataset)" : "The other side: \(dataset)"),
        .note([.text(explanation(dataset))]),
      ]
      for (quantity, judged) in quantities(dataset, series) {
        blocks += pictures(quantity, judged)
      }
      blocks += ladder(dataset)
      let tables = numbers(series)
      return blocks + (findings.isSweep ? [.details("All numbers", tables)] : tables)
    }
  }

  private func explanation(_ dataset: String) -> String {
    let test = Wording.test(isPaired: manifest.plan.samples == 1)
    let changes =
      findings.isSweep
      ? " Changes are against \(findings.defences.at(0)) under the same attack, on the same prompts (\(test), "
        + "corrected after Holm for their number); ↓ and ↑ mark those with p < 0.05."
      : ""
    let intervals = "95 % intervals over prompts\(trainingScope)"
    return findings.isHarmful(dataset)
      ? "\(asrCaption(dataset)). Shares of all judged replies, with \(intervals).\(changes)"
      : "What safety costs those who ask for nothing harmful, with \(intervals).\(changes)"
  }

  /// What the ASR of a set counts.
  private func asrCaption(_ dataset: String) -> String {
    JudgeWording.caption(manifest.plan.judges(of: dataset).first ?? manifest.plan.judge)
  }

  /// The quantity's name, of the ASR with what it counts.
  private func title(_ quantity: Quantity, _ series: [Findings.Series]) -> String {
    guard quantity == .successRate, let judge = series.first?.judge else { return quantity.title }
    return "\(quantity.title) (\(JudgeWording.rung(judge)))"
  }

  /// What is drawn of a set, with the rows that measure it: each by the first judge that can.
  private func quantities(
    _ dataset: String, _ series: [Findings.Series]
  ) -> [(Quantity, [Findings.Series])] {
    if findings.isHarmful(dataset) {
      return [(.successRate, series.filter { $0.rows.first.map(summary.isLeading) ?? false })]
    }
    func judged(_ holds: (SummaryRow) -> Bool) -> [Findings.Series] {
      let judge = series.first { $0.rows.contains(where: holds) }?.judge
      return series.filter { $0.judge == judge }
    }
    let refused = judged { $0.overRefusal != nil }
    let solved = judged { $0.utility != nil }
    return [
      (.overRefusal, refused), solved.isEmpty ? (.answered, refused) : (.utility, solved),
    ].filter { !$0.1.isEmpty }
  }

  private func pictures(_ quantity: Quantity, _ series: [Findings.Series]) -> [Block] {
    guard series.contains(where: { $0.rows.count > 1 }) else { return [] }
    let all = series
    let series = all.filter { !isPassedOver($0.label) }
    let arms = Findings.distinct(series.map(\.arm))
    var blocks: [Block] = []
    for arm in arms {
      let figure = chart(quantity, series.filter { $0.arm == arm })
      if let figure { blocks.append(.chart(figure)) }
    }
    let table = Block.table(overview(quantity, all))
    guard arms.count > 1 else { return blocks + [table] }
    let maps = attacks.filter { !isPassedOver($0) }.map { attack in
      heatMap(quantity, series.filter { $0.label == attack }, attack: attack)
    }
    return blocks + [
      .heatMaps(
        "\(title(quantity, series)): \(findings.defences.arm) down, \(findings.defences.strength) across",
        maps),
      .details("\(quantity.title) with intervals", [table]),
    ]
  }

  // MARK: - Pictures

  private func chart(
    _ quantity: Quantity, _ series: [Findings.Series]
  ) -> ChartFigure? {
    let curves = series.map { series in
      ChartSeries(
        name: Self.name(series.label), style: style(series.label),
        points: series.rows.compactMap { row in
          Share(quantity, of: row).map { share in
            ChartSeries.Point(
              x: row.alpha, y: share.rate, lower: share.interval.lower,
              upper: share.interval.upper,
              title: "\(Self.name(row.attackLabel)), \(findings.defences.at(row.alpha)): "
                + "\(Wording.percent(share.rate)) (\(Self.range(share.interval))), n = "
                + "\(row.judged)")
          }
        })
    }.filter { !$0.points.isEmpty }
    guard let first = series.first, !curves.isEmpty else { return nil }
    let place = first.arm.place.map { ", \($0)" } ?? ""
    let wish = quantity.isBetterLow ? "lower is better" : "higher is better"
    return ChartFigure(
      id: Self.identifier(
        "\(quantity.rawValue)-\(first.dataset)-\(first.arm.title)"),
      title: "\(title(quantity, series)) over \(findings.defences.strength)\(place)",
      explanation: "\(first.dataset); \(wish); bands are 95 % intervals\(trainingScope)",
      axis: findings.defences.axis, series: curves)
  }

  /// Letters and digits alone, so that no name can leave an attribute or double an id.
  static func identifier(_ text: String) -> String {
    text.unicodeScalars.map { scalar in
      scalar.isASCII && (scalar.properties.isAlphabetic || ("0"..."9").contains(scalar))
        ? String(scalar) : "-\(String(scalar.value, radix: 16))-"
    }.joined()
  }

  /// α across, attacks down.
  private func overview(_ quantity: Quantity, _ series: [Findings.Series]) -> ReportTable {
    let alphas = Set(series.flatMap { $0.rows.map(\.alpha) }).sorted()
    let hasRanks = Set(series.map(\.arm)).count > 1
    return ReportTable(
      caption:
        "\(title(quantity, series)) by attack and \(findings.defences.strength), with 95 % intervals"
        + trainingScope,
      columns: [.text("attack")] + (hasRanks ? [.text(findings.defences.arm)] : [])
        + alphas.map { .number(findings.defences.at($0)) },
      rows: series.sorted { order($0.label) < order($1.label) }.map { series in
        [ReportTable.Cell(Self.name(series.label))]
          + (hasRanks ? [ReportTable.Cell(findings.defences.title(series.arm))] : [])
          + alphas.map { alpha in
            guard let row = series.rows.first(where: { $0.alpha == alpha }),
              let share = Share(quantity, of: row)
            else { return "–" }
            return ReportTable.Cell(
              "\(Wording.percent(share.rate))\(share.arrow)", detail: Self.range(share.interval),
              tone: share.tone(quantity))
          }
      }, needsCaption: true)
  }

  private func heatMap(
    _ quantity: Quantity, _ series: [Findings.Series], attack: String
  ) -> ReportTable {
    let alphas = Set(series.flatMap { $0.rows.map(\.alpha) }).sorted()
    return ReportTable(
      caption: Self.name(attack),
      columns: [.text(findings.defences.arm)] + alphas.map { .number(Number.text($0)) },
      rows: series.map { series in
        [ReportTable.Cell(findings.defences.title(series.arm))]
          + alphas.map { alpha in
            let row = series.rows.first { $0.alpha == alpha }
            let share = row.flatMap { Share(quantity, of: $0) }
            return ReportTable.Cell(
              Wording.percent(share?.rate),
              heat: share.map { quantity.isBetterLow ? $0.rate : 1 - $0.rate })
          }
      }, isHeatMap: true)
  }

  static func range(_ interval: ConfidenceInterval) -> String {
    "\(Wording.percent(interval.lower)) – \(Wording.percent(interval.upper))"
  }

  /// The same of a difference.
  static func points(_ interval: ConfidenceInterval) -> String {
    "\(Wording.points(interval.lower)) – \(Wording.points(interval.upper))"
  }
}
