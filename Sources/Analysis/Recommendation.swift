package import Runs
package import StudyDesign

/// The α to use: the one with the lowest ASR under attack among those whose costs stay within limits.
package struct Recommendation: Codable, Hashable, Sendable {
  /// One treatment.
  package struct Candidate: Codable, Hashable, Sendable {
    package var treatment: Treatment
    /// As the columns of the rows have them.
    package var rank: String
    package var alpha: Double
    /// Of all attacks and harmful sets, the highest ASR; nil where one is not known.
    package var attackedRate: Double?
    package var worstAttack: String?
    /// The mean over attacks and harmful sets, which decides between equal worst cases.
    package var meanAttackedRate: Double?
    /// Of all benign sets, the highest over-refusal of the model before any attack.
    package var overRefusal: Double?
    /// Of all benign sets, its largest increase against α = 0.
    package var overRefusalIncrease: Double?
    /// Of all sets with references, the largest loss of right answers against α = 0.
    package var utilityDrop: Double?
    /// Why it is not to be recommended; nil where it may be.
    package var rejection: String?

    enum CodingKeys: String, CodingKey {
      case treatment, rank, alpha, rejection
      case attackedRate = "attacked_asr"
      case worstAttack = "worst_attack"
      case meanAttackedRate = "mean_attacked_asr"
      case overRefusal = "over_refusal"
      case overRefusalIncrease = "over_refusal_increase"
      case utilityDrop = "utility_drop"
    }
  }

  /// nil where none can be recommended; `reason` says why.
  package var treatment: Treatment?
  /// Of that, as the columns of the rows have them.
  package var alpha: Double?
  package var rank: String?
  /// One sentence: what the choice rests on, or why there is none.
  package var reason: String
  package var limits: RecommendationLimits
  package var candidates: [Candidate]
}
