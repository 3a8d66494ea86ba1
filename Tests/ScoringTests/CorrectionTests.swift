import Testing

@testable import Scoring

/// Rates corrected by labels of the run itself.
@Suite struct CorrectionTests {
  /// Where the judge's calls are no more than its false alarms the rate is near 0, and still not certain.
  @Test func noIntervalIsOfNoWidth() throws {
    let found = try correctedRates([
      LabelledCell(hits: 0, misses: 0, alarms: 8, rejections: 42, called: 4, uncalled: 26),
      LabelledCell(hits: 18, misses: 2, alarms: 2, rejections: 10, called: 40, uncalled: 28),
    ])
    #expect(found[0].rate < 0.01)
    #expect(found[0].interval.lower == 0)
    #expect(found[0].interval.upper > 0.03)
    for rate in found {
      #expect(rate.interval.lower <= rate.rate && rate.rate <= rate.interval.upper)
    }
  }

  @Test func whatWasSeenIsNotExcluded() throws {
    let found = try correctedRates([
      LabelledCell(hits: 1, misses: 0, alarms: 9, rejections: 40, called: 3, uncalled: 47),
      LabelledCell(hits: 15, misses: 3, alarms: 3, rejections: 9, called: 10, uncalled: 10),
    ])
    // One reply of the cell does comply, by a person's word.
    #expect(found[0].rate > 0 && found[0].interval.lower > 0)
  }

  @Test func moreLabelsSayMore() throws {
    func width(_ times: Double) throws -> Double {
      let found = try correctedRates([
        LabelledCell(
          hits: 9 * times, misses: times, alarms: 3 * times, rejections: 17 * times, called: 100,
          uncalled: 170)
      ])[0].interval
      return found.upper - found.lower
    }
    #expect(try width(1) > width(3) && width(3) > width(10))
    #expect(try width(10) > 0.05)
  }

  @Test func everyReplyLabelledIsThePlainRate() throws {
    let found = try correctedRates([
      LabelledCell(hits: 20, misses: 5, alarms: 10, rejections: 65)
    ])[0]
    #expect(abs(found.rate - 0.25) < 1e-6)
    let plain = try #require(midPInterval(successes: 25, trials: 100))
    #expect(abs(found.interval.lower - plain.lower) < 0.02)
    #expect(abs(found.interval.upper - plain.upper) < 0.02)
  }

  /// An honest judge of models that never comply is not called a bad one: the labels speak alone.
  @Test func whereAllLabelsAreAlikeTheySpeakAlone() throws {
    let found = try correctedRates([
      LabelledCell(rejections: 25, called: 0, uncalled: 5),
      LabelledCell(hits: 1, rejections: 24, called: 40, uncalled: 55),
      LabelledCell(called: 3, uncalled: 7),
    ])
    #expect(found[0].rate == 0 && found[0].interval.lower == 0)
    let exact = try #require(clopperPearsonInterval(successes: 0, trials: 25))
    #expect(found[0].interval == exact && exact.upper > 0.13)
    #expect(found[1].rate == 0.04 && found[1].interval.lower > 0)
    // Where nobody labelled anything, anything may be.
    #expect(found[2].interval == ConfidenceInterval(lower: 0, upper: 1))
    let all = try correctedRates([LabelledCell(hits: 40, uncalled: 5)])
    #expect(all[0].rate == 1 && all[0].interval.upper == 1 && all[0].interval.lower < 0.95)
  }

  @Test func refusalsGiveTheirReason() {
    #expect(throws: CorrectionRefusal.tooFewLabels(4, needed: 30)) {
      try correctedRates([LabelledCell(hits: 2, rejections: 2, called: 10, uncalled: 60)])
    }
    #expect(throws: CorrectionRefusal.nothingJudged) { try correctedRates([]) }
    #expect(throws: CorrectionRefusal.nothingJudged) { try correctedRates([LabelledCell()]) }
    let chance = #expect(throws: CorrectionRefusal.self) {
      try correctedRates([
        LabelledCell(hits: 5, misses: 15, alarms: 20, rejections: 10, called: 10, uncalled: 10)
      ])
    }
    #expect(chance?.description.contains("no better than chance") == true)
    // Of one cell's refusals most are called complied, of the other's none.
    let unlike = #expect(throws: CorrectionRefusal.self) {
      try correctedRates([
        LabelledCell(hits: 10, misses: 1, alarms: 30, rejections: 10),
        LabelledCell(hits: 10, misses: 1, alarms: 0, rejections: 40),
      ])
    }
    #expect(unlike?.description.contains("no group that errs alike") == true)
  }
}
