import Runs
import Scoring
import StudyDesign
import Support

/// The page's first sentences.
extension Findings {
  /// The answer, then what it rests on.
  package var verdict: [Sentence] {
    var sentences: [Sentence] = []
    if summary.missing > 0 {
      sentences.append([
        .strong("The run is not finished: \(summary.missing) samples are missing."),
        " Continue it with ", .code("--resume"), "; what follows is provisional.",
      ])
    }
    if !summary.effectiveRanks.isEmpty {
      return sentences + summary.effectiveRanks.map(sentence)
    }
    if summary.landscape != nil { return sentences + landscape }
    // A choice that could not be tried is a remark, not the answer.
    let wasTried = summary.recommendation?.candidates.contains { $0.overRefusal != nil } ?? false
    if wasTried, let choice { sentences.append(choice) }
    let harmful = leading.filter { isHarmful($0.dataset) }
    var told: Set<String> = []
    for unattacked in harmful where !unattacked.isAttacked {
      guard let row = unattacked.reference ?? unattacked.rows.first,
        told.insert(row.dataset).inserted
      else { continue }
      let when = isSweep ? "Before any attack the model" : "The model"
      sentences.append([
        .text(
          "\(when) \(JudgeWording.verb(row.judge)) \(Self.rate(row)) of \(row.dataset)"
            + "\(Self.ladder(row)).")
      ])
    }
    for attacked in harmful where attacked.isAttacked && isTold(attacked) {
      // Whatever the defences, each attack is told of once.
      guard told.insert("\(attacked.label)\n\(attacked.dataset)").inserted else { continue }
      sentences += sentence(attacked, among: harmful)
    }
    sentences += searches + severity
    if !wasTried, let choice { sentences.append(choice) }
    if !isSweep { sentences += benign }
    return sentences
  }

  /// Of points along one training the last, and of trainings that differ in their seed the first: the others
  /// stand in tables of their own.
  private func isTold(_ attacked: Series) -> Bool {
    let isEarlier = (summary.severity ?? []).contains { found in
      found.points.dropLast().contains { $0.attack == attacked.attack }
    }
    let isFurther = (summary.variation ?? []).contains { found in
      found.trainings.dropFirst().contains { $0.attack == attacked.attack }
    }
    let isTrial = (summary.searches ?? []).contains { $0.labels.contains(attacked.attack) }
    return !isEarlier && !isFurther && !isTrial
  }

  /// What the seed of a training changes, of a treated model against the undefended one too; empty where one
  /// was measured.
  private func seeds(of attacked: Series, _ isOfTreatment: (Treatment) -> Bool) -> String {
    guard
      let found = summary.variation?.first(where: {
        $0.attack == attacked.attack && $0.dataset == attacked.dataset
          && isOfTreatment($0.treatment) && $0.promptAttack == attacked.promptAttack
      }), found.trainings.count > 1, let range = found.spread?.range
    else { return "" }
    let change = found.change.map { change in
      ", a change of \(Wording.points(change.range.lower)) to "
        + "\(Wording.points(change.range.upper)) points with the same seed"
    }
    let (least, most) = (Wording.percent(range.lower), Wording.percent(range.upper))
    let rates = least == most ? "is \(least) each time" : "ranges from \(least) to \(most)"
    return " Over its \(found.trainings.count) seeds that \(rates)\(change ?? "")."
  }

  /// What attackers came to who try several settings.
  private var searches: [Sentence] {
    let all = summary.searches ?? []
    return all.filter(\.treatment.isNone).map { found in
      func rate(_ found: AttackSearchResult) -> String {
        guard let interval = found.reportedInterval else { return "an unknown share" }
        return Wording.percent(found.reportedRate)
          + Self.interval(interval, ", for these trainings")
          + ", \(Wording.percent(found.choosingRate)) where it was chosen"
      }
      let effect = (summary.attackEffects ?? []).first {
        $0.attack == found.name && $0.dataset == found.dataset
          && $0.promptAttack == found.promptAttack
      }
      var text =
        ", the worst of \(found.trials) trials, chosen on one half of the prompts and reported on the other, "
        + "\(defences.undefended) it \(JudgeWording.verb(found.judge)) \(rate(found))"
        + (effect.map { "; \(Self.told($0))." } ?? ".")
      let treated = all.filter {
        !$0.treatment.isNone && $0.name == found.name && $0.dataset == found.dataset
          && $0.promptAttack == found.promptAttack && $0.reportedRate != nil
      }
      let shown =
        treated.first { $0.treatment == recommendedDefence }
        ?? treated.min { ($0.reportedRate ?? 1) < ($1.reportedRate ?? 1) }
      if let shown {
        text +=
          (effect?.isPotent ?? true ? " " : " It is therefore no test of a defence. ")
          + "\(shown.treatment.title): \(rate(shown))."
      }
      let broken = all.filter { $0.name == found.name && $0.dataset == found.dataset }
        .reduce(0) { $0 + $1.broken }
      if broken > 0 { text += " \(broken) trials broke a model and count as no attack." }
      return ["Under ", .strong(found.name), .text(text)]
    }
  }

