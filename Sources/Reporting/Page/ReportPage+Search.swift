import Analysis
import Runs
import Scoring
import StudyDesign
import Support

/// What attackers who try several settings came to.
extension ReportPage {
  /// Trials that stand for no search's result: they are in tables and not in pictures.
  func isPassedOver(_ attack: String) -> Bool {
    let searches = (summary.searches ?? []).filter { search in
      search.labels.contains {
        PromptAttack.label(attack: $0, promptAttack: search.promptAttack) == attack
      }
    }
    return !searches.isEmpty
      && !searches.contains { search in
        search.chosen.map {
          PromptAttack.label(attack: $0, promptAttack: search.promptAttack)
        } == attack
      }
  }

  var searches: [Block] {
    let all = summary.searches ?? []
    guard !all.isEmpty else { return [] }
    struct Place: Hashable {
      var name, dataset, promptAttack: String
    }
    func place(_ found: AttackSearchResult) -> Place {
      Place(name: found.name, dataset: found.dataset, promptAttack: found.promptAttack)
    }
    let limits = manifest.limits
    return [
      .heading("The worst of several trials"),
      .note([
        .text(
          "An attacker who tries several settings keeps the one that does most harm. It is chosen on one half of "
            + "the harmful prompts, by their ids, and reported on the other: the highest of many rates is high "
            + "partly by luck, as the column of all prompts shows, which is what a search reports that chooses and "
            + "reports on the same. A trial counts as broken, and as no attack, where more than "
            + "\(Wording.percent(limits.maxDegenerate)) of the replies to any set are degenerate, or right answers "
            + "fall by more than \(Number.text((limits.maxUtilityDrop * 1_000).rounded() / 10)) points against the "
            + "same treatment before the attack. Intervals are for these trainings.")
      ]),
    ]
      + Findings.distinct(all.map(place)).flatMap { key -> [Block] in
        let found = all.filter { place($0) == key }
        let prompts =
          key.promptAttack == PromptAttack.none.text
          ? "" : ", \(PromptAttack.title(of: key.promptAttack))"
        return [
          .table(table(found, title: "\(key.name)\(prompts) on \(key.dataset)")),
          .list(told(found)),
        ]
      }
  }

  private func table(_ all: [AttackSearchResult], title: String) -> ReportTable {
    ReportTable(
      caption: "Worst trial of \(title), chosen on one half of the prompts, reported on the other",
      columns: [
        .text("treatment"), .number("trials"), .number("broken"), .number("gradient steps"),
        .text("worst trial"), .number("ASR where chosen"), .number("ASR reported"),
        .number("highest on all prompts"), .number("change by the attack"),
      ],
      rows: all.map { found in
        [
          ReportTable.Cell(
            found.treatment.isNone ? findings.defences.undefended : found.treatment.title),
          ReportTable.Cell("\(found.trials)"), ReportTable.Cell("\(found.broken)"),
          ReportTable.Cell(Number.grouped(found.steps)),
          ReportTable.Cell(found.chosen ?? "–"),
          ReportTable.Cell(Wording.percent(found.choosingRate)),
          ReportTable.Cell(
            Wording.percent(found.reportedRate),
            detail: found.reportedInterval.map(Self.range) ?? ""),
          ReportTable.Cell(Wording.percent(found.highestRate)),
          found.effect.map {
            ReportTable.Cell(
              Wording.points($0.change),
              detail: "\(Wording.points($0.interval.lower)) to \(Wording.points($0.interval.upper))"
            )
          } ?? "–",
        ]
      }, needsCaption: true)
  }

  /// What the chosen trials are, and what the search cost.
  private func told(_ all: [AttackSearchResult]) -> [Sentence] {
    Findings.distinct(all.compactMap(\.chosen)).map { trial in
      [.text("\(trial): \(summary.remarks[trial] ?? "")")]
    } + [
      [
        .text(
          "Cost: \(all.reduce(0) { $0 + $1.trials }) attacked models, "
            + "\(Number.grouped(all.reduce(0) { $0 + $1.steps })) gradient steps (of trainings from the aligned "
            + "model once, each counted for every treatment).")
      ]
    ]
  }
}
