import Foundation

/// Evidence against a limit on a mean that stays valid however often it is looked at: the capital of a
/// gambler who bets against the limit, on average over several bets (I. Waudby-Smith and A. Ramdas, 2024;
/// for yes or no a mixture of likelihood ratios after H. Robbins, 1970).
///
/// Of numbers x₁, x₂, … in [0, 1] with mean m and a limit L, the bet on a mean q multiplies its capital by
///
///     x q/L + (1 − x)(1 − q)/(1 − L)
///
/// for each number. With q < L its expectation is at most 1 for every m ≥ L, whatever the distribution:
/// the capital is a test supermartingale of "the mean is at least L", and by Ville's inequality reaches
/// 1/ε with a probability of at most ε **ever**. With q > L likewise of "the mean is at most L".
package struct BettingMixture: Sendable {
  /// Which way the mean is suspected to lie.
  package enum Side: Sendable { case below, above }

  /// How many bets share the capital. More cost little: the logarithm of their number at most.
  static let bets = 12

  let limit: Double
  let means: [Double]
  private let onSuccess: [Double]
  private let onFailure: [Double]
  private var logarithms: [Double]

  /// - Precondition: 0 < limit < 1.
  package init(_ side: Side, _ limit: Double) {
    precondition(limit > 0 && limit < 1)
    self.limit = limit
    means = (0..<Self.bets).map { index in
      let place = (Double(index) + 0.5) / Double(Self.bets)
      return side == .below ? limit * (1 - place) : limit + (1 - limit) * place
    }
    onSuccess = means.map { log($0 / limit) }
    onFailure = means.map { log((1 - $0) / (1 - limit)) }
    logarithms = means.map { _ in 0 }
  }

  /// - Precondition: 0 ≤ x ≤ 1.
  package mutating func observe(_ x: Double) {
    precondition(x >= 0 && x <= 1)
    for index in means.indices {
      logarithms[index] +=
        x == 0
        ? onFailure[index]
        : x == 1
          ? onSuccess[index]
          : log(x * means[index] / limit + (1 - x) * (1 - means[index]) / (1 - limit))
    }
  }

  /// The mean capital, 1 at the start.
  package var capital: Double { Self.mean(logarithms) }

  /// The capital after so many successes and failures, in whatever order.
  package func capital(successes: Int, failures: Int) -> Double {
    Self.mean(
      means.indices.map { Double(successes) * onSuccess[$0] + Double(failures) * onFailure[$0] })
  }

  private static func mean(_ logarithms: [Double]) -> Double {
    let largest = logarithms.max() ?? 0
    let sum = logarithms.reduce(0) { $0 + exp($1 - largest) }
    return exp(largest + log(sum / Double(logarithms.count)))
  }
}