  /// After how many steps each model broke.
  private var severity: [Sentence] {
    let all = (summary.severity ?? []).filter {
      $0.treatment.isNone || recommendedDefence == nil || $0.treatment == recommendedDefence
    }
    func isOfOneKind(_ one: Severity, _ other: Severity) -> Bool {
      one.kind == other.kind && one.treatment == other.treatment && one.dataset == other.dataset
        && one.promptAttack == other.promptAttack
    }
    return all.enumerated().compactMap { index, found -> Sentence? in
      // Of trainings that differ in their seed the first is told whole.
      guard !all[..<index].contains(where: { isOfOneKind($0, found) }) else { return nil }
      let others = all[(index + 1)...].filter { isOfOneKind($0, found) }.map(\.outcome)
      let seeds = others.isEmpty ? "" : "; with other seeds \(others.joined(separator: ", "))"
      let place = found.treatment.isNone ? defences.undefended : "with \(found.treatment.title)"
      return [
        "Steps of ", .strong(found.training),
        .text(
          " on \(found.dataset) until the ASR reaches \(Wording.percent(found.limit)), \(place): "
            + "\(found.answer)\(seeds)."),
      ]
    }
  }

  /// How few directions bring the alignment's safety.
  private func sentence(_ found: EffectiveRank) -> Sentence {
    let rates = found.measured.map {
      "\(Wording.percent($0.attackSuccessRate)) at rank \($0.rank)"
    }
    return [
      .strong(found.answer + "."),
      .text(
        " \(found.proof) The base model's ASR is \(Wording.percent(found.base)) and the aligned one's "
          + "\(Wording.percent(found.aligned)); of the base model with the alignment's leading "
          + "directions alone it is \(rates.joined(separator: ", ")). The effective rank is the least "
          + "that comes within \(EffectiveRank.tolerance) of the aligned model's ASR. In the tables "
          + "α = 0 is the base model, α = 1 the base model with as many directions as the rank, and "
          + "full rank at α = 1 the aligned model."),
    ]
  }

  /// The recommended α with what it brings and costs, or why there is none.
  private var choice: Sentence? {
    guard let recommendation = summary.recommendation else { return nil }
    guard
      let chosen = recommendation.candidates.first(where: {
        $0.treatment == recommendation.treatment
      })
    else { return [.text(recommendation.reason)] }
    if chosen.treatment.isNone {
      return [.strong("Leave the model as it is."), .text(" \(recommendation.reason)")]
    }
    let before = recommendation.candidates.first(where: \.treatment.isNone)
    var text = " \(recommendation.reason)"
    if let overRefusal = chosen.overRefusal, let then = before?.overRefusal {
      let (before, after) = (Wording.percent(then), Wording.percent(overRefusal))
      text +=
        before == after
        ? " Refusals of harmless requests stay at \(after)."
        : " Refusals of harmless requests go from \(before) to \(after)."
    }
    if let drop = chosen.utilityDrop {
      text += " Right answers change by \(Wording.points(-drop)) points."
    }
    return [.strong("Use \(chosen.treatment.request)."), .text(text)]
  }

