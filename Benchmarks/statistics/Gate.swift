import Foundation
import Scoring
import Support

/// How the sequential gate ends, by exact computation.
func gatePower() {
  print("| limit | true rate | prompts | checks | passed | breached | undecided | mean prompts |")
  print("|--:|--:|--:|--:|--:|--:|--:|--:|")
  for (limit, rate, sizes) in [
    (0.05, 0.01, [100, 200, 300, 400, 500]), (0.05, 0.02, [300, 500, 1000]),
    (0.05, 0.05, [300, 500]), (0.05, 0.1, [300, 500]),
    (0.2, 0.1, [100, 150, 200, 300, 500]), (0.2, 0.2, [300]), (0.2, 0.3, [300]),
  ] {
    for n in sizes {
      for checks in [1, 24] {
        let found = sequentialPower(
          rate: rate, limit: limit, prompts: n, level: 0.05, breachLevel: 0.05 / Double(checks))
        print(
          "| \(percent(limit, 0)) | \(percent(rate, 0)) | \(n) | \(checks) | \(percent(found.passed)) | "
            + "\(percent(found.breached, 2)) | \(percent(found.undecided)) | "
            + "\(Int(found.meanPrompts)) |")
      }
    }
  }
}

/// How often the gate passes or breaches falsely, looked at after every prompt, and under ten reruns that continue its ledger,
/// and how often rerunning afresh would.
func gateErrors() {
  print(
    "| claim | prompts | truth | passes, looked at always | and ten reruns | breaches | any of eleven fresh ones passes |"
  )
  print("|---|--:|---|--:|--:|--:|--:|")
  let runs = 4_000
  for (limit, size, correlation, samples, isOnNew) in [
    (0.05, 300, 0.0, 1, true), (0.05, 300, 0.0, 1, false), (0.05, 500, 0.3, 5, true),
    (0.2, 200, 0.0, 1, true),
    (0.2, 300, 0.5, 5, false),
  ] {
    var chance = Chance(3)
    var (atFirst, atLast, breachesAtLast, afresh) = (0, 0, 0, 0)
    for _ in 0..<runs {
      var test = SequentialTest(.rateAtMost(limit), level: 0.05, breachLevel: 0.05, horizon: size)
      var anyFresh = false
      // Reruns on the same prompts count none of them again, whatever they answer now.
      for rerun in 0...(isOnNew ? 10 : 0) {
        var fresh = SequentialTest(
          .rateAtMost(limit), level: 0.05, breachLevel: 0.05, horizon: size)
        for _ in 0..<size {
          let own = chance.promptRate(mean: limit, correlation: correlation)
          let first = chance.isHit(own)
          let share = Double((first ? 1 : 0) + chance.count(samples - 1, own)) / Double(samples)
          let seen = SequentialTest.Observation(
            lowest: share, highest: share, firstLowest: first ? 1 : 0, firstHighest: first ? 1 : 0)
          if test.decision == .undecided { test.observe(seen) }
          if fresh.decision == .undecided { fresh.observe(seen) }
        }
        if rerun == 0, test.decision == .passed { atFirst += 1 }
        anyFresh = anyFresh || fresh.decision == .passed
      }
      if test.decision == .passed { atLast += 1 }
      if test.decision == .breached { breachesAtLast += 1 }
      if anyFresh { afresh += 1 }
    }
    let share = { (count: Int) in percent(Double(count) / Double(runs)) }
    print(
      "| at most \(percent(limit, 0)) %, \(samples) samples | \(size) | "
        + "\(percent(limit, 0)) %, correlation \(correlation)\(isOnNew ? ", reruns on new prompts" : ", on the same prompts") | "
        + "\(share(atFirst)) | \(share(atLast)) | \(share(breachesAtLast)) | "
        + "\(isOnNew ? share(afresh) : "–") |")
  }
}

/// The paired gate: an increase of at most five points since a baseline.
func gateChanges() {
  print(
    "| replies that differ by chance | true increase | prompts | passed | breached | undecided | mean prompts to a pass |"
  )
  print("|--:|--:|--:|--:|--:|--:|--:|")
  let runs = 2_000
  for (discordant, increase) in [
    (0.0, 0.0), (0.02, 0), (0.05, 0), (0.1, 0), (0.05, 0.05), (0.1, 0.05), (0.2, 0.05), (0.2, 0.15),
  ] {
    for size in [100, 300, 500, 1000] {
      var chance = Chance(5)
      var (passed, breached, prompts) = (0, 0, 0)
      for _ in 0..<runs {
        var test = SequentialTest(
          .increaseAtMost(0.05), level: 0.05, breachLevel: 0.05, horizon: nil)
        while test.decision == .undecided, test.prompts < size {
          let draw = chance.generator.nextUnit()
          let up = (discordant + increase) / 2
          let change = draw < up ? 1.0 : draw < discordant ? -1 : 0
          test.observe(
            .init(lowest: change, highest: change, firstLowest: change, firstHighest: change))
        }
        if test.decision == .passed {
          passed += 1
          prompts += test.prompts
        }
        if test.decision == .breached { breached += 1 }
      }
      let share = { (count: Int) in percent(Double(count) / Double(runs)) }
      print(
        "| \(percent(discordant, 0)) % | \(percent(increase, 0)) points | \(size) | \(share(passed)) | "
          + "\(share(breached)) | \(share(runs - passed - breached)) | "
          + "\(passed > 0 ? String(prompts / passed) : "–") |")
    }
  }
}

