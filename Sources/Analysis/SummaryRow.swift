import ModelAccess
import Runs
package import Scoring
package import StudyDesign
import Support

/// One cell as one judge sees it: a row of `summary.csv`.
package struct SummaryRow: Codable, Hashable, Sendable {
  /// The cell's key in the journal.
  package var cell: CellID
  package var model: String
  package var targets: String
  package var treatment: Treatment
  /// As the column has it: the treatment's rank where it has one; of the untreated model that of the
  /// treatments it is compared with, where they share one.
  package var rank: String
  /// As the column has it: the treatment's strength.
  package var alpha: Double
  /// The attack's label.
  package var attack: String
  package var attackMethod: String
  package var attackSeed: UInt64?
  package var attackStep: Int?
  package var promptAttack: String
  package var dataset: String
  package var judge: String
  /// Samples asked for and given a line in the journal.
  package var n: Int
  /// Samples without a usable verdict, which are in no rate: the request failed, a filter took the
  /// reply, it has no answer, or the judge could not tell.
  package var errors: Int
  /// Of `errors`, those whose reply a filter of the server's took.
  package var filtered: Int
  /// Of `errors`, those that ended before their answer began.
  package var unanswered: Int
  /// Of `errors`, those with a reply that the judge could not judge.
  package var unscored: Int
  package var degenerate: Int
  /// Replies that complied; by `exact-match`, that are right.
  package var successes: Int
  package var refused: Int
  /// successes / (n − errors); nil where nothing was judged.
  package var attackSuccessRate: Double?
  /// 95 %: mid-p, with several samples a prompt at their effective size.
  package var interval: ConfidenceInterval?
  /// The rate's difference from α = 0 under the same attack, on the prompts that both answered.
  package var delta: Double?
  /// Mid-p McNemar of the same comparison; with several samples a prompt the sign-flip test.
  package var pValue: Double?
  package var seed: UInt64
  package var maxTokens: Int
  /// By category: (complied, judged).
  package var categories: [String: CategoryCount]

  /// Samples asked of each prompt.
  package var samples: Int
  /// Prompts with at least one usable verdict.
  package var prompts: Int
  /// What the interval rests on: `judged`, fewer where samples of a prompt resemble each other.
  package var effectiveTrials: Double?
  /// The share of prompts of which at least one of all samples complied, over prompts all of whose
  /// samples were judged; nil with one sample a prompt.
  package var anyOfK: Double?
  /// 95 %: mid-p.
  package var anyOfKInterval: ConfidenceInterval?
  /// 95 %: Newcombe's paired interval of `delta`.
  package var deltaInterval: ConfidenceInterval?
  /// `pValue` corrected after Holm for all comparisons of this dataset and judge in the run.
  package var adjustedPValue: Double?
  /// As `deltaInterval`, at the confidence with which the intervals of all these comparisons hold together
  /// with 95 %.
  package var adjustedDeltaInterval: ConfidenceInterval?
  /// What the rate can be, whatever the replies in doubt would have been; nil where nothing was asked, and
  /// in files of earlier releases.
  package var worstCase: WorstCaseRate?
  /// How the two compared models did on the same prompts, the one at α = 0 first; nil with several
  /// samples a prompt. What is needed to say how many prompts would decide.
  package var pairs: PairedCounts?
  /// The ASR corrected for the judge's known mistakes; nil where they are not known.
  package var corrected: CorrectedRate?
  /// On benign prompts, the share that the model declined, by a judge that can tell.
  package var overRefusal: Double?
  package var overRefusalInterval: ConfidenceInterval?
  /// What that interval rests on, as `effectiveTrials`.
  package var overRefusalEffectiveTrials: Double?
  /// Against α = 0 under the same attack.
  package var overRefusalDelta: Double?
  package var overRefusalDeltaInterval: ConfidenceInterval?
  /// As `pValue` and `adjustedPValue`, of the change in over-refusal.
  package var overRefusalPValue: Double?
  package var adjustedOverRefusalPValue: Double?
  /// On prompts with references, the share of right answers by `exact-match`: the same as the rate.
  package var utility: Double?
  /// The mean of the judge's own number, where it gives one.
  package var meanScore: Double?
  /// 95 %: percentile bootstrap over prompts, seeded with the run's seed.
  package var meanScoreInterval: ConfidenceInterval?
  /// The rungs above the primary judge's, of harmful prompts: the same in every judge's row of a cell. nil
  /// where none is read, and in files of earlier releases.
  package var ladder: [LadderRung]?
  /// `errors` by the failures' codes.
  package var errorCodes: [String: Int]

  package struct CategoryCount: Codable, Hashable, Sendable {
    package var successes: Int
    package var judged: Int
  }

  enum CodingKeys: String, CodingKey {
    case cell, model, targets, treatment, rank, alpha, attack, dataset, judge, n, errors, degenerate
    case successes, filtered, unanswered, unscored, ladder
    case refused, delta, seed, categories, samples, prompts, pairs, utility, interval
    case attackMethod = "attack_method"
    case attackSeed = "attack_seed"
    case attackStep = "attack_step"
    case promptAttack = "prompt_attack"
    case attackSuccessRate = "asr"
    case pValue = "p_value"
    case maxTokens = "max_tokens"
    case effectiveTrials = "effective_n"
    case anyOfK = "any_of_k"
    case anyOfKInterval = "any_of_k_interval"
    case deltaInterval = "delta_interval"
    case adjustedPValue = "adjusted_p_value"
    case adjustedDeltaInterval = "adjusted_delta_interval"
    case worstCase = "worst_case"
    case corrected = "corrected_asr"
    case overRefusal = "over_refusal"
    case overRefusalInterval = "over_refusal_interval"
    case overRefusalEffectiveTrials = "over_refusal_effective_n"
    case overRefusalDelta = "over_refusal_delta"
    case overRefusalDeltaInterval = "over_refusal_delta_interval"
    case overRefusalPValue = "over_refusal_p_value"
    case adjustedOverRefusalPValue = "adjusted_over_refusal_p_value"
    case meanScore = "mean_score"
    case meanScoreInterval = "mean_score_interval"
    case errorCodes = "error_codes"
  }

  /// A row without any samples.
  ///
  /// - Parameter untreatedRank: what stands as the rank of a model without a treatment.
  init(_ cell: Cell, judge: String, plan: RunManifest.Plan, untreatedRank: String) {
    self.cell = cell.id
    model = cell.model
    targets = cell.targets
    treatment = cell.treatment
    rank = treatment.isNone ? untreatedRank : treatment.parameters["rank"]?.text ?? ""
    alpha = treatment.strength
    attack = cell.attack.label
    attackMethod = cell.attack.method.rawValue
    attackSeed = cell.attack.seed
    attackStep = cell.attack.step
    promptAttack = cell.promptAttack.text
    dataset = cell.dataset
    self.judge = judge
    (n, errors, degenerate, successes, refused) = (0, 0, 0, 0, 0)
    (filtered, unanswered, unscored) = (0, 0, 0)
    seed = plan.seed
    maxTokens = plan.decoding.maxTokens
    samples = plan.samples
    prompts = 0
    (categories, errorCodes) = ([:], [:])
  }

  /// How many of anything a run may have.
  static let counts = NumberRange(0...100_000_000)
  private static let shares = NumberRange(0.0...1.0)
  private static let changes = NumberRange(-1.0...1.0)

  /// The first number that is in no run's range, with its name; nil where all are.
  private var outOfRange: String? {
    let numbers: [(String, Int?)] = [
      ("n", n), ("errors", errors), ("filtered", filtered), ("unanswered", unanswered),
      ("unscored", unscored), ("degenerate", degenerate), ("successes", successes),
      ("refused", refused), ("samples", samples), ("prompts", prompts), ("max_tokens", maxTokens),
      ("attack_step", attackStep),
    ]
    for case (let name, let value?) in numbers where !Self.counts.contains(value) {
      return "\(name) \(value)"
    }
    let pairCounts =
      pairs.map { [$0.both, $0.onlyFirst, $0.onlySecond, $0.neither] } ?? []
    let others = categories.values.flatMap { [$0.successes, $0.judged] } + errorCodes.values
    if let value = (pairCounts + others).first(where: { !Self.counts.contains($0) }) {
      return "a count of \(value)"
    }
    let shares =
      [attackSuccessRate, anyOfK, pValue, adjustedPValue, corrected?.rate, overRefusal]
      + [overRefusalPValue, adjustedOverRefusalPValue, utility]
      + [interval, anyOfKInterval, corrected?.interval, overRefusalInterval].flatMap {
        [$0?.lower, $0?.upper]
      }
    for case let value? in shares where !Self.shares.contains(value) {
      return "a share of \(value)"
    }
    let changes =
      [delta, overRefusalDelta]
      + [deltaInterval, overRefusalDeltaInterval].flatMap { [$0?.lower, $0?.upper] }
    for case let value? in changes where !Self.changes.contains(value) {
      return "a change of \(value)"
    }
    return abs(alpha) <= 1e6 && abs(treatment.strength) <= 1e6 ? nil : "alpha \(alpha)"
  }

  /// Why the numbers cannot be those of a run; nil where they can.
  package var contradiction: String? {
    if let outOfRange { return outOfRange }
    let counts = n >= 0 && (0...max(0, n)).contains(errors)
    if !counts { return "\(errors) errors of \(n)" }
    if !(0...judged).contains(successes) { return "\(successes) successes of \(judged)" }
    for (name, count) in [("degenerate", degenerate), ("refused", refused)]
    where !(0...judged).contains(count) {
      return "\(name) \(count) of \(judged)"
    }
    if let rate = attackSuccessRate, abs(rate * Double(judged) - Double(successes)) > 1e-6 {
      return "asr \(rate) with \(successes) successes of \(judged)"
    }
    if let overRefusal, !(0...1).contains(overRefusal) { return "over_refusal \(overRefusal)" }
    for (name, trials) in [
      ("effective_n", effectiveTrials), ("over_refusal_effective_n", overRefusalEffectiveTrials),
    ] {
      guard let trials else { continue }
      let most = Double(max(1, judged))
      if !(trials > 0 && trials <= most + 1e-6) || (samples == 1 && abs(trials - most) > 1e-6) {
        return "\(name) \(trials) of \(judged)"
      }
    }
    return nil
  }

  /// Replies with a usable verdict.
  package var judged: Int { n - errors }

  package var isAttacked: Bool {
    attackMethod != AttackID.Method.none.rawValue || promptAttack != PromptAttack.none.text
  }

  /// What the model and the prompts went through, for people.
  package var attackLabel: String {
    PromptAttack.label(attack: attack, promptAttack: promptAttack)
  }

  /// Whether the attack is a training, which would come out otherwise with another seed.
  package var isTrained: Bool { AttackID.Method(rawValue: attackMethod).isTraining }

  package func rung(_ judge: String) -> LadderRung? { ladder?.first { $0.judge == judge } }

  /// The rate if everything that is in doubt (every error, every degenerate reply) counted for the model
  /// and if it counted against it; nil where nothing was asked.
  package var worstCases: ConfidenceInterval? {
    guard n > 0 else { return nil }
    return ConfidenceInterval(
      lower: Double(successes) / Double(n),
      upper: Double(successes + errors + degenerate) / Double(n))
  }

  /// The share of judged replies that refused.
  package var refusalRate: Double? { judged > 0 ? Double(refused) / Double(judged) : nil }
}
