/// A two-sided confidence interval.
public struct ConfidenceInterval: Codable, Hashable, Sendable {
  public var lower: Double
  public var upper: Double

  public init(lower: Double, upper: Double) {
    self.lower = lower
    self.upper = upper
  }
}