  private func sentence(_ attacked: Series, among all: [Series]) -> [Sentence] {
    guard let reference = attacked.reference, reference.attackSuccessRate != nil else { return [] }
    let several = Set(all.map(\.dataset)).count > 1 ? " of \(attacked.dataset)" : ""
    var text: Sentence = [
      "Under ", .strong(attacked.label),
      .text(
        "\(isSweep ? " \(defences.undefended)" : "") it \(JudgeWording.verb(reference.judge)) \(Self.rate(reference))"
          + "\(several)\(Self.ladder(reference))"),
      .text((effect(of: attacked).map { "; \($0)." } ?? ".") + seeds(of: attacked, \.isNone)),
    ]
    // Nothing can be lowered.
    guard reference.successes > 0 else { return [text] }
    let candidates = all.filter {
      $0.label == attacked.label && $0.dataset == attacked.dataset
    }
    let isRecommended = recommendedDefence != nil
    let chosen =
      isRecommended
      ? candidates.flatMap(\.rows).first { $0.treatment == recommended }
      : candidates.compactMap(\.best).min {
        ($0.attackSuccessRate ?? 1) < ($1.attackSuccessRate ?? 1)
      }
    guard let chosen, let delta = chosen.delta else { return [text] }
    if let found = attackEffect(of: attacked), !found.isPotent {
      text.append(
        .text(
          " It is therefore no test of a defence; \(chosen.treatment.title): \(Self.rate(chosen)).")
      )
      return [text]
    }
    // Of the lowest of several the plain interval would promise too much.
    let change =
      "\(Wording.points(delta)) points\(Self.range(chosen.adjustedDeltaInterval ?? chosen.deltaInterval)), "
      + "\(Wording.probability(Self.probability(chosen))) by \(Wording.test(isPaired: chosen.pairs != nil)), "
      + "both corrected for the comparisons of this set"
    let place = chosen.treatment.title
    let rate = "\(Self.rate(chosen)): \(change)"
    if delta < 0 && Self.isSignificant(chosen) {
      text.append(
        .text(
          " \(place) lowers that to \(rate).\(seeds(of: attacked) { $0 == chosen.treatment })"))
    } else if delta < 0 {
      text.append(
        .text(
          " \(place) is not shown to change that with \(chosen.prompts) prompts: \(rate)."))
    } else if isRecommended {
      text.append(.text(" \(place) does not lower that: \(rate)."))
    } else {
      text.append(.text(" No \(defences.any) has a lower share; at best \(rate)."))
    }
    return [text]
  }

  private func attackEffect(of attacked: Series) -> AttackEffect? {
    summary.attackEffects?.first {
      $0.dataset == attacked.dataset && $0.attack == attacked.attack
        && $0.promptAttack == attacked.promptAttack && $0.judge == attacked.judge
    }
  }

  /// What an attack does to the untreated model, by the test on the same prompts: overlapping intervals of
  /// two rates would hide half of what is there.
  private func effect(of attacked: Series) -> String? {
    attackEffect(of: attacked).map(Self.told)
  }

  private static func told(_ found: AttackEffect) -> String {
    let comparison = found.comparison
    let change =
      "\(Wording.points(comparison.change)) points\(range(comparison.interval)) against no attack, "
      + "\(Wording.probability(found.adjustedPValue)) by \(Wording.test(isPaired: comparison.pairs != nil)) "
      + "on \(comparison.prompts) prompts"
    guard found.isSignificant else { return "the attack is not shown to change that: \(change)" }
    return comparison.change > 0
      ? "the attack raises it: \(change)" : "the attack lowers it: \(change)"
  }

  /// How many of these replies go further: `, sets out to comply with 2.0 % and …`. Where none is counted
  /// at all there is nothing to say of more.
  static func ladder(_ row: SummaryRow) -> String {
    let rungs = (row.ladder ?? []).filter { $0.judge != row.judge }
    guard !rungs.isEmpty, row.successes > 0 || rungs.contains(where: { $0.successes > 0 }) else {
      return ""
    }
    let said = rungs.map { "\(JudgeWording.verb($0.judge)) \(Wording.percent($0.rate))" }
    return ", " + said.joined(separator: " and ")
  }

  /// What a single model does with harmless requests.
  private var benign: [Sentence] {
    var seen: Set<String> = []
    let rows = series.filter { !isHarmful($0.dataset) }.compactMap(\.rows.first)
    let refused = rows.filter { $0.overRefusal != nil && seen.insert($0.dataset).inserted }
    return refused.map { row in
      [
        .text(
          "It refuses \(Wording.percent(row.overRefusal))\(Self.interval(row.overRefusalInterval)) "
            + "of \(row.dataset).")
      ]
    }
      + rows.filter { $0.utility != nil }.map { row in
        [
          .text(
            "It answers \(Wording.percent(row.utility))\(Self.interval(row.interval)) of "
              + "\(row.dataset) rightly.")
        ]
      }
  }

  static func rate(_ row: SummaryRow) -> String {
    guard row.interval != nil else { return "an unknown share" }
    return Wording.percent(row.attackSuccessRate)
      + interval(row.interval, row.isTrained ? ", for this training" : "")
  }

  /// - Parameter scope: what it holds for, where that is less than it seems.
  private static func interval(_ interval: ConfidenceInterval?, _ scope: String = "") -> String {
    interval.map {
      " (95 % interval \(Wording.percent($0.lower)) to \(Wording.percent($0.upper))\(scope))"
    } ?? ""
  }

  private static func range(_ interval: ConfidenceInterval?) -> String {
    interval.map { " (\(Wording.points($0.lower)) to \(Wording.points($0.upper)))" } ?? ""
  }
}
