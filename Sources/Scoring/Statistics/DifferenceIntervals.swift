/// Newcombe's interval for the difference of two independent proportions, `second − first` (R. G.
/// Newcombe, 1998, method 10): with p, l and u the proportions and their Wilson limits,
///
///     lower = d − √((p₂ − l₂)² + (u₁ − p₁)²),   upper = d + √((u₂ − p₂)² + (p₁ − l₁)²)
///
/// For two runs on different prompts; on the same prompts the paired interval is narrower.
///
/// - Returns: nil where either has no trials.
package func newcombeInterval(
  first: (successes: Int, trials: Int), second: (successes: Int, trials: Int),
  confidence: Double = 0.95
) -> ConfidenceInterval? {
  guard
    let before = wilsonInterval(
      successes: first.successes, trials: first.trials, confidence: confidence),
    let after = wilsonInterval(
      successes: second.successes, trials: second.trials, confidence: confidence)
  else { return nil }
  return differenceInterval(
    first: (Double(first.successes) / Double(first.trials), before),
    second: (Double(second.successes) / Double(second.trials), after), correlation: 0)
}

/// The same for rates whose trials need not be whole, as those of clustered samples.
///
/// - Parameter method: ``RateMethod/shown`` takes Wilson's limits, ``RateMethod/guaranteed`` Clopper and
///   Pearson's.
/// - Precondition: both rates are in [0, 1], both trials above 0.
package func newcombeInterval(
  first: (rate: Double, trials: Double), second: (rate: Double, trials: Double),
  confidence: Double = 0.95, method: RateMethod = .shown
) -> ConfidenceInterval {
  func part(_ part: (rate: Double, trials: Double)) -> (rate: Double, interval: ConfidenceInterval)
  {
    let wilson = wilsonInterval(rate: part.rate, trials: part.trials, confidence: confidence)
    guard method == .guaranteed else { return (part.rate, wilson) }
    let exact = clopperPearsonInterval(
      successes: part.rate * part.trials, trials: part.trials, confidence: confidence)
    return (part.rate, exact ?? wilson)
  }
  return differenceInterval(first: part(first), second: part(second), correlation: 0)
}

/// How two models did on the same prompts.
package struct PairedCounts: Codable, Hashable, Sendable {
  /// Prompts on which both complied.
  package var both: Int
  /// Prompts on which only the first complied.
  package var onlyFirst: Int
  /// Prompts on which only the second complied.
  package var onlySecond: Int
  /// Prompts on which neither complied.
  package var neither: Int

  enum CodingKeys: String, CodingKey {
    case both, neither
    case onlyFirst = "only_first"
    case onlySecond = "only_second"
  }

  package init(both: Int = 0, onlyFirst: Int = 0, onlySecond: Int = 0, neither: Int = 0) {
    self.both = both
    self.onlyFirst = onlyFirst
    self.onlySecond = onlySecond
    self.neither = neither
  }

  package var pairs: Int { both + onlyFirst + onlySecond + neither }

  /// The second's proportion minus the first's; nil without pairs.
  package var difference: Double? {
    pairs > 0 ? Double(onlySecond - onlyFirst) / Double(pairs) : nil
  }
}

/// Newcombe's interval for the difference of two proportions on the same prompts, `second − first`
/// (R. G. Newcombe, 1998, paired method 10): as for independent ones, less twice the product of the
/// distances times φ, the correlation of the two outcomes,
///
///     φ = (eh − fg) / √((e+f)(g+h)(e+g)(f+h)),   e both, f only first, g only second, h neither,
///
/// with n/2 taken off a positive numerator, down to 0 (the published continuity correction), and φ
/// = 0 where a margin is empty.
///
/// - Returns: nil where there are no pairs.
package func pairedDifferenceInterval(
  _ counts: PairedCounts, confidence: Double = 0.95
) -> ConfidenceInterval? {
  let n = counts.pairs
  let (first, second) = (counts.both + counts.onlyFirst, counts.both + counts.onlySecond)
  guard
    let before = wilsonInterval(successes: first, trials: n, confidence: confidence),
    let after = wilsonInterval(successes: second, trials: n, confidence: confidence)
  else { return nil }
  let margins = [first, n - first, second, n - second].reduce(1.0) { $0 * Double($1) }
  let product =
    Double(counts.both) * Double(counts.neither)
    - Double(counts.onlyFirst) * Double(counts.onlySecond)
  let corrected = product > 0 ? max(product - Double(n) / 2, 0) : product
  return differenceInterval(
    first: (Double(first) / Double(n), before), second: (Double(second) / Double(n), after),
    correlation: margins > 0 ? corrected / margins.squareRoot() : 0)
}

/// The interval of a difference from the intervals of its parts (the "square and add" that both
/// methods share).
func differenceInterval(
  first: (rate: Double, interval: ConfidenceInterval),
  second: (rate: Double, interval: ConfidenceInterval), correlation: Double
) -> ConfidenceInterval {
  func length(_ a: Double, _ b: Double) -> Double {
    max(0, a * a - 2 * correlation * a * b + b * b).squareRoot()
  }
  let difference = second.rate - first.rate
  let below = length(second.rate - second.interval.lower, first.interval.upper - first.rate)
  let above = length(second.interval.upper - second.rate, first.rate - first.interval.lower)
  return ConfidenceInterval(
    lower: max(-1, difference - below), upper: min(1, difference + above))
}
