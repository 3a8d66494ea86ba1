import Testing

@testable import Scoring

/// Values computed by statsmodels 0.14 (proportion_confint, method wilson) and scipy 1.17 (binom,
/// norm).
@Suite struct StatisticsTests {
  @Test(
    arguments: [
      (0, 1, 0.95, 0.0, 0.7934506856227626),
      (1, 1, 0.95, 0.20654931437723745, 1.0),
      (0, 75, 0.95, 3.469446951953614e-18, 0.04872384248280587),
      (0, 75, 0.9, 0.0, 0.03481789501535005),
      (0, 75, 0.99, 0.0, 0.08127524964536079),
      (75, 75, 0.95, 0.9512761575171942, 1.0),
      (75, 75, 0.9, 0.9651821049846501, 1.0),
      (75, 75, 0.99, 0.9187247503546393, 1.0),
      (64, 75, 0.95, 0.7561523214068765, 0.9160828299052742),
      (64, 75, 0.9, 0.773881921507877, 0.9081800993479424),
      (64, 75, 0.99, 0.71975078510655, 0.9294813718107285),
      (39, 75, 0.95, 0.4087421577281785, 0.6293088885725093),
      (39, 75, 0.9, 0.42607794011704936, 0.6125293440823367),
      (39, 75, 0.99, 0.3759352287285696, 0.660813761285616),
      (1, 100, 0.95, 0.0017674320641406505, 0.054486196178705315),
      (1, 100, 0.9, 0.0022340928334547497, 0.04358177353405611),
      (1, 100, 0.99, 0.0011751454265122863, 0.07980112853499423),
      (50, 100, 0.95, 0.4038315303659956, 0.5961684696340044),
      (50, 100, 0.9, 0.4188477961125295, 0.5811522038874706),
      (50, 100, 0.99, 0.37527962504483986, 0.6247203749551602),
      (7, 520, 0.95, 0.006535739194057569, 0.027523151182546023),
      (512, 520, 0.95, 0.969938944336922, 0.9921842162365797),
      (3, 9, 0.95, 0.1205838183869109, 0.6457978644196036),
    ] as [(Int, Int, Double, Double, Double)])
  func wilsonAgrees(
    successes: Int, trials: Int, confidence: Double, lower: Double, upper: Double
  ) throws {
    let found = try #require(
      wilsonInterval(successes: successes, trials: trials, confidence: confidence))
    #expect(abs(found.lower - lower) < 1e-9)
    #expect(abs(found.upper - upper) < 1e-9)
  }

  @Test(arguments: [
    (0, 1, 0.4999999999999999),
    (1, 1, 1.0),
    (0, 4, 0.062499999999999986),
    (3, 9, 0.09228515624999999),
    (5, 6, 0.7744140625),
    (10, 25, 0.011330984183587134),
    (0, 64, 5.421010862427551e-20),
    (27, 2, 8.679926395416263e-07),
    (100, 140, 0.009831541178608735),
    (900, 1000, 0.021791499253713553),
    (2500, 2400, 0.15316210442229808),
  ])
  func midPAgrees(onlyFirst: Int, onlySecond: Int, expected: Double) {
    #expect(abs(midPMcNemar(onlyFirst: onlyFirst, onlySecond: onlySecond) - expected) < 1e-9)
  }

  @Test func exchangingTheModelsChangesNothing() {
    for (b, c) in [(3, 9), (0, 4), (700, 800)] {
      #expect(midPMcNemar(onlyFirst: b, onlySecond: c) == midPMcNemar(onlyFirst: c, onlySecond: b))
    }
  }

  @Test func nothingDiffersNothingSpeaksAgainstEquality() {
    #expect(midPMcNemar(onlyFirst: 0, onlySecond: 0) == 1)
    #expect(wilsonInterval(successes: 0, trials: 0) == nil)
  }

  @Test func quantilesAgree() {
    for (p, z) in [
      (0.6, 0.2533471031357997), (0.9, 1.2815515655446004), (0.95, 1.6448536269514722),
      (0.975, 1.959963984540054), (0.995, 2.5758293035489004), (0.9995, 3.2905267314919255),
    ] {
      #expect(abs(normalQuantile(p) - z) < 1e-9)
      #expect(abs(normalQuantile(1 - p) + z) < 1e-9)
    }
  }
}
