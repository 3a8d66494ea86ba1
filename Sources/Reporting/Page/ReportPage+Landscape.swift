import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// The maps of a landscape, and how far along the attack each α holds.
extension ReportPage {
  var landscape: [Block] {
    (summary.landscape ?? []).flatMap { surface in
      let hasLoss = surface.points.contains { $0.refusalLoss != nil }
      return [
        .heading("The landscape on \(surface.dataset)"),
        .note([.text(directions(surface))]),
        .surface(rates(surface)),
      ]
        + (hasLoss
          ? [.surface(losses(surface)), .note([.text(Self.lossNote)])]
          : [.note([.text(Self.noLossNote)])])
        + reaches(surface)
        + [.details("Every model of the grid", [.table(grid(surface, hasLoss: hasLoss))])]
    }
  }

  private static let lossNote =
    "The loss is the mean of −ln p over the tokens of the project's short refusals, in nats: 0 where the model is "
    + "sure to refuse in these words, higher the further it is from them. It moves before the first word of a "
    + "reply does, and says nothing of refusals in other words."

  private static let noLossNote =
    "The loss on short refusals was not measured: it takes a model that can be read as well as asked, which of "
    + "all servers the embedded one alone is."

  private func directions(_ surface: LandscapeSurface) -> String {
    let place = surface.defence.place.map { " of \($0)" } ?? ""
    var text =
      "Each tile is the aligned model moved by α along LoX's direction\(place) and by t along the part of "
      + "\(surface.attack) that is orthogonal to it (t = 1: as far as the attack itself, made once on the aligned "
      + "model). Tiles are what was measured; lines of equal value run straight between them."
    if let geometry = surface.geometry {
      let along = Number.text((geometry.along * 1000).rounded() / 1000)
      let cosine = Number.text((geometry.cosine * 1000).rounded() / 1000)
      let share = geometry.orthogonalNorm / geometry.attackNorm
      text +=
        " The attack goes \(along.replacing("-", with: "−")) times LoX's direction along it (cosine "
        + "\(cosine.replacing("-", with: "−"))), which is left out here: \(Wording.percent(share)) of its length "
        + "is orthogonal, and that is \(Self.times(geometry.orthogonalNorm / geometry.defenceNorm)) the length of "
        + "LoX's direction."
    }
    return text + trainedNote(surface)
  }

  /// What its intervals leave out.
  private func trainedNote(_ surface: LandscapeSurface) -> String {
    let isTrained = manifest.plan.cells.contains { $0.attack.isTrained }
    return isTrained
      ? " Intervals are over prompts and for this one training: another seed gives another direction."
      : ""
  }

  private static func times(_ value: Double) -> String {
    "\(Number.text((value * 100).rounded() / 100)) times"
  }

  // MARK: - Maps

  private func figure(
    _ surface: LandscapeSurface, _ kind: String, _ title: String, _ explanation: String,
    levels: [SurfaceFigure.Level], tile: (LandscapeSurface.Point?) -> SurfaceFigure.Tile
  ) -> SurfaceFigure {
    SurfaceFigure(
      id: Self.identifier("landscape-\(kind)-\(surface.dataset)"), title: title,
      explanation: explanation, columns: surface.alphas, rows: surface.strengths,
      columnAxis: "α, multiples of LoX's direction (0: without LoX)",
      rowAxis: "t, multiples of the attack", shortColumnAxis: "α, multiples of LoX's direction",
      shortRowAxis: "t, of the attack",
      tiles: surface.strengths.map { strength in
        surface.alphas.map { tile(surface.point(alpha: $0, strength: strength)) }
      }, levels: levels)
  }

  private static func place(_ point: LandscapeSurface.Point) -> String {
    "α = \(SurfaceFigure.place(point.alpha)), t = \(SurfaceFigure.place(point.strength))"
  }

  private func rates(_ surface: LandscapeSurface) -> SurfaceFigure {
    figure(
      surface, "asr", "Attack success rate (\(JudgeWording.rung(surface.judge)))",
      "\(surface.dataset); in %, lower is better; lines of 10, 50 and 90 %",
      levels: [0.1, 0.5, 0.9].map {
        SurfaceFigure.Level(value: $0, name: "\(Int($0 * 100)) %")
      }
    ) { point in
      guard let point, let rate = point.rate else { return .empty }
      let interval = point.interval.map { " (\(Self.range($0)))" } ?? ""
      return SurfaceFigure.Tile(
        value: rate, text: "\(Int((rate * 100).rounded()))", heat: rate,
        title: "\(Self.place(point)): \(Wording.percent(rate))\(interval), n = \(point.judged)")
    }
  }

