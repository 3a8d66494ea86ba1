package import Support

extension TrainingRecipe {
  /// What its numbers may be, wherever they come from: flags, recipes in JSON, presets.
  package enum Ranges {
    package static let rank = NumberRange(1...4_096)
    package static let alpha = NumberRange<Double>.above(0, upTo: 1_000_000)
    package static let dropout = NumberRange<Double>.from(0, below: 1)
    package static let learningRate = NumberRange<Double>.above(0, upTo: 10)
    package static let warmupSteps = NumberRange(0...1_000_000_000)
    package static let epochs = NumberRange(1...100_000)
    package static let maxSteps = NumberRange(1...1_000_000_000)
    package static let batchSize = NumberRange(1...65_536)
    package static let accumulation = NumberRange(1...65_536)
    package static let maxGradientNorm = NumberRange(0.0...1_000_000.0)
    package static let weightDecay = NumberRange(0.0...100.0)
    package static let momentum = NumberRange<Double>.from(0, below: 1)
    package static let epsilon = NumberRange<Double>.above(0, upTo: 1)
    package static let preferenceBeta = NumberRange<Double>.above(0, upTo: 1_000)
    /// In tokens.
    package static let maxLength = NumberRange(2...16_777_216)
  }

  /// - Throws: `TrainingError.invalidSetting` for the first number out of its range.
  package func validate() throws(TrainingError) {
    func check<Value>(
      _ value: Value?, _ range: NumberRange<Value>, _ name: String
    ) throws(TrainingError) {
      guard let value, !range.contains(value) else { return }
      throw .invalidSetting(name: name, expected: range.phrase, found: "\(value)")
    }
    try check(rank, Ranges.rank, "rank")
    try check(alpha, Ranges.alpha, "alpha")
    guard !targets.isEmpty else {
      throw .invalidSetting(name: "targets", expected: "at least one linear layer", found: "none")
    }
    try check(dropout, Ranges.dropout, "dropout")
    try check(learningRate, Ranges.learningRate, "learning rate")
    try check(warmupSteps, Ranges.warmupSteps, "warm-up steps")
    try check(epochs, Ranges.epochs, "epochs")
    try check(maxSteps, Ranges.maxSteps, "max steps")
    try check(batchSize, Ranges.batchSize, "batch size")
    try check(gradientAccumulation, Ranges.accumulation, "accumulation")
    try check(maxGradientNorm, Ranges.maxGradientNorm, "max gradient norm")
    try check(weightDecay, Ranges.weightDecay, "weight decay")
    try check(beta1, Ranges.momentum, "beta1")
    try check(beta2, Ranges.momentum, "beta2")
    try check(epsilon, Ranges.epsilon, "epsilon")
    try check(preferenceBeta, Ranges.preferenceBeta, "preference beta")
    try check(maxLength, Ranges.maxLength, "max length")
  }
}
