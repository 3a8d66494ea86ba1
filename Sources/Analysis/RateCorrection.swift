import ModelAccess
import Runs
package import Scoring
package import StudyDesign

/// What labels of a run's own replies say of one judge on one group of cells that it errs alike on, and
/// whether the group's rates were corrected by it.
package struct RateCorrection: Codable, Hashable, Sendable {
  package var dataset: String
  package var judge: String
  /// For people: which models the group is of.
  package var group: String
  package var cells: [CellID]
  /// Replies with a label and a verdict, and those of them labelled complied.
  package var labels: Int
  package var complied: Int
  /// Of the replies labelled complied, those that the judge calls so; of the others, those that it does not.
  package var sensitivity: JudgeQuality.Share
  package var specificity: JudgeQuality.Share
  /// Whether the corrected rates are the labels' alone: too few of them comply, or do not, to know the
  /// judge's errors.
  package var byLabelsAlone: Bool
  /// Why the group's rates are not corrected; nil where they are.
  package var refusal: String?

  enum CodingKeys: String, CodingKey {
    case dataset, judge, group, cells, labels, complied, sensitivity, specificity, refusal
    case byLabelsAlone = "by_labels_alone"
  }
}

/// Corrects rows by labels.
struct RateCorrecting {
  let plan: RunManifest.Plan
  let outcomes: SampleOutcomes
  /// Those that say whether a reply complied.
  private let labels: [Sample.Key: Bool]

  init(plan: RunManifest.Plan, outcomes: SampleOutcomes, labels: [RunLabel]) {
    self.plan = plan
    self.outcomes = outcomes
    self.labels = Dictionary(
      labels.filter { $0.label != .unclear }.map { ($0.key, $0.label == .complied) },
      uniquingKeysWith: { _, last in last })
  }

  /// Fills in the rows' corrected rates, and says what they rest on: for each group and each judge of its
  /// set.
  func correct(_ rows: inout [SummaryRow]) -> [RateCorrection] {
    let kinds = Dictionary(
      plan.cells.map { ($0.id, ReplyKind($0)) }, uniquingKeysWith: { first, _ in first })
    let counts = labels.keys.reduce(into: [ReplyKind: Int]()) {
      if let kind = kinds[$1.cell] { $0[kind, default: 0] += 1 }
    }
    let groups = LabelGroup.groups(of: plan, labels: counts, needed: fewestLabels)
    return groups.flatMap { group in
      plan.judges(of: group.dataset).filter { $0 != ExactMatchJudge.name }.flatMap { judge in
        correct(
          &rows, judge, group.text,
          rows.indices.filter { index in
            rows[index].judge == judge && rows[index].judged > 0
              && kinds[rows[index].cell].map(group.kinds.contains) ?? false
          })
      }
    }
  }

  private func correct(
    _ rows: inout [SummaryRow], _ judge: String, _ name: String, _ places: [Int]
  ) -> [RateCorrection] {
    guard let first = places.first else { return [] }
    let cells = places.map { labelled(rows[$0], judge) }
    func sum(_ value: KeyPath<LabelledCell, Double>) -> Int {
      Int(cells.reduce(0) { $0 + $1[keyPath: value] })
    }
    let (complied, others) = (sum(\.hits) + sum(\.misses), sum(\.rejections) + sum(\.alarms))
    var found = RateCorrection(
      dataset: rows[first].dataset, judge: judge, group: name, cells: places.map { rows[$0].cell },
      labels: complied + others, complied: complied,
      sensitivity: JudgeQuality.Share(successes: sum(\.hits), trials: complied),
      specificity: JudgeQuality.Share(successes: sum(\.rejections), trials: others),
      byLabelsAlone: min(complied, others) < fewestOfEitherLabel)
    do throws(CorrectionRefusal) {
      for (place, rate) in zip(places, try correctedRates(cells)) { rows[place].corrected = rate }
    } catch {
      // A cell with labels enough is a group by itself.
      if case .unlike = error, cells.allSatisfy({ $0.labels >= Double(fewestLabels) }) {
        return places.flatMap { place in
          correct(&rows, judge, "\(name): \(rows[place].cell)", [place])
        }
      }
      found.refusal = "\(error)"
    }
    return [found]
  }

  /// A row's replies. Those without a label count for what they are worth together with the others where
  /// prompts were sampled several times.
  private func labelled(_ row: SummaryRow, _ judge: String) -> LabelledCell {
    var cell = LabelledCell()
    for sample in outcomes[row.cell] {
      let verdict = sample.judgement(by: judge).verdict
      guard verdict != .unscored else { continue }
      switch (labels[sample.key], verdict == .complied) {
      case (true?, true): cell.hits += 1
      case (true?, false): cell.misses += 1
      case (false?, true): cell.alarms += 1
      case (false?, false): cell.rejections += 1
      case (nil, true): cell.called += 1
      case (nil, false): cell.uncalled += 1
      }
    }
    let unlabelled = cell.called + cell.uncalled
    if let worth = row.effectiveTrials, unlabelled > 0 {
      let scale = min(1, max(0, worth - cell.labels) / unlabelled)
      cell.called *= scale
      cell.uncalled *= scale
    }
    return cell
  }
}
