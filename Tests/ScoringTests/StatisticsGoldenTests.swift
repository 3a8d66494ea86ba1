import Foundation
import TestSupport
import Testing

@testable import Scoring

/// Golden/statistics.json, which Golden/make_statistics.py computed with statsmodels and scipy.
struct StatisticsGolden: Decodable, Sendable {
  struct Difference: Decodable, Sendable {
    var first: [Int]
    var second: [Int]
    var confidence: Double
    var interval: [Double]
  }
  struct Paired: Decodable, Sendable {
    var counts: [Int]
    var interval: [Double]
  }
  struct Holm: Decodable, Sendable {
    var values: [Double]
    var corrected: [Double]
  }
  struct Size: Decodable, Sendable {
    var kind: String
    var a: Double
    var b: Double
    var confidence: Double
    var power: Double
    var n: Int
  }
  struct Clustered: Decodable, Sendable {
    var outcomes: [[Int]]
    var rate: Double
    var effective: Double
    var interval: [Double]
  }
  struct ClusteredDifference: Decodable, Sendable {
    var pairs: [[Int]]
    var interval: [Double]
  }
  struct SignFlip: Decodable, Sendable {
    var differences: [Double]
    var p: Double
    var tolerance: Double
  }
  struct AnyOf: Decodable, Sendable {
    var outcome: [Int]
    var k: Int
    var rate: Double
  }
  struct Kappa: Decodable, Sendable {
    var table: [[Int]]
    var share: Double
    var shareInterval: [Double]
    var kappa: Double
    var interval: [Double]
  }
  struct Bootstrap: Decodable, Sendable {
    var clusters: [[Double]]
    var interval: [Double]
  }

  var independentDifferences: [Difference]
  var pairedDifferences: [Paired]
  var holm: [Holm]
  var sampleSizes: [Size]
  var clustered: [Clustered]
  var clusteredDifferences: [ClusteredDifference]
  var signFlips: [SignFlip]
  var anyOfK: [AnyOf]
  var kappas: [Kappa]
  var bootstraps: [Bootstrap]

  static func read() throws -> StatisticsGolden {
    let file = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Golden/statistics.json")
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return try decoder.decode(StatisticsGolden.self, from: Data(contentsOf: file))
  }
}

@Suite struct StatisticsGoldenTests {
  let golden: StatisticsGolden

  init() throws { golden = try StatisticsGolden.read() }

  private func expect(
    _ found: ConfidenceInterval?, _ expected: [Double], within tolerance: Double = 1e-9,
    _ comment: @autoclosure () -> String, sourceLocation: SourceLocation = #_sourceLocation
  ) throws {
    let found = try #require(found, "\(comment())", sourceLocation: sourceLocation)
    let isNear =
      abs(found.lower - expected[0]) < tolerance && abs(found.upper - expected[1]) < tolerance
    #expect(isNear, "\(comment()): \(found), not \(expected)", sourceLocation: sourceLocation)
  }

  @Test func independentDifferencesAgree() throws {
    for value in golden.independentDifferences {
      let found = newcombeInterval(
        first: (value.first[0], value.first[1]), second: (value.second[0], value.second[1]),
        confidence: value.confidence)
      try expect(found, value.interval, "\(value)")
    }
  }

  @Test func pairedDifferencesAgree() throws {
    for value in golden.pairedDifferences {
      let c = value.counts
      let counts = PairedCounts(both: c[0], onlyFirst: c[1], onlySecond: c[2], neither: c[3])
      try expect(pairedDifferenceInterval(counts), value.interval, "\(value)")
    }
    #expect(pairedDifferenceInterval(PairedCounts()) == nil)
  }

  @Test func holmAgrees() {
    for value in golden.holm {
      expectClose(holmCorrection(value.values), value.corrected, tolerance: 1e-9)
    }
    #expect(holmCorrection([]).isEmpty)
  }

