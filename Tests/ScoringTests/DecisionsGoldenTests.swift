import Foundation
import TestSupport
import Testing

@testable import Scoring

/// Golden/decisions.json, which Golden/make_decisions.py computed with scipy.
struct DecisionsGolden: Decodable, Sendable {
  struct Beta: Decodable, Sendable { var x, a, b, value: Double }
  struct Proportion: Decodable, Sendable {
    var successes, trials, confidence: Double
    var exact, midP: [Double]
  }
  struct Median: Decodable, Sendable {
    var values: [Double]
    var median: Double
    var interval: [Double]?
  }
  struct Fisher: Decodable, Sendable {
    var first, second: [Int]
    var p: Double
  }
  struct Difference: Decodable, Sendable {
    var onlyFirst, onlySecond, pairs, confidence: Double
    var interval: [Double]
  }
  struct Capital: Decodable, Sendable {
    var side: String
    var limit: Double
    var values: [Double]
    var capital: Double
  }
  struct Look: Decodable, Sendable {
    var side: String
    var limit: Double
    var prompts: Int
    var level: Double
    var border: Int?
    var size: Double
    var chances: [[Double]]
  }
  struct Power: Decodable, Sendable {
    var rate, limit: Double
    var prompts: Int
    var level, breachLevel, passed, breached, meanPrompts: Double
  }
  struct FixedPower: Decodable, Sendable {
    var rate, limit: Double
    var prompts: Int
    var confidence, power: Double
  }
  struct Correction: Decodable, Sendable {
    var cells: [[Double]]
    var rates: [Double]
    var intervals: [[Double]]
  }
  struct Student: Decodable, Sendable { var p, freedom, t: Double }

  var betas: [Beta]
  var proportions: [Proportion]
  var medians: [Median]
  var fishers: [Fisher]
  var guaranteedDifferences: [Difference]
  var capitals: [Capital]
  var looks: [Look]
  var powers: [Power]
  var fixedPowers: [FixedPower]
  var corrections: [Correction]
  var students: [Student]

  static func read() throws -> DecisionsGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/decisions.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(DecisionsGolden.self, from: Data(contentsOf: file))
  }
}

@Suite struct DecisionsGoldenTests {
  let golden: DecisionsGolden

  init() throws { golden = try DecisionsGolden.read() }

  private func expect(
    _ found: ConfidenceInterval?, _ expected: [Double], within tolerance: Double = 1e-9,
    _ comment: String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try #require(found, "\(comment)", sourceLocation: sourceLocation)
    expectClose(
      [found.lower, found.upper], expected, tolerance: tolerance, sourceLocation: sourceLocation)
  }

  private func side(_ name: String) -> BettingMixture.Side { name == "below" ? .below : .above }

  @Test func distributionsAgree() {
    for value in golden.betas {
      #expect(abs(incompleteBeta(value.x, value.a, value.b) - value.value) < 1e-11, "\(value)")
    }
    for value in golden.students {
      let found = studentQuantile(value.p, freedom: value.freedom)
      #expect(abs(found - value.t) < 1e-7 * max(1, abs(value.t)), "\(value)")
    }
    #expect(Binomial.atLeast(0, of: 5, at: 0.3) == 1)
    #expect(Binomial.atMost(5, of: 5, at: 0.3) == 1)
    #expect(Binomial.probability(6, of: 5, at: 0.3) == 0)
  }

  @Test func proportionsAgree() throws {
    for value in golden.proportions {
      try expect(
        clopperPearsonInterval(
          successes: value.successes, trials: value.trials, confidence: value.confidence),
        value.exact, "\(value)")
      try expect(
        midPInterval(
          successes: value.successes, trials: value.trials, confidence: value.confidence),
        value.midP, "\(value)")
    }
    #expect(midPInterval(successes: 0, trials: 0) == nil)
    #expect(clopperPearsonInterval(successes: 0, trials: 0) == nil)
  }

