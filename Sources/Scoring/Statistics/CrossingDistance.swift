import Support

/// How far along an axis a rate first reaches a limit.
///
/// Between two measured places the rate is taken to run straight. What counts is the first place at which the
/// curve, as it was measured, is at the limit: a curve that falls again further on (where an attack breaks the
/// model instead of freeing it) was reached all the same, which a curve made monotone would smooth away. A
/// curve that stays below is *not reached* within the places that were measured, and no number stands for
/// that.
package struct CrossingDistance: Codable, Hashable, Sendable {
  /// nil where the limit is not reached.
  package var distance: Double?
  /// Two-sided limits, by the bootstrap over prompts: nil for not reached within what was measured. A
  /// distance of which both are nil is above everything that was measured.
  package var lower: Double?
  package var upper: Double?
  /// The last place that was measured.
  package var measured: Double

  /// The first place at which a curve is at a limit.
  ///
  /// - Parameters:
  ///   - rates: one for each place; nil where nothing was measured there, which is passed over.
  ///   - places: ascending.
  /// - Returns: nil where the curve stays below.
  package static func first(of rates: [Double?], at places: [Double], limit: Double) -> Double? {
    precondition(rates.count == places.count)
    var before: (place: Double, rate: Double)?
    for (place, rate) in zip(places, rates) {
      guard let rate else { continue }
      if rate >= limit {
        guard let before else { return place }
        return before.place
          + (limit - before.rate) / (rate - before.rate) * (place - before.place)
      }
      before = (place, rate)
    }
    return nil
  }
}

/// How much further one curve goes than another until it reaches the limit.
///
/// Of a curve that does not reach it within what was measured only that is known, so both distances count up
/// to the last measured place at most (as a restricted mean does in the analysis of survival): a
/// difference of such is what was seen, and no more.
package struct CrossingDifference: Codable, Hashable, Sendable {
  /// How sure a difference is of which one or both ends were not seen.
  package enum Bound: String, Codable, Hashable, Sendable {
    /// Both curves reached the limit.
    case exact
    /// The curve did not reach the limit: the difference is at least this.
    case atLeast = "at-least"
    /// The one that it is compared with did not: at most this.
    case atMost = "at-most"
    /// Neither did: nothing is known of the difference.
    case unknown
  }

  package var difference: Double
  /// 95 %, by the same resamples of the prompts for both.
  package var interval: ConfidenceInterval
  package var bound: Bound
}

/// The distances of several curves over the same prompts, with intervals by the percentile bootstrap: prompts
/// are drawn with replacement, each with all of its replies on all curves and at all places, so that what
/// curves share is shared by their differences too.
package struct CrossingDistances: Sendable {
  /// One for each curve.
  package let distances: [CrossingDistance]
  /// Each curve against the reference, nil for that itself.
  package let differences: [CrossingDifference?]

  /// - Parameters:
  ///   - curves: for each curve and each place what each prompt came to.
  ///   - places: ascending, at least two.
  ///   - limit: a rate above 0.
  ///   - reference: which curve the others are compared with.
  ///   - resamples: 2,000 place a limit of 95 % to within about 4 % of the interval's width.
  /// - Returns: nil without a prompt.
  package init?(
    _ curves: [[PromptOutcomes]], at places: [Double], limit: Double, reference: Int,
    confidence: Double = 0.95, resamples: Int = 2_000, seed: UInt64 = 0
  ) {
    precondition(limit > 0 && confidence > 0 && confidence < 1 && resamples > 0)
    precondition(
      curves.allSatisfy { $0.count == places.count } && curves.indices.contains(reference))
    let prompts = Set(curves.joined().flatMap(\.prompts)).sorted()
    guard let last = places.last, !prompts.isEmpty else { return nil }
    // Prompt by prompt, then curve by curve and place by place: (successes, trials).
    let width = curves.count * places.count
    var counts = [(successes: Double, trials: Double)](
      repeating: (0, 0), count: prompts.count * width)
    for (index, outcomes) in curves.joined().enumerated() {
      for (row, prompt) in prompts.enumerated() {
        guard let outcome = outcomes[prompt] else { continue }
        counts[row * width + index] = (Double(outcome.successes), Double(outcome.trials))
      }
    }
    /// Each curve's distance where prompts stand as often as drawn.
    func found(_ drawn: [Double]) -> [Double?] {
      var sums = [(successes: Double, trials: Double)](repeating: (0, 0), count: width)
      for (row, weight) in drawn.enumerated() where weight > 0 {
        for index in 0..<width {
          let count = counts[row * width + index]
          sums[index].successes += weight * count.successes
          sums[index].trials += weight * count.trials
        }
      }
      return curves.indices.map { curve in
        let rates = sums[curve * places.count..<(curve + 1) * places.count].map {
          $0.trials > 0 ? $0.successes / $0.trials : nil
        }
        return CrossingDistance.first(of: rates, at: places, limit: limit)
      }
    }

    let seen = found([Double](repeating: 1, count: prompts.count))
    var generator = SplitMix64(seed: seed)
    // What is not reached lies above all that is.
    var ranked = curves.map { _ in [Double]() }
    var changes = curves.map { _ in [Double]() }
    func change(_ distances: [Double?], _ curve: Int) -> Double {
      (distances[curve] ?? last) - (distances[reference] ?? last)
    }
    for _ in 0..<resamples {
      var drawn = [Double](repeating: 0, count: prompts.count)
      for _ in prompts.indices {
        // The high word of a product is a uniform choice but for 2⁻⁶⁴ · size.
        drawn[
          Int(generator.next().multipliedFullWidth(by: UInt64(prompts.count)).high)] += 1
      }
      let distances = found(drawn)
      for curve in curves.indices {
        ranked[curve].append(distances[curve] ?? .infinity)
        changes[curve].append(change(distances, curve))
      }
    }
    // Whole ranks, outwards: between a distance and none there is nothing to interpolate.
    let lowest = Int(((1 - confidence) / 2 * Double(resamples - 1)).rounded(.down))
    let highest = resamples - 1 - lowest
    func limits(_ values: [Double]) -> (lower: Double, upper: Double) {
      let sorted = values.sorted()
      return (sorted[lowest], sorted[highest])
    }
    distances = curves.indices.map { curve in
      let (lower, upper) = limits(ranked[curve])
      return CrossingDistance(
        distance: seen[curve], lower: lower.isFinite ? lower : nil,
        upper: upper.isFinite ? upper : nil, measured: last)
    }
    differences = curves.indices.map { curve in
      guard curve != reference else { return nil }
      let (lower, upper) = limits(changes[curve])
      let bound: CrossingDifference.Bound =
        switch (seen[curve], seen[reference]) {
        case (_?, _?): .exact
        case (nil, _?): .atLeast
        case (_?, nil): .atMost
        case (nil, nil): .unknown
        }
      return CrossingDifference(
        difference: change(seen, curve), interval: ConfidenceInterval(lower: lower, upper: upper),
        bound: bound)
    }
  }
}
