import Analysis
import StudyDesign
import Support

/// One picture to decide by: safety against usefulness.
extension ReportPage {
  var tradeoff: [Block] {
    let points = findings.tradeoff
    guard points.count > 1 else { return [] }
    let methods = Findings.distinct(points.map(\.treatment.method))
    let figure = ScatterFigure(
      id: "tradeoff", title: "Safety against usefulness",
      explanation:
        "Worst attack's ASR upwards, refusals of harmless requests to the right; down and left is better. "
        + "Lines are 95 % intervals\(trainingScope); ★ and the stepped line mark the Pareto front.",
      axis: "harmless requests refused",
      points: points.map { point in
        let name = title(point.treatment)
        return ScatterFigure.Point(
          name: name, style: methods.firstIndex(of: point.treatment.method) ?? 0,
          x: point.overRefusal, y: point.attackSuccess, isOnFront: point.isOnFront,
          isFaint: point.isBroken || point.treatment.method.isControl,
          title: "\(name): ASR \(shares(point.attackSuccess)) under \(point.worstAttack), refuses "
            + "\(shares(point.overRefusal)) of harmless requests")
      })
    let hasUtility = points.contains { $0.utility != nil }
    return [
      .heading("Safety against usefulness"),
      .note([
        .text(
          "Each treatment by its worst attack and by what it refuses of harmless requests: before any attack, of "
            + "repairs under the attacks, where alone they are. A treatment is on the Pareto front where no other is "
            + "as good in both and better in one; a model whose replies are degenerate is on none, and the front "
            + "says nothing of chance: look at the intervals. Controls are there to compare with.")
      ]),
      .scatter(figure),
      .details(
        "The same as a table",
        [
          .table(
            ReportTable(
              caption: "Treatments between safety and usefulness",
              columns: [
                .text("treatment"), .number("worst ASR"), .text("attack"), .number("over-refusal"),
              ] + (hasUtility ? [.number("right answers")] : []) + [.text("front")],
              rows: points.map { point in
                [
                  ReportTable.Cell(title(point.treatment)),
                  ReportTable.Cell(
                    Wording.percent(point.attackSuccess.rate),
                    detail: Self.range(point.attackSuccess.interval)),
                  ReportTable.Cell(point.worstAttack),
                  ReportTable.Cell(
                    Wording.percent(point.overRefusal.rate),
                    detail: Self.range(point.overRefusal.interval)),
                ]
                  + (hasUtility
                    ? [
                      ReportTable.Cell(
                        Wording.percent(point.utility?.rate),
                        detail: point.utility.map { Self.range($0.interval) } ?? "")
                    ] : [])
                  + [
                    ReportTable.Cell(
                      point.isBroken ? "degenerate replies" : point.isOnFront ? "on it" : "–")
                  ]
              }))
        ]),
    ]
  }

  func title(_ treatment: Treatment) -> String {
    treatment.isNone
      ? findings.defences.undefended
      : "\(treatment.arm.fullTitle), \(treatment.strengthText)"
  }

  private func shares(_ share: TradeoffPoint.Share) -> String {
    "\(Wording.percent(share.rate)) (\(Self.range(share.interval)))"
  }
}