  @Test func mediansAgree() throws {
    for value in golden.medians {
      let found = try #require(TrainingSpread(value.values))
      #expect(abs(found.median - value.median) < 1e-12)
      #expect(found.range.lower == value.values.min() && found.range.upper == value.values.max())
      #expect((found.medianInterval == nil) == (value.values.count < TrainingSpread.fewest))
      if let interval = value.interval {
        try expect(found.medianInterval, interval, "\(value.values.count)")
      } else {
        #expect(found.medianInterval == nil)
      }
    }
    #expect(TrainingSpread([]) == nil)
  }

  @Test func fishersTestAgrees() {
    for value in golden.fishers {
      let found = midPFisher(
        first: (value.first[0], value.first[1]), second: (value.second[0], value.second[1]))
      #expect(abs(found - value.p) < 1e-9, "\(value)")
    }
    #expect(midPFisher(first: (0, 0), second: (1, 2)) == 1)
  }

  @Test func guaranteedDifferencesAgree() throws {
    for value in golden.guaranteedDifferences {
      try expect(
        guaranteedDifferenceInterval(
          onlyFirst: value.onlyFirst, onlySecond: value.onlySecond, pairs: value.pairs,
          confidence: value.confidence), value.interval, "\(value)")
    }
    #expect(guaranteedDifferenceInterval(PairedCounts()) == nil)
  }

  @Test func capitalsAgree() {
    for value in golden.capitals {
      var mixture = BettingMixture(side(value.side), value.limit)
      for x in value.values { mixture.observe(x) }
      #expect(abs(mixture.capital / value.capital - 1) < 1e-9, "\(value.side) \(value.limit)")
      if value.values.allSatisfy({ $0 == 0 || $0 == 1 }) {
        let successes = value.values.count { $0 == 1 }
        let found = mixture.capital(
          successes: successes, failures: value.values.count - successes)
        #expect(abs(found / value.capital - 1) < 1e-9)
      }
    }
  }

  @Test func plannedLooksAgree() {
    for value in golden.looks {
      let look = PlannedLook(
        side(value.side), value.limit, prompts: value.prompts, level: value.level)
      #expect(look.border == value.border, "\(value)")
      #expect(abs(look.size - value.size) < 1e-11)
      for chance in value.chances {
        let found = look.chance(successes: Int(chance[1]), seen: Int(chance[0]))
        #expect(abs(found - chance[2]) < 1e-10, "\(value.side) \(value.limit) \(chance)")
      }
    }
  }

  @Test func powersAgree() {
    for value in golden.powers {
      let found = sequentialPower(
        rate: value.rate, limit: value.limit, prompts: value.prompts, level: value.level,
        breachLevel: value.breachLevel)
      #expect(abs(found.passed - value.passed) < 1e-9, "\(found)")
      #expect(abs(found.breached - value.breached) < 1e-9, "\(found)")
      #expect(abs(found.meanPrompts - value.meanPrompts) < 1e-7, "\(found)")
      #expect(abs(found.passed + found.breached + found.undecided - 1) < 1e-9)
    }
    for value in golden.fixedPowers {
      let found = fixedPower(
        rate: value.rate, limit: value.limit, prompts: value.prompts, confidence: value.confidence)
      #expect(abs(found - value.power) < 1e-9, "\(value)")
    }
  }

  @Test func correctionsAgree() throws {
    for value in golden.corrections {
      let cells = value.cells.map {
        LabelledCell(
          hits: $0[0], misses: $0[1], alarms: $0[2], rejections: $0[3], called: $0[4],
          uncalled: $0[5])
      }
      let found = try correctedRates(cells)
      for (index, rate) in found.enumerated() {
        #expect(abs(rate.rate - value.rates[index]) < 2e-3, "\(value.cells[index]): \(rate)")
        try expect(rate.interval, value.intervals[index], within: 3e-3, "\(value.cells[index])")
      }
    }
  }
}
