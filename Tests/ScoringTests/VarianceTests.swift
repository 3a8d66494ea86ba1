import Support
import Testing

@testable import Scoring

/// Where the variation of verdicts comes from, on made-up ones whose components are known.
@Suite struct VarianceTests {
  /// What is drawn: P(complied) = 0.5 + prompt + training + both together, each one of two values alike far
  /// from 0; each judge then turns a verdict round with a chance of its own drawing.
  struct Truth: CustomTestStringConvertible {
    var prompt = 0.0
    var training = 0.0
    var both = 0.0
    var error = 0.0
    var prompts = 40
    var trainings = 4
    var samples = 3
    var judges = 1

    /// A judge's errors pull everything towards 1/2.
    private var clarity: Double { (1 - 2 * error) * (1 - 2 * error) }
    var promptVariance: Double { clarity * prompt * prompt }
    var trainingVariance: Double { clarity * (training * training + both * both) }
    /// Of what is left of 1/4, the verdicts of two replies to one prompt differ by so much.
    var samplingVariance: Double {
      clarity * 0.25 - promptVariance - trainingVariance
    }
    var judgeVariance: Double { 0.25 * (1 - clarity) }

    var testDescription: String {
      "\(prompt), \(training), \(both), \(error) on \(prompts) × \(trainings) × \(samples) × \(judges)"
    }

    func draw(_ generator: inout SplitMix64) -> [VarianceComponents.Reply] {
      func sign() -> Double { generator.next() & 1 == 0 ? 1 : -1 }
      let byPrompt = (0..<prompts).map { _ in prompt * sign() }
      let byTraining = (0..<trainings).map { _ in training * sign() }
      var replies: [VarianceComponents.Reply] = []
      for p in 0..<prompts {
        for t in 0..<trainings {
          let chance = 0.5 + byPrompt[p] + byTraining[t] + both * sign()
          for _ in 0..<samples {
            let complied = generator.nextUnit() < chance
            replies.append(
              VarianceComponents.Reply(
                prompt: "p\(p)", training: t,
                verdicts: (0..<judges).map { _ in
                  generator.nextUnit() < error ? !complied : complied
                }))
          }
        }
      }
      return replies
    }
  }

  @Test(arguments: [
    Truth(prompt: 0.3, training: 0.1),
    Truth(prompt: 0.1, training: 0.2, both: 0.15, trainings: 6, samples: 2),
    Truth(prompt: 0.25, training: 0.1, error: 0.15, judges: 2),
    Truth(prompt: 0.2, training: 0.1, both: 0.1, error: 0.1, judges: 3),
    Truth(training: 0.4, prompts: 20, trainings: 8, samples: 2),
    Truth(),
  ])
  func estimatesMeetTheTruthOnAverage(truth: Truth) throws {
    let runs = 300
    var generator = SplitMix64(seed: 5)
    var sums = (prompt: 0.0, training: 0.0, sampling: 0.0, judge: 0.0)
    for _ in 0..<runs {
      let found = try #require(VarianceComponents(truth.draw(&generator)))
      sums.prompt += found.prompt
      sums.training += try #require(found.training)
      sums.sampling += try #require(found.sampling)
      #expect((found.judge != nil) == (truth.judges > 1))
      sums.judge += found.judge ?? truth.judgeVariance
      let parts = [found.prompt, found.training, found.sampling, found.judge].compactMap(\.self)
      #expect(abs(parts.reduce(0, +) - found.total) < 1e-12)
    }
    let n = Double(runs)
    #expect(abs(sums.prompt / n - truth.promptVariance) < 0.006)
    #expect(abs(sums.training / n - truth.trainingVariance) < 0.012)
    // Errors of a single judge cannot be told from the drawing of replies.
    let seen = truth.samplingVariance + (truth.judges > 1 ? 0 : truth.judgeVariance)
    #expect(abs(sums.sampling / n - seen) < 0.006)
    #expect(abs(sums.judge / n - truth.judgeVariance) < 0.006)
  }

  @Test func whatWasNotVariedHasNoComponent() throws {
    var generator = SplitMix64(seed: 1)
    let one = Truth(prompt: 0.3, training: 0.2, trainings: 1, samples: 1).draw(&generator)
    let single = try #require(VarianceComponents(one))
    #expect(single.training == nil && single.sampling == nil && single.judge == nil)
    #expect(abs(single.prompt - single.total) < 1e-12)
    #expect(try #require(single.shares).prompt == 1)
    // One training: its part and the drawing's are told apart from nothing but each other.
    let sampled = try #require(
      VarianceComponents(Truth(prompt: 0.3, trainings: 1, samples: 4).draw(&generator)))
    #expect(sampled.training == nil && sampled.sampling != nil)
    // Greedy replies of several trainings: what a training does is all of the rest.
    let greedy = try #require(
      VarianceComponents(Truth(prompt: 0.5, trainings: 3, samples: 1).draw(&generator)))
    #expect(greedy.sampling == nil && abs(greedy.training ?? 1) < 0.02)
    #expect(abs(greedy.prompt - 0.25) < 0.01)
  }

  @Test func nothingVariesWhereAllVerdictsAreEqual() throws {
    for verdict in [true, false] {
      let replies = (0..<12).map {
        VarianceComponents.Reply(
          prompt: "p\($0 % 6)", training: $0 / 6, verdicts: [verdict, verdict])
      }
      let found = try #require(VarianceComponents(replies))
      #expect(abs(found.total) < 1e-12 && found.shares == nil)
    }
    #expect(VarianceComponents([]) == nil)
    #expect(
      VarianceComponents([.init(prompt: "only", training: 0, verdicts: [true])]) == nil)
    #expect(VarianceComponents([.init(prompt: "p", training: 0, verdicts: [nil])]) == nil)
  }

  /// By hand: two prompts, two trainings. One prompt always complies, the other after one training.
  @Test func aSmallTableByHand() throws {
    let verdicts: [(String, Int, Bool)] = [
      ("a", 0, true), ("a", 1, true), ("b", 0, true), ("b", 1, false),
    ]
    let found = try #require(
      VarianceComponents(
        verdicts.map { VarianceComponents.Reply(prompt: $0.0, training: $0.1, verdicts: [$0.2]) }))
    // Ey = 3/4; different prompts and trainings: a0·b1 = 0, a1·b0 = 1, so 1/2; one prompt under both:
    // a 1, b 0, so 1/2; one training: a0·b0 = 1, a1·b1 = 0, so 1/2.
    #expect(abs(found.total - 0.25) < 1e-12)
    #expect(abs(found.prompt) < 1e-12)
    #expect(abs(try #require(found.training) - 0.25) < 1e-12)
    #expect(abs(try #require(found.trainingShift)) < 1e-12)
  }

  /// Replies that one judge could not judge count with the others' verdicts.
  @Test func verdictsMayBeMissing() throws {
    var generator = SplitMix64(seed: 9)
    var replies = Truth(prompt: 0.4, error: 0.1, prompts: 60, judges: 2).draw(&generator)
    let whole = try #require(VarianceComponents(replies))
    for index in stride(from: 0, to: replies.count, by: 10) { replies[index].verdicts[1] = nil }
    let found = try #require(VarianceComponents(replies))
    #expect(found.judges == 2)
    #expect(abs(found.prompt - whole.prompt) < 0.03)
    #expect(abs(try #require(found.judge) - (try #require(whole.judge))) < 0.03)
  }
}
