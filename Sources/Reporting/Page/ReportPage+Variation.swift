import Analysis
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Support

/// What the numbers vary by: prompts, trainings, the drawing of replies, judges.
extension ReportPage {
  /// What intervals under an attack hold for; empty where none was trained.
  var trainingScope: String {
    let attacks = Findings.distinct(manifest.plan.cells.map(\.attack)).filter { !$0.isNone }
    guard attacks.contains(where: \.isTrained) else { return "" }
    return attacks.count == 1 ? ", for this training" : ", for these trainings"
  }

  var variation: [Block] {
    let everything = summary.variation ?? []
    let all = everything.filter { $0.treatment.isNone || $0.treatment == treatmentInQuestion }
    guard !all.isEmpty else { return [] }
    return [
      .heading("What the numbers vary by"),
      .note([
        .text(
          "Of all the variation of single verdicts, the share that comes from which prompt is asked, which "
            + "training seed made the model, which reply was drawn and who judged it: the largest share says "
            + "what more of would sharpen the numbers most.")
      ]),
      .table(shares(all)), .list(gaps(all).map { [.text($0)] }),
    ] + trainings(everything)
  }

  private func shares(_ all: [Variation]) -> ReportTable {
    let hasSets = Set(all.map(\.dataset)).count > 1
    let hasTreatments = Set(all.map(\.treatment)).count > 1
    func cell(_ share: Double?) -> ReportTable.Cell { ReportTable.Cell(Wording.percent(share)) }
    return ReportTable(
      caption: "Shares of the variation of a single verdict",
      columns: (hasSets ? [.text("dataset")] : []) + [.text("attack")]
        + (hasTreatments ? [.text("treatment")] : [])
        + [
          .number("prompt"), .number("training seed"), .number("sampling"), .number("judge"),
          .number("prompts × trainings × samples × judges"),
        ],
      rows: all.map { found in
        (hasSets ? [ReportTable.Cell(found.dataset)] : [])
          + [Self.title(found)]
          + (hasTreatments ? [Self.treatment(found)] : [])
          + [
            cell(found.shares?.prompt), cell(found.shares?.training), cell(found.shares?.sampling),
            cell(found.shares?.judge),
            found.components.map { of in
              ReportTable.Cell(
                "\(of.prompts) × \(of.trainings) × \(of.samples) × \(of.judges)")
            } ?? "–",
          ]
      })
  }

  /// What was not varied, and so is in no share and no interval.
  private func gaps(_ all: [Variation]) -> [String] {
    var lines: [String] = []
    let single = Findings.distinct(
      all.filter { found in
        found.trainings.count == 1
          && manifest.plan.cells.contains { $0.attack.label == found.attack && $0.attack.isTrained }
      }.map(\.attack))
    if !single.isEmpty {
      lines.append(
        "Of \(single.joined(separator: ", ")) one training each was measured: one training carries no share, "
          + "and what another seed would change is in no interval of this report. Trainings that differ in "
          + "their seed alone are counted together.")
    }
    let few = all.contains { (2..<TrainingSpread.fewest).contains($0.trainings.count) }
    if few {
      lines.append(
        "The share of few trainings is itself known but roughly.")
    }
    if manifest.plan.samples == 1 {
      lines.append(
        manifest.plan.decoding.temperature == 0
          ? "Replies are greedy: nothing was drawn, so sampling has no share."
          : "Each prompt was asked once: what the drawing of a reply changes cannot be told from the prompt "
            + "and stands in its share (of several trainings, in theirs).")
    }
    if all.allSatisfy({ ($0.components?.judges ?? 1) < 2 }) {
      lines.append(
        "One judge answered the question of the ASR: how far another would differ is not known.")
    }
    if all.contains(where: { $0.shares?.prompt == 1 }) {
      lines.append("Where nothing but the prompt was varied, all of the variation is its.")
    }
    if all.contains(where: { $0.components != nil && $0.shares == nil }) {
      lines.append(
        "Where there are no shares fewer than \(Variation.fewest) verdicts differed from the rest.")
    }
    return lines
  }

  /// Each training's rate, with every treatment; intervals where all have six of them or more.
  private func trainings(_ all: [Variation]) -> [Block] {
    let several = all.filter { $0.trainings.count > 1 }
    guard !several.isEmpty else { return [] }
    let hasTreatments = Set(several.map(\.treatment)).count > 1
    let hasIntervals = several.allSatisfy { $0.spread?.medianInterval != nil }
    let hasChanges = several.contains { $0.change != nil }
    return [
      .note([
        .text(
          "ASR of each training, by its seed. "
            + (hasIntervals
              ? "The interval holds the median over trainings with 95 %, on these prompts."
              : "The range is what was seen and promises nothing of the next training; an interval over "
                + "trainings takes \(TrainingSpread.fewest) of them.")
            + (hasChanges
              ? " Changes are against the undefended model after the training with the same seed: their median "
                + "and range, in points."
              : ""))
      ]),
      .table(
        ReportTable(
          caption: "Trainings that differ in their seed alone",
          columns: [.text("attack")] + (hasTreatments ? [.text("treatment")] : [])
            + [.prose("ASR by seed"), .number(hasIntervals ? "median (95 %)" : "median (range)")]
            + (hasChanges ? [.number("change (range)")] : []),
          rows: several.map { found in
            [Self.title(found)]
              + (hasTreatments ? [Self.treatment(found)] : [])
              + [
                ReportTable.Cell(found.trainings.map(Self.label).joined(separator: ", ")),
                found.spread.map { Self.median($0, hasIntervals) } ?? "–",
              ]
              + (hasChanges ? [found.change.map(Self.change) ?? "–"] : [])
          })),
    ]
  }

  private static func median(_ spread: TrainingSpread, _ hasIntervals: Bool) -> ReportTable.Cell {
    let around = hasIntervals ? spread.medianInterval ?? spread.range : spread.range
    return ReportTable.Cell(Wording.percent(spread.median), detail: range(around))
  }

  private static func change(_ spread: TrainingSpread) -> ReportTable.Cell {
    let (least, most) = (spread.range.lower, spread.range.upper)
    return ReportTable.Cell(
      Wording.points(spread.median),
      detail: "\(Wording.points(least)) – \(Wording.points(most))")
  }

  private static func title(_ found: Variation) -> ReportTable.Cell {
    let further = found.trainings.count - 1
    return ReportTable.Cell(
      name(PromptAttack.label(attack: found.attack, promptAttack: found.promptAttack)),
      detail: further > 0 ? "and \(further) further seed\(further > 1 ? "s" : "")" : "")
  }

  private static func treatment(_ found: Variation) -> ReportTable.Cell {
    ReportTable.Cell(found.treatment.isNone ? "–" : found.treatment.request)
  }

  private static func label(_ training: Variation.Training) -> String {
    "\(training.seed.map { "\($0)" } ?? training.attack):\u{A0}\(Wording.percent(training.rate))"
  }
}
