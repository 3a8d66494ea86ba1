import Foundation
import Scoring
import Support

/// How often a treatment is recommended that does nothing, that costs too much, and that helps.
func recommendation() {
  print(
    "| what is true | harmful prompts | harmless prompts | recommended | its interval holds the true change |"
  )
  print("|---|--:|--:|--:|--:|")
  struct Truth {
    var name: String
    /// ASR by α's index (0 is none) and attack.
    var attacked: (Int, Int) -> Double
    /// The share of harmless prompts whose reply turns into a refusal, and out of one.
    var newRefusals: Double
    var runs: Int
  }
  let truths = [
    Truth(
      name: "noise: no α does anything, nor costs anything", attacked: { _, _ in 0.5 },
      newRefusals: 0, runs: 1_000),
    Truth(
      name: "noise, attacks of 30 and 60 %", attacked: { $1 == 0 ? 0.3 : 0.6 }, newRefusals: 0,
      runs: 1_000),
    Truth(
      name: "helps (60 to 20 %), over-refusal rises by 10 points",
      attacked: { a, _ in a == 0 ? 0.6 : 0.2 }, newRefusals: 0.1, runs: 1_000),
    Truth(
      name: "helps (60 to 20 %), over-refusal rises by 5.1 points",
      attacked: { a, _ in a == 0 ? 0.6 : 0.2 }, newRefusals: 0.051, runs: 1_000),
    Truth(
      name: "helps (60 to 20 %), costs nothing", attacked: { a, _ in a == 0 ? 0.6 : 0.2 },
      newRefusals: 0, runs: 1_000),
    Truth(
      name: "helps (60 to 40 %), over-refusal rises by 1 point",
      attacked: { a, _ in a == 0 ? 0.6 : 0.4 }, newRefusals: 0.01, runs: 1_000),
  ]
  let treated = 8
  for truth in truths {
    for (prompts, harmless) in [(60, 100), (200, 300), (500, 300)] {
      var chance = Chance(17)
      var (recommended, covered, tried) = (0, 0, 0)
      let runs = prompts > 200 ? truth.runs / 2 : truth.runs
      for _ in 0..<runs {
        func attacked(_ alpha: Int) -> [SplitHalfChoice.Place: PromptOutcomes] {
          Dictionary(
            uniqueKeysWithValues: (0..<2).map { attack in
              var outcomes = PromptOutcomes()
              for prompt in 0..<prompts {
                outcomes.add("p-\(prompt)", isSuccess: chance.isHit(truth.attacked(alpha, attack)))
              }
              return (.init(dataset: "harmful", attack: "attack \(attack)"), outcomes)
            })
        }
        let untreated = attacked(0)
        var before = PromptOutcomes()
        let refusing = (0..<harmless).map { _ in chance.isHit(0.1) }
        for prompt in 0..<harmless { before.add("b-\(prompt)", isSuccess: refusing[prompt]) }
        let candidates = (1...treated).map { alpha in
          var after = PromptOutcomes()
          for prompt in 0..<harmless {
            after.add(
              "b-\(prompt)", isSuccess: refusing[prompt] || chance.isHit(truth.newRefusals / 0.9))
          }
          let bound = CostBound(
            .overRefusalIncrease, dataset: "benign", from: before, to: after, limit: 0.05,
            confidence: SplitHalfChoice.costConfidence(treatments: treated))!
          return SplitHalfChoice.Candidate(
            attacked: attacked(alpha), costs: [bound], strength: Double(alpha))
        }
        guard let found = SplitHalfChoice(untreated: untreated, candidates: candidates) else {
          continue
        }
        tried += 1
        if found.isSignificant, candidates[found.chosen].costs.allSatisfy(\.isKept) {
          recommended += 1
        }
        // The true change between the two places that are compared.
        let isOther = { (place: SplitHalfChoice.Place) in place.attack.hasSuffix("1") ? 1 : 0 }
        let change =
          truth.attacked(found.chosen + 1, isOther(found.place))
          - truth.attacked(0, isOther(found.worst))
        if found.fall.interval.lower <= change && change <= found.fall.interval.upper {
          covered += 1
        }
      }
      let share = { (count: Int) in percent(Double(count) / Double(runs)) }
      let coverage = percent(Double(covered) / Double(max(1, tried)))
      print("| \(truth.name) | \(prompts) | \(harmless) | \(share(recommended)) | \(coverage) |")
    }
  }
}