/// A run that stops as soon as its increase since a baseline is decided: a set whose prompts are what they are, asked
/// in a shuffled order and in batches, its changes exactly as many as stated.
func gateBaseline() {
  print(
    "| replies that differ | true increase | of a set of | prompts at most | passed | breached | undecided | mean prompts |"
  )
  print("|--:|--:|--:|--:|--:|--:|--:|--:|")
  let runs = 2_000
  for (discordant, increase, set, most) in [
    (0.0, 0.0, 520, 520), (0.02, 0, 520, 520), (0.05, 0, 520, 520), (0.1, 0, 520, 520),
    (0.05, 0.05, 520, 520), (0.05, 0.05, 520, 200), (0.1, 0.05, 520, 520), (0.2, 0.05, 520, 520),
    (0.2, 0.05, 2_000, 520), (0.2, 0.15, 520, 520),
  ] {
    var chance = Chance(31)
    let up = Int((Double(set) * (discordant + increase) / 2).rounded())
    let down = Int((Double(set) * discordant).rounded()) - up
    var changes = (0..<set).map { $0 < up ? 1.0 : $0 < up + down ? -1 : 0 }
    var (passed, breached, prompts) = (0, 0, 0)
    for _ in 0..<runs {
      changes.shuffle(using: &chance.generator)
      var test = SequentialTest(
        .increaseAtMost(0.05), level: 0.05, breachLevel: 0.05, horizon: nil)
      var look = 20
      while true {
        for change in changes[test.prompts..<look] {
          test.observe(
            .init(lowest: change, highest: change, firstLowest: change, firstHighest: change))
        }
        if look == most || test.decision != .undecided { break }
        look = min(most, look + (look + 1) / 2)
      }
      prompts += look
      if test.decision == .passed { passed += 1 }
      if test.decision == .breached { breached += 1 }
    }
    let share = { (count: Int) in percent(Double(count) / Double(runs)) }
    print(
      "| \(percent(discordant, 0)) % | \(percent(Double(up - down) / Double(set))) points | \(set) | \(most) | "
        + "\(share(passed)) | \(share(breached)) | \(share(runs - passed - breached)) | \(prompts / runs) |"
    )
  }
}

/// The prompts that a power takes, in a test that is looked at after every prompt and in one decided once.
func gateSizes() {
  print(
    "| limit | true rate | power | prompts, sequential | of these asked on average | prompts, decided once |"
  )
  print("|--:|--:|--:|--:|--:|--:|")
  for (limit, rate) in [(0.05, 0.01), (0.05, 0.02), (0.05, 0.1), (0.2, 0.1), (0.2, 0.3)] {
    for power in [0.8, 0.95, 0.98] {
      let n = sequentialSampleSize(rate: rate, limit: limit, power: power)!
      let mean = sequentialPower(rate: rate, limit: limit, prompts: n).meanPrompts
      let once = fixedSampleSize(rate: rate, limit: limit, power: power, confidence: 0.9)!
      print(
        "| \(percent(limit, 0)) % | \(percent(rate, 0)) % | \(percent(power, 0)) % | \(n) | \(Int(mean)) | \(once) |"
      )
    }
  }
}

/// What intervals hold where a run stops as soon as its limit is decided: the shown one, made for a fixed
/// number of prompts, and the sequential one.
func gateStopping() {
  print(
    "| limit | true rate | prompts at most | mean prompts | mean rate at the end | shown interval holds | sequential interval holds |"
  )
  print("|--:|--:|--:|--:|--:|--:|--:|")
  let runs = 1_000
  for (limit, rate, most) in [
    (0.05, 0.01, 500), (0.05, 0.02, 500), (0.05, 0.05, 500), (0.05, 0.1, 500), (0.2, 0.1, 300),
    (0.2, 0.2, 300), (0.2, 0.3, 300),
  ] {
    var chance = Chance(29)
    var (prompts, rates, shown, sequential) = (0, 0.0, 0, 0)
    for _ in 0..<runs {
      var ledger = SequentialLedger(
        .rateAtMost(limit), level: 0.05, breachLevel: 0.05, horizon: most)
      var (look, hits) = (20, 0)
      while true {
        while ledger.entries.count < look {
          let hit = chance.isHit(rate)
          if hit { hits += 1 }
          let share = hit ? 1.0 : 0
          ledger.count(
            "p-\(ledger.entries.count)",
            .init(lowest: share, highest: share, firstLowest: share, firstHighest: share))
        }
        if look == most || ledger.test.decision != .undecided { break }
        look = min(most, look + (look + 1) / 2)
      }
      prompts += look
      rates += Double(hits) / Double(look)
      if let fixed = midPInterval(successes: Double(hits), trials: Double(look)),
        fixed.lower <= rate, rate <= fixed.upper
      {
        shown += 1
      }
      let found = ledger.interval
      if found.lower <= rate && rate <= found.upper { sequential += 1 }
    }
    let share = { (count: Int) in percent(Double(count) / Double(runs)) }
    print(
      "| \(percent(limit, 0)) | \(percent(rate, 0)) | \(most) | \(prompts / runs) | "
        + "\(percent(rates / Double(runs))) | \(share(shown)) | \(share(sequential)) |")
  }
}
