package import Runs
package import Scoring
package import StudyDesign

/// The treatment to use: one that lowers the success of the worst attack, and whose costs keep their
/// limits, both shown and not merely measured; `none` where no treatment is shown to.
///
/// The treatment is chosen on one half of the harmful prompts and tried on the other
/// (``SplitHalfChoice``); what is said of it stands in `fall`, and is of the other half alone.
package struct Recommendation: Codable, Hashable, Sendable {
  /// One treatment, measured on all prompts.
  package struct Candidate: Codable, Hashable, Sendable {
    package var treatment: Treatment
    /// As the columns of the rows have them.
    package var rank: String
    package var alpha: Double
    /// Of all attacks and harmful sets, the highest ASR; nil where one is not known.
    package var attackedRate: Double?
    package var worstAttack: String?
    /// The mean over attacks and harmful sets.
    package var meanAttackedRate: Double?
    /// Of all benign sets, the highest over-refusal of the model before any attack.
    package var overRefusal: Double?
    /// Of all benign sets, its largest increase against α = 0.
    package var overRefusalIncrease: Double?
    /// Of all sets with references, the largest loss of right answers against α = 0.
    package var utilityDrop: Double?
    /// What it may cost at most, on each set; together they hold with 95 %, over all treatments. Empty of
    /// the untreated model and in files of earlier releases.
    package var costs: [CostBound]
    /// Why it is not to be recommended; nil where it may be.
    package var rejection: String?

    enum CodingKeys: String, CodingKey {
      case treatment, rank, alpha, costs, rejection
      case attackedRate = "attacked_asr"
      case worstAttack = "worst_attack"
      case meanAttackedRate = "mean_attacked_asr"
      case overRefusal = "over_refusal"
      case overRefusalIncrease = "over_refusal_increase"
      case utilityDrop = "utility_drop"
    }
  }

  /// The treatment that was chosen on one half of the harmful prompts, and what the other half says of
  /// it.
  package struct Trial: Codable, Hashable, Sendable {
    package var treatment: Treatment
    /// The attack with the highest success without a treatment, and with it.
    package var worstBefore: SplitHalfChoice.Place
    package var worstAfter: SplitHalfChoice.Place
    /// From one to the other, on the reporting half.
    package var fall: RateComparison
    /// Prompts of the choosing half.
    package var choosingPrompts: Int
    /// Whether the fall is significant.
    package var isSignificant: Bool
    /// The harmful prompts, of both halves, that would show the fall if it came out again; nil where it is
    /// shown or there is none.
    package var needed: Int?

    enum CodingKeys: String, CodingKey {
      case treatment, fall, needed
      case worstBefore = "worst_before"
      case worstAfter = "worst_after"
      case choosingPrompts = "choosing_prompts"
      case isSignificant = "significant"
    }
  }

  /// nil where nothing can be said; `reason` says why. `none` where no treatment is shown to help.
  package var treatment: Treatment?
  /// Of that, as the columns of the rows have them.
  package var alpha: Double?
  package var rank: String?
  /// In a few sentences, with interval and p: what the choice rests on, or why there is none and what
  /// would show it.
  package var reason: String
  package var limits: RecommendationLimits
  package var candidates: [Candidate]
  /// nil where none could be tried, and in files of earlier releases.
  package var trial: Trial?
}

extension Recommendation.Candidate {
  package init(from decoder: any Decoder) throws {
    let fields = try decoder.container(keyedBy: CodingKeys.self)
    treatment = try fields.decode(Treatment.self, forKey: .treatment)
    rank = try fields.decode(String.self, forKey: .rank)
    alpha = try fields.decode(Double.self, forKey: .alpha)
    attackedRate = try fields.decodeIfPresent(Double.self, forKey: .attackedRate)
    worstAttack = try fields.decodeIfPresent(String.self, forKey: .worstAttack)
    meanAttackedRate = try fields.decodeIfPresent(Double.self, forKey: .meanAttackedRate)
    overRefusal = try fields.decodeIfPresent(Double.self, forKey: .overRefusal)
    overRefusalIncrease = try fields.decodeIfPresent(Double.self, forKey: .overRefusalIncrease)
    utilityDrop = try fields.decodeIfPresent(Double.self, forKey: .utilityDrop)
    costs = try fields.decodeIfPresent([CostBound].self, forKey: .costs) ?? []
    rejection = try fields.decodeIfPresent(String.self, forKey: .rejection)
  }
}