  private func losses(_ surface: LandscapeSurface) -> SurfaceFigure {
    let values = surface.points.compactMap(\.refusalLoss).sorted()
    let (least, most) = (values.first ?? 0, values.last ?? 1)
    let levels = [0.25, 0.5, 0.75].map { values[Int(($0 * Double(values.count - 1)).rounded())] }
    return figure(
      surface, "loss", "Loss on short refusals",
      "\(surface.dataset); nats a token, lower is nearer to refusing; lines of the quartiles",
      levels: Findings.distinct(levels).filter { $0 > least }.map {
        SurfaceFigure.Level(value: $0, name: "\(Self.nats($0)) nats")
      }
    ) { point in
      guard let point, let loss = point.refusalLoss else { return .empty }
      let interval =
        point.refusalLossInterval.map { " (\(Self.nats($0.lower)) – \(Self.nats($0.upper)))" } ?? ""
      return SurfaceFigure.Tile(
        value: loss, text: Self.nats(loss),
        heat: most > least ? (loss - least) / (most - least) : 0,
        title: "\(Self.place(point)): \(Self.nats(loss)) nats a token\(interval)")
    }
  }

  /// To two decimals, always.
  static func nats(_ value: Double) -> String {
    let hundredths = Int((abs(value) * 100).rounded())
    return "\(value < 0 && hundredths > 0 ? "−" : "")\(hundredths / 100)."
      + "\(hundredths % 100 < 10 ? "0" : "")\(hundredths % 100)"
  }

  // MARK: - Tables

  private func reaches(_ surface: LandscapeSurface) -> [Block] {
    guard !surface.reaches.isEmpty else { return [] }
    let limit = Wording.percent(surface.limit)
    return [
      .subheading([.text("How far along the attack until the ASR reaches \(limit)")]),
      .note([
        .text(
          "The first t at which the measured ASR is at \(limit), on straight lines between the measured t; a rate "
            + "that falls again further on was reached all the same. Intervals of 95 % by the bootstrap over "
            + "prompts, each with all of its replies at every t and α. Where a model does not get there within the "
            + "measured t, no number is made up: it is not reached, and differences count it as far as it was "
            + "measured. The intervals are not corrected for the number of α.")
      ]),
      .table(
        ReportTable(
          caption: "Distance along the attack on \(surface.dataset), and against α = 0",
          columns: [
            .text("α"), .text("reached at"), .text("95 % interval"),
            .text("further than at α = 0 (95 %)"),
          ],
          rows: surface.reaches.map { reach in
            [
              ReportTable.Cell(SurfaceFigure.place(reach.alpha)), ReportTable.Cell(reach.outcome),
              ReportTable.Cell(reach.range),
              ReportTable.Cell(
                reach.comparison ?? "–",
                tone: reach.isShown
                  ? (reach.gain?.difference ?? 0) > 0 ? .better : .worse : nil),
            ]
          })),
    ]
  }

  private func grid(_ surface: LandscapeSurface, hasLoss: Bool) -> ReportTable {
    ReportTable(
      caption: "Every model on \(surface.dataset), with 95 % intervals",
      columns: [
        .number("α"), .number("t"), .number("ASR"), .number("complied"), .number("n"),
        .number("degenerate"),
      ] + (hasLoss ? [.number("loss on refusals")] : []),
      rows: surface.points.map { point in
        [
          ReportTable.Cell(SurfaceFigure.place(point.alpha)),
          ReportTable.Cell(SurfaceFigure.place(point.strength)),
          ReportTable.Cell(
            Wording.percent(point.rate), detail: point.interval.map(Self.range) ?? ""),
          ReportTable.Cell("\(point.complied)"), ReportTable.Cell("\(point.judged)"),
          ReportTable.Cell("\(point.degenerate)"),
        ]
          + (hasLoss
            ? [
              ReportTable.Cell(
                point.refusalLoss.map(Self.nats) ?? "–",
                detail: point.refusalLossInterval.map {
                  "\(Self.nats($0.lower)) – \(Self.nats($0.upper))"
                } ?? "")
            ] : [])
      })
  }
}
