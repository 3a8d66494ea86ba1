import Foundation
import Scoring
import Support

/// How often a corrected rate's interval holds the truth, with labels drawn from the run itself.
func correction() {
  print(
    "| judge (Se, Sp) | replies a cell | labels in the group | true rates | corrected | holds the truth | least by cell | mean width |"
  )
  print("|---|--:|--:|---|--:|--:|--:|--:|")
  let runs = 400
  for (sensitivity, specificity) in [(0.9, 0.63), (0.95, 0.9), (0.8, 0.8), (1.0, 0.85)] {
    for (replies, labels) in [(100, 100), (300, 100), (300, 300)] {
      for truths in [[0.0, 0.01, 0.03], [0.0, 0.05, 0.3], [0.1, 0.5, 0.9]] {
        var chance = Chance(23)
        var covered = truths.map { _ in 0 }
        var (done, width) = (0, 0.0)
        for _ in 0..<runs {
          var cells = truths.map { _ in LabelledCell() }
          let share = Double(labels) / Double(replies * truths.count)
          for (index, truth) in truths.enumerated() {
            for _ in 0..<replies {
              let isTrue = chance.isHit(truth)
              let isCalled = chance.isHit(isTrue ? sensitivity : 1 - specificity)
              switch (chance.isHit(share), isTrue, isCalled) {
              case (false, _, true): cells[index].called += 1
              case (false, _, false): cells[index].uncalled += 1
              case (true, true, true): cells[index].hits += 1
              case (true, true, false): cells[index].misses += 1
              case (true, false, true): cells[index].alarms += 1
              case (true, false, false): cells[index].rejections += 1
              }
            }
          }
          guard let found = try? correctedRates(cells) else { continue }
          done += 1
          for index in truths.indices {
            let interval = found[index].interval
            width += (interval.upper - interval.lower) / Double(truths.count)
            if interval.lower <= truths[index] && truths[index] <= interval.upper {
              covered[index] += 1
            }
          }
        }
        let all = Double(covered.reduce(0, +)) / Double(truths.count * max(1, done))
        print(
          "| \(sensitivity), \(specificity) | \(replies) | \(labels) | "
            + "\(truths.map { percent($0, 0) }.joined(separator: ", ")) % | "
            + "\(percent(Double(done) / Double(runs))) | \(percent(all)) | "
            + "\(percent(Double(covered.min()!) / Double(max(1, done)))) | \(percent(width / Double(max(1, done)))) |"
        )
      }
    }
  }
}

/// How often the intervals of κ hold the truth.
func kappa() {
  print("| prompts × replies | κ | by bootstrap over prompts | by Fleiss, Cohen and Everitt |")
  print("|--:|--:|--:|--:|")
  let runs = 600
  for (prompts, replies) in [(60, 1), (60, 9), (300, 9)] {
    for accuracy in [0.75, 0.9, 0.97] {
      var chance = Chance(29)
      // Each prompt has its own rate, and its own difficulty: judges err on it together or not.
      func table() -> [[Int]] {
        var table = [[0, 0], [0, 0]]
        let rate = chance.promptRate(mean: 0.4, correlation: 0.5)
        let own = 1 - chance.promptRate(mean: 1 - accuracy, correlation: 0.2)
        for _ in 0..<replies {
          let truth = chance.isHit(rate)
          let first = chance.isHit(own) ? truth : !truth
          let second = chance.isHit(own) ? truth : !truth
          table[first ? 0 : 1][second ? 0 : 1] += 1
        }
        return table
      }
      let truth = agreement(byPrompt: (0..<100_000).map { _ in table() }, resamples: 1)!.kappa!
      var (byPrompts, byReplies) = (0, 0)
      for run in 0..<runs {
        let tables = (0..<prompts).map { _ in table() }
        let sum = tables.reduce(into: [[0, 0], [0, 0]]) { sum, table in
          for i in 0..<2 { for j in 0..<2 { sum[i][j] += table[i][j] } }
        }
        if let i = agreement(byPrompt: tables, resamples: 1_000, seed: UInt64(run))?.kappaInterval,
          i.lower <= truth, truth <= i.upper
        {
          byPrompts += 1
        }
        if let i = agreement(sum)?.kappaInterval, i.lower <= truth, truth <= i.upper {
          byReplies += 1
        }
      }
      print(
        "| \(prompts) × \(replies) | \(String(format: "%.2f", truth)) | "
          + "\(percent(Double(byPrompts) / Double(runs))) | \(percent(Double(byReplies) / Double(runs))) |"
      )
    }
  }
}

/// How often the interval for the median over trainings holds it, by the number of trainings.
func trainings() {
  print("| trainings | distribution over seeds | interval given | holds the median |")
  print("|--:|---|--:|--:|")
  let runs = 20_000
  for count in [3, 5, 6, 8, 10, 20] {
    for (name, draw, median) in [
      ("even, 0 to 98 %", { (chance: inout Chance) in 0.98 * chance.generator.nextUnit() }, 0.49),
      (
        "nine in ten break the model",
        { (chance: inout Chance) in
          chance.isHit(0.9) ? 0.9 + 0.1 * chance.generator.nextUnit() : 0.05
        }, 0.9 + 0.1 * (4.0 / 9)
      ),
    ] {
      var chance = Chance(31)
      var (given, covered) = (0, 0)
      for _ in 0..<runs {
        let spread = TrainingSpread((0..<count).map { _ in draw(&chance) })!
        guard let interval = spread.medianInterval else { continue }
        given += 1
        if interval.lower <= median, median <= interval.upper { covered += 1 }
      }
      print(
        "| \(count) | \(name) | \(given > 0 ? "yes" : "no: the range alone") | "
          + "\(given > 0 ? percent(Double(covered) / Double(given)) : "–") |")
    }
  }
}
