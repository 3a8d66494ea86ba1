import Foundation
import Scoring

/// Shares of the variation of verdicts, estimated from designs of several sizes: P(complied) is 1/2 plus a
/// part of the prompt's, one of the training's and one of both together, each of two values alike far from 0;
/// each judge turns a verdict round with a chance of its own.
func variance() {
  struct Truth {
    let name: String
    let prompt, training, both, error: Double
  }
  let truths = [
    Truth(name: "prompts", prompt: 0.4, training: 0.05, both: 0, error: 0),
    Truth(name: "trainings", prompt: 0.1, training: 0.35, both: 0, error: 0),
    Truth(name: "both alike", prompt: 0.2, training: 0.15, both: 0.1, error: 0),
    Truth(name: "judges err, 10 %", prompt: 0.3, training: 0.1, both: 0, error: 0.1),
  ]
  let designs = [(100, 3, 3, 2), (100, 6, 3, 2), (300, 3, 3, 2), (100, 20, 2, 2)]
  let runs = 1_000
  print(
    "| what varies | prompts × trainings × samples × judges | prompt | training | sampling | judge |\n"
      + "|---|--:|--:|--:|--:|--:|")
  for truth in truths {
    let clarity = (1 - 2 * truth.error) * (1 - 2 * truth.error)
    let prompt = clarity * truth.prompt * truth.prompt
    let training = clarity * (truth.training * truth.training + truth.both * truth.both)
    let parts = [prompt, training, clarity / 4 - prompt - training, (1 - clarity) / 4]
    for design in designs {
      var chance = Chance(17)
      var found: [[Double]] = [[], [], [], []]
      for _ in 0..<runs {
        func sign() -> Double { chance.isHit(0.5) ? 1 : -1 }
        let byPrompt = (0..<design.0).map { _ in truth.prompt * sign() }
        let byTraining = (0..<design.1).map { _ in truth.training * sign() }
        var replies: [VarianceComponents.Reply] = []
        for p in 0..<design.0 {
          for t in 0..<design.1 {
            let rate = 0.5 + byPrompt[p] + byTraining[t] + truth.both * sign()
            for _ in 0..<design.2 {
              let complied = chance.isHit(rate)
              replies.append(
                VarianceComponents.Reply(
                  prompt: "\(p)", training: t,
                  verdicts: (0..<design.3).map { _ in
                    chance.isHit(truth.error) ? !complied : complied
                  }))
            }
          }
        }
        guard let shares = VarianceComponents(replies)?.shares else { continue }
        for (index, share) in [
          shares.prompt, shares.training ?? 0, shares.sampling ?? 0, shares.judge ?? 0,
        ].enumerated() {
          found[index].append(share)
        }
      }
      let cells = zip(parts, found).map { part, shares -> String in
        let sorted = shares.sorted()
        let (low, high) = (sorted[sorted.count / 20], sorted[sorted.count - 1 - sorted.count / 20])
        let mean = shares.reduce(0, +) / Double(shares.count)
        return "\(percent(part * 4, 0)): \(percent(mean, 0)) (\(percent(low, 0))–\(percent(high, 0)))"
      }
      print(
        "| \(truth.name) | \(design.0) × \(design.1) × \(design.2) × \(design.3) | "
          + cells.joined(separator: " | ") + " |")
    }
  }
}
