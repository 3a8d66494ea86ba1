import Foundation

/// Below this many labelled replies in a group nothing is corrected.
package let fewestLabels = 30

/// Below this many replies that are labelled as complied, or otherwise, nothing is known of the judge's
/// sensitivity, or specificity.
package let fewestOfEitherLabel = 5

/// The rates of a group of cells, corrected for the judge's errors as labelled replies **of these very
/// cells** show them.
///
/// The estimate is the maximum likelihood (of a single cell with labels Rogan and Gladen's, kept within
/// [0, 1], joined with what the labels themselves say of the share). The interval holds every share π for
/// which twice the drop of the profile likelihood is at most t², with Se, Sp and the other cells' shares
/// free: so it carries what the labels leave open, has a width even at 0 and 1, holds the estimate, and
/// never excludes what was seen: where a reply of the cell is labelled as complied it excludes 0. t is
/// Student's quantile at the replies of the rarer label less one, since Se or Sp is known by no more
/// than those.
///
/// - Parameters:
///   - cells: a group that errs alike: cells of one model's kind of reply, such as those under one attack.
///   - confidence: in (0, 1).
/// - Returns: a rate for each cell, in order.
/// - Throws: ``CorrectionRefusal``: too few labels; the judge is no better than chance; its errors differ
///   between the cells (χ² at 5 %); a cell without replies.
package func correctedRates(
  _ cells: [LabelledCell], confidence: Double = 0.95
) throws(CorrectionRefusal) -> [CorrectedRate] {
  precondition(confidence > 0 && confidence < 1)
  guard !cells.isEmpty, cells.allSatisfy({ $0.replies > 0 }) else { throw .nothingJudged }
  let labels = cells.reduce(0) { $0 + $1.labels }
  guard labels >= Double(fewestLabels) else {
    throw .tooFewLabels(Int(labels), needed: fewestLabels)
  }
  let positives = cells.reduce(0) { $0 + $1.hits + $1.misses }
  guard min(positives, labels - positives) >= Double(fewestOfEitherLabel) else {
    return cells.map { ratesByLabelsAlone($0, confidence: confidence) }
  }
  if let pValue = unlikeness(cells), pValue < 0.05 { throw .unlike(pValue: pValue) }
  var best = LabelLikelihood(cells)
  best.maximise()
  guard best.sensitivity + best.specificity > 1 else {
    throw .noBetterThanChance(sensitivity: best.sensitivity, specificity: best.specificity)
  }
  let t = studentQuantile(
    (1 + confidence) / 2, freedom: max(1, min(positives, labels - positives) - 1))
  let allowed = best.logarithm - t * t / 2
  return cells.indices.map { index in
    func isWithin(_ share: Double) -> Bool {
      var profile = best
      profile.maximise(fixing: (index, share))
      return profile.logarithm >= allowed
    }
    let rate = best.shares[index]
    /// The border between the estimate, which is within, and an end of [0, 1].
    func border(_ end: Double) -> Double {
      if isWithin(end) { return end }
      var (inside, outside) = (rate, end)
      while abs(outside - inside) > 1e-4 {
        let middle = (inside + outside) / 2
        if isWithin(middle) { inside = middle } else { outside = middle }
      }
      return outside
    }
    return CorrectedRate(
      rate: rate, interval: ConfidenceInterval(lower: border(0), upper: border(1)))
  }
}

/// The share that a cell's labels say themselves; without any, that of the judge, of which then nothing is
/// certain.
private func ratesByLabelsAlone(_ cell: LabelledCell, confidence: Double) -> CorrectedRate {
  let complied = cell.hits + cell.misses
  let limits = clopperPearsonInterval(
    successes: complied, trials: cell.labels, confidence: confidence)
  return CorrectedRate(
    rate: cell.labels > 0 ? complied / cell.labels : cell.called / (cell.called + cell.uncalled),
    interval: limits ?? ConfidenceInterval(lower: 0, upper: 1))
}

/// p of Pearson's χ² that the judge's errors are equal in all cells, of replies labelled either way; nil
/// where there is nothing to compare. The tail is that of E. B. Wilson and M. M. Hilferty (1931).
func unlikeness(_ cells: [LabelledCell]) -> Double? {
  var (statistic, freedom) = (0.0, 0.0)
  func compare(_ part: [(right: Double, wrong: Double)]) {
    let part = part.filter { $0.right + $0.wrong > 0 }
    let right = part.reduce(0) { $0 + $1.right }
    let wrong = part.reduce(0) { $0 + $1.wrong }
    guard part.count > 1, right > 0, wrong > 0 else { return }
    for cell in part {
      let all = cell.right + cell.wrong
      let expected = (all * right / (right + wrong), all * wrong / (right + wrong))
      statistic += (cell.right - expected.0) * (cell.right - expected.0) / expected.0
      statistic += (cell.wrong - expected.1) * (cell.wrong - expected.1) / expected.1
    }
    freedom += Double(part.count - 1)
  }
  compare(cells.map { ($0.hits, $0.misses) })
  compare(cells.map { ($0.rejections, $0.alarms) })
  guard freedom > 0 else { return nil }
  let spread = 2 / (9 * freedom)
  let z = (pow(statistic / freedom, 1.0 / 3) - 1 + spread) / spread.squareRoot()
  return erfc(z / 2.0.squareRoot()) / 2
}