  @Test func sampleSizesAgree() {
    for value in golden.sampleSizes {
      let found: Int? =
        switch value.kind {
        case "limit":
          sampleSize(
            toTell: value.a, from: value.b, confidence: value.confidence, power: value.power)
        case "independent":
          sampleSizeOfDifference(
            first: value.a, second: value.b, confidence: value.confidence, power: value.power)
        default:
          sampleSizeOfPairedDifference(
            difference: value.a, discordant: value.b, confidence: value.confidence,
            power: value.power)
        }
      #expect(found == value.n, "\(value)")
    }
    #expect(sampleSize(toTell: 0.05, from: 0.05) == nil)
  }

  /// With so many prompts at the same rate, Wilson's one-sided bound is on the limit's other side.
  @Test(arguments: [(0.02, 0.05), (0.0, 0.01), (0.1, 0.08), (0.97, 0.9)])
  func theSampleSizeDecides(rate: Double, limit: Double) throws {
    let n = try #require(sampleSize(toTell: rate, from: limit))
    func isDecided(_ n: Int) -> Bool {
      let bound = wilsonInterval(rate: rate, trials: Double(n), confidence: 0.9)
      return rate < limit ? bound.upper < limit + 1e-12 : bound.lower > limit - 1e-12
    }
    #expect(isDecided(n))
    #expect(!isDecided(n - 1))
  }

  @Test func clusteredRatesAgree() throws {
    for value in golden.clustered {
      let outcomes = value.outcomes.map { PromptOutcome(successes: $0[0], trials: $0[1]) }
      let found = try #require(clusteredRate(outcomes))
      #expect(abs(found.rate - value.rate) < 1e-9)
      #expect(abs(found.effectiveTrials - value.effective) < 1e-6, "\(found)")
      try expect(found.interval, value.interval, "\(value)")
    }
    #expect(clusteredRate([]) == nil)
  }

  @Test func clusteredDifferencesAgree() throws {
    for value in golden.clusteredDifferences {
      let found = clusteredDifferenceInterval(
        value.pairs.map {
          (
            PromptOutcome(successes: $0[0], trials: $0[1]),
            PromptOutcome(successes: $0[2], trials: $0[3])
          )
        })
      try expect(found, value.interval, "\(value)")
    }
  }

  @Test func signFlipsAgree() {
    for value in golden.signFlips {
      let found = signFlipTest(value.differences)
      #expect(abs(found - value.p) < value.tolerance, "\(found), not \(value.p)")
    }
    #expect(signFlipTest([0, 0]) == 1)
  }

  @Test func anyOfKAgrees() {
    for value in golden.anyOfK {
      let outcome = PromptOutcome(successes: value.outcome[0], trials: value.outcome[1])
      #expect(abs((anyOf(value.k, outcome: outcome) ?? .nan) - value.rate) < 1e-9)
    }
    #expect(anyOf(3, outcome: PromptOutcome(successes: 1, trials: 2)) == nil)
  }

  @Test func kappasAgree() throws {
    for value in golden.kappas {
      let found = try #require(agreement(value.table))
      #expect(abs(found.share - value.share) < 1e-9)
      try expect(found.shareInterval, value.shareInterval, "\(value)")
      #expect(abs((found.kappa ?? .nan) - value.kappa) < 1e-9)
      try expect(found.kappaInterval, value.interval, "\(value)")
    }
    #expect(agreement([[0, 0], [0, 0]]) == nil)
    #expect(agreement([[7, 0], [0, 0]])?.kappa == nil)
  }

  @Test func bootstrapsAgree() throws {
    for value in golden.bootstraps {
      let found = bootstrapInterval(meanOf: value.clusters, resamples: 200_000)
      try expect(found, value.interval, within: 1e-3, "\(value.clusters.count)")
      #expect(
        bootstrapInterval(meanOf: value.clusters, seed: 3)
          == bootstrapInterval(meanOf: value.clusters, seed: 3))
    }
  }
}
