import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// Which α to use, what the judges are worth, and what kinds of request get through.
extension ReportPage {
  var choice: [Block] {
    guard let recommendation = summary.recommendation, recommendation.candidates.count > 1 else {
      return []
    }
    let limits = recommendation.limits
    let wording = findings.defences
    let hasUtility = recommendation.candidates.contains { $0.utilityDrop != nil }
    let hasRepairs = recommendation.candidates.contains { $0.treatment.stage == .afterAttack }
    let rows = recommendation.candidates.map { candidate in
      let isChosen = candidate.treatment == recommendation.treatment
      let verdict =
        isChosen ? "recommended" : candidate.rejection ?? "within the limits"
      return [
        ReportTable.Cell(Number.text(candidate.alpha)),
        ReportTable.Cell(candidate.treatment.isNone ? "–" : wording.title(candidate.treatment.arm)),
        ReportTable.Cell(
          Wording.percent(candidate.attackedRate), detail: candidate.worstAttack ?? ""),
        ReportTable.Cell(Wording.percent(candidate.overRefusal)),
      ] + (hasUtility ? [ReportTable.Cell(Wording.points(candidate.utilityDrop.map { -$0 }))] : [])
        + [
          ReportTable.Cell(
            verdict, tone: isChosen ? .better : candidate.rejection == nil ? nil : .worse)
        ]
    }
    return [
      .heading("The choice of \(wording.choice)"),
      .note([
        .text(
          "\(recommendation.reason) Limits: over-refusal at most "
            + "\(Wording.percent(limits.maxOverRefusal)) and at most "
            + "\(Self.points(limits.maxOverRefusalIncrease)) points more than \(wording.undefended), right "
            + "answers at most \(Self.points(limits.maxUtilityDrop)) points fewer, degenerate "
            + "replies at most \(Wording.percent(limits.maxDegenerate)). It is chosen on one "
            + "half of the harmful prompts, by their ids, and tried on the other; the rates below are of all."
        )
      ]),
      .table(
        ReportTable(
          caption:
            "Each \(wording.one) by the ASR of its worst attack (\(asrRungs)) and its costs before any attack"
            + (hasRepairs ? ", of repairs under the attacks" : ""),
          columns: [
            .number(wording.strength), .text(wording.arm), .number("worst ASR"),
            .number("over-refusal"),
          ] + (hasUtility ? [.number("right answers")] : []) + [.prose("verdict")],
          rows: rows)),
    ]
  }

  /// What the ASR of the harmful sets counts.
  var asrRungs: String {
    Findings.distinct(
      datasets.filter(findings.isHarmful).compactMap { manifest.plan.judges(of: $0).first }
    ).map(JudgeWording.rung).joined(separator: ", ")
  }

  var categories: [Block] {
    let leading = findings.leading.filter { findings.isHarmful($0.dataset) }
    let names = Set(leading.flatMap { $0.rows.flatMap(\.categories.keys) }).sorted()
    guard names.count > 1 else { return [] }
    let treatments = [Treatment.none] + (findings.recommendedDefence.map { [$0] } ?? [])
    let columns = attacks.flatMap { attack in treatments.map { (attack: attack, treatment: $0) } }
    func cell(_ category: String, _ attack: String, _ treatment: Treatment) -> ReportTable.Cell {
      let counts = leading.filter { $0.label == attack }
        .flatMap { $0.rows.filter { $0.treatment == treatment } }
      // The untreated model stands in the series of every defence.
      let found = Dictionary(grouping: counts, by: \.dataset).values
        .compactMap { $0.first?.categories[category] }
      let judged = found.reduce(0) { $0 + $1.judged }
      guard judged > 0 else { return "–" }
      return ReportTable.Cell("\(found.reduce(0) { $0 + $1.successes }) of \(judged)")
    }
    return [
      .heading("By category"),
      .note([
        .text(
          "What the ASR counts (\(asrRungs)), of the replies judged, by the category of the prompt."
        )
      ]),
      .table(
        ReportTable(
          caption: "Replies that the ASR counts, by category of the prompt",
          columns: [.text("category")]
            + columns.map { column in
              let at =
                findings.isSweep ? ", \(findings.defences.at(column.treatment.strength))" : ""
              return .number(Self.name(column.attack) + at)
            },
          rows: names.map { name in
            [ReportTable.Cell(name)]
              + columns.map { cell(name, $0.attack, $0.treatment) }
          })),
    ]
  }

  var judges: [Block] {
    var blocks = judgeRanges
    let agreement = summary.judgeAgreement.compactMap { pair in
      pair.agreement.map { (pair, $0) }
    }
    if !agreement.isEmpty {
      blocks += [
        .note([
          .text(
            "How far two judges agree on whether replies complied. κ is agreement beyond chance: 1 is "
              + "perfect, 0 what guessing would bring. Where judges differ, so does what the rates "
              + "mean.")
        ]),
        .table(
          ReportTable(
            caption: "Agreement of the judges",
            columns: [
              .text("dataset"), .text("judges"), .number("replies"), .number("agree"),
              .number("κ"), .number("only the first: complied"),
              .number("only the second: complied"),
            ],
            rows: agreement.map { pair, agreement in
              [
                ReportTable.Cell(pair.dataset),
                ReportTable.Cell("\(pair.first), \(pair.second)"),
                ReportTable.Cell("\(agreement.replies)"),
                ReportTable.Cell(
                  Wording.percent(agreement.share), detail: Self.range(agreement.shareInterval)),
                ReportTable.Cell(
                  agreement.kappa.map(Self.hundredths) ?? "–",
                  detail: agreement.kappaInterval.map {
                    "\(Self.hundredths($0.lower)) – \(Self.hundredths($0.upper))"
                  } ?? ""),
                ReportTable.Cell("\(pair.counts.onlyFirst)"),
                ReportTable.Cell("\(pair.counts.onlySecond)"),
              ]
            })),
      ]
    }
    blocks += controversial + corrections + qualityElsewhere
    return blocks.isEmpty ? [] : [.heading("The judges")] + blocks
  }

  /// A share in points, without a sign.
  private static func points(_ share: Double) -> String {
    Number.text((share * 1_000).rounded() / 10)
  }

  private static func hundredths(_ value: Double) -> String {
    let hundredths = Int((abs(value) * 100).rounded())
    let digits = hundredths % 100 < 10 ? "0\(hundredths % 100)" : "\(hundredths % 100)"
    return "\(value < 0 && hundredths > 0 ? "−" : "")\(hundredths / 100).\(digits)"
  }
}
