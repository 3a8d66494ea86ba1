import Foundation
import Scoring
import Support

/// Exact coverage of the intervals of one proportion.
func intervals() {
  typealias Method = (Int, Int) -> ConfidenceInterval?
  let methods: [(String, Method)] = [
    ("Wilson", { wilsonInterval(successes: $0, trials: $1) }),
    ("mid-p (shown)", { midPInterval(successes: Double($0), trials: Double($1)) }),
    (
      "Clopper–Pearson (gated)",
      { clopperPearsonInterval(successes: Double($0), trials: Double($1)) }
    ),
  ]
  print("| interval | n | mean coverage | least | at |\n|---|--:|--:|--:|--:|")
  for (name, method) in methods {
    for n in [30, 60, 100, 200, 300, 500] {
      let limits = (0...n).map { method($0, n)! }
      func coverage(_ p: Double) -> Double {
        (0...n).reduce(0) {
          limits[$1].lower <= p && p <= limits[$1].upper
            ? $0 + Binomial.probability($1, of: n, at: p) : $0
        }
      }
      let grid = stride(from: 0.005, through: 0.5, by: 0.0005).map { ($0, coverage($0)) }
      let least = grid.min { $0.1 < $1.1 }!
      let mean = grid.reduce(0) { $0 + $1.1 } / Double(grid.count)
      print("| \(name) | \(n) | \(percent(mean)) | \(percent(least.1)) | \(percent(least.0)) |")
    }
  }
}

/// Coverage with several samples a prompt.
func clustered() {
  print("| interval | prompts × samples | correlation | mean coverage | least | at | mean width |")
  print("|---|--:|--:|--:|--:|--:|--:|")
  for (name, method) in [("shown", RateMethod.shown), ("gated", .guaranteed)] {
    for (prompts, samples) in [(30, 5), (60, 5), (100, 3), (200, 5), (60, 20)] {
      for correlation in [0, 0.2, 0.5, 0.8, 1] {
        var chance = Chance(11)
        let runs = 400
        var widths = 0.0
        let found = rates.map { rate -> (Double, Double) in
          var covered = 0
          for _ in 0..<runs {
            let outcomes = (0..<prompts).map { _ in
              PromptOutcome(
                successes: chance.count(
                  samples, chance.promptRate(mean: rate, correlation: correlation)), trials: samples
              )
            }
            let interval = clusteredRate(outcomes, method: method)!.interval
            widths += interval.upper - interval.lower
            if interval.lower <= rate && rate <= interval.upper { covered += 1 }
          }
          return (rate, Double(covered) / Double(runs))
        }
        let least = found.min { $0.1 < $1.1 }!
        print(
          "| \(name) | \(prompts) × \(samples) | \(correlation) | "
            + "\(percent(found.reduce(0) { $0 + $1.1 } / Double(found.count))) | "
            + "\(percent(least.1)) | \(percent(least.0)) | "
            + "\(percent(widths / Double(runs * found.count))) |")
      }
    }
  }
}

/// Exact coverage of the intervals of paired differences: shares of prompts on which only one of the two
/// models complied.
func paired() {
  let methods: [(String, (PairedCounts) -> ConfidenceInterval)] = [
    ("Newcombe (shown)", { pairedDifferenceInterval($0)! }),
    ("of Clopper and Pearson's limits (gated)", { guaranteedDifferenceInterval($0)! }),
  ]
  let shares: [(Double, Double)] = [
    (0.0, 0.005), (0.005, 0.005), (0.01, 0.03), (0.02, 0.02), (0.05, 0.05), (0, 0.05), (0.05, 0.1),
    (0.2, 0.05), (0.1, 0.1), (0.3, 0.1), (0.6, 0.02), (0.02, 0.07), (0.01, 0.06), (0.1, 0.15),
    (0.3, 0.35), (0.0, 0.1), (0.0, 0.02),
  ]
  print(
    "| interval | n | mean coverage | least | at (b, c) | upper fails most |\n|---|--:|--:|--:|--:|--:|"
  )
  for (name, method) in methods {
    for n in [30, 60, 100, 300] {
      var found: [(p: (Double, Double), coverage: Double, above: Double)] = shares.map {
        ($0, 0, 0)
      }
      let most = min(n, 300)
      for b in 0...most {
        for c in 0...(n - b) {
          let mass = shares.map { p -> Double in
            let rest = 1 - p.0 - p.1
            return Binomial.probability(b, of: n, at: p.0)
              * Binomial.probability(c, of: n - b, at: min(1, p.1 / (p.1 + rest)))
          }
          if mass.allSatisfy({ $0 < 1e-9 }) { continue }
          let neither = (n - b - c) * 6 / 10
          let i = method(
            PairedCounts(both: n - b - c - neither, onlyFirst: b, onlySecond: c, neither: neither))
          for index in shares.indices {
            let truth = shares[index].1 - shares[index].0
            if i.lower <= truth && truth <= i.upper { found[index].coverage += mass[index] }
            if i.upper < truth { found[index].above += mass[index] }
          }
        }
      }
      let least = found.min { $0.coverage < $1.coverage }!
      print(
        "| \(name) | \(n) | \(percent(found.reduce(0) { $0 + $1.coverage } / Double(found.count))) | "
          + "\(percent(least.coverage)) | \(least.p) | \(percent(found.map(\.above).max()!)) |")
    }
  }
}
