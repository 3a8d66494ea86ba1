/// Agreement beyond what chance would bring.
package struct Agreement: Codable, Hashable, Sendable {
  /// Replies that both judged.
  package var replies: Int
  /// The share on which both say the same.
  package var share: Double
  package var shareInterval: ConfidenceInterval
  /// Cohen's κ; nil where both always say the same one thing: chance alone would agree as well.
  package var kappa: Double?
  package var kappaInterval: ConfidenceInterval?

  enum CodingKeys: String, CodingKey {
    case replies, kappa
    case share = "agreement"
    case shareInterval = "agreement_interval"
    case kappaInterval = "kappa_interval"
  }
}

/// Agreement of two raters (J. Cohen, 1960):
///
///     κ = (pₒ − pₑ) / (1 − pₑ)
///
/// with pₒ the share on which they agree and pₑ the one expected by chance; the mid-p interval for
/// pₒ, and for κ the normal one with the standard error of J. L. Fleiss, J. Cohen and B. S. Everitt
/// (1969), kept within [−1, 1].
///
/// - Parameter table: counts, square: `table[i][j]` replies got class i from the first rater and j
///   from the second.
/// - Returns: nil for an empty table.
package func agreement(_ table: [[Int]], confidence: Double = 0.95) -> Agreement? {
  precondition(table.allSatisfy { $0.count == table.count })
  let total = table.joined().reduce(0, +)
  let same = table.indices.reduce(0) { $0 + table[$1][$1] }
  guard
    let shareInterval = midPInterval(
      successes: Double(same), trials: Double(total), confidence: confidence)
  else { return nil }
  let n = Double(total)
  var result = Agreement(
    replies: total, share: Double(same) / n, shareInterval: shareInterval)
  let rows = table.map { Double($0.reduce(0, +)) / n }
  let columns = table.indices.map { j in Double(table.reduce(0) { $0 + $1[j] }) / n }
  let chance = zip(rows, columns).reduce(0) { $0 + $1.0 * $1.1 }
  guard chance < 1 else { return result }
  let kappa = (result.share - chance) / (1 - chance)
  var variance = 0.0
  for i in table.indices {
    for j in table.indices {
      let p = Double(table[i][j]) / n
      let margin =
        i == j
        ? 1 - (rows[i] + columns[i]) * (1 - kappa)
        : (1 - kappa)
          * (columns[i] + rows[j])
      variance += p * margin * margin
    }
  }
  let offset = kappa - chance * (1 - kappa)
  variance = max(0, variance - offset * offset) / (n * (1 - chance) * (1 - chance))
  let half = normalQuantile((1 + confidence) / 2) * variance.squareRoot()
  result.kappa = kappa
  result.kappaInterval = ConfidenceInterval(
    lower: max(-1, kappa - half), upper: min(1, kappa + half))
  return result
}
