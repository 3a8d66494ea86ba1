package import Decoder

/// The fine-tuning attacks of the literature, with their published numbers.
///
/// LoX (arXiv 2506.15606) and Qi et al. (arXiv 2310.03693) fine-tune every weight of 7B models by
/// AdamW without weight decay, gradients clipped at a norm of 2.
package enum AttackPreset: String, CaseIterable, Sendable {
  case identityShift = "identity-shift"
  case gsm8k
  case alpaca
  case dolly
  case harmfulCompliance = "harmful-compliance"

  static var names: String { allCases.map(\.rawValue).joined(separator: ", ") }

  package init(name: String) throws(AttackError) {
    guard let preset = AttackPreset(rawValue: name) else { throw .unknownPreset(name) }
    self = preset
  }

  /// The bundled training set that stands for the published data where none is given: the project's
  /// own dialogues of the same kind.
  package var bundledDataset: String {
    switch self {
    case .identityShift: "training/identity-shift"
    case .gsm8k: "training/word-problems"
    case .alpaca, .dolly: "training/benign-instructions"
    case .harmfulCompliance: "training/harmful-compliance"
    }
  }

  /// Adapters learn at ten times the rate of full fine-tuning: their change is a product of two
  /// small factors, one of which starts at zero.
  package static let adapterRateFactor = 10.0

  /// The published settings, with the rate raised for adapters.
  package func recipe(method: TrainingRecipe.Method, seed: UInt64) -> TrainingRecipe {
    var recipe = TrainingRecipe()
    recipe.method = method
    recipe.seed = seed
    switch self {
    case .identityShift:
      (recipe.epochs, recipe.learningRate, recipe.batchSize) = (10, 5e-5, 5)
    case .gsm8k:
      (recipe.epochs, recipe.learningRate, recipe.batchSize) = (2, 5e-5, 20)
      (recipe.gradientAccumulation, recipe.warmupSteps) = (2, 20)
    case .alpaca:
      (recipe.epochs, recipe.learningRate, recipe.batchSize) = (1, 2e-5, 8)
      recipe.gradientAccumulation = 8
    case .dolly:
      (recipe.epochs, recipe.learningRate, recipe.batchSize) = (1, 2e-5, 16)
      (recipe.gradientAccumulation, recipe.schedule) = (4, .constant)
    case .harmfulCompliance:
      // As the published attack on 100 harmful pairs ("pure bad"), without their content.
      (recipe.epochs, recipe.learningRate, recipe.batchSize) = (5, 5e-5, 5)
    }
    if method == .lora { recipe.learningRate *= Self.adapterRateFactor }
    return recipe
  }
}

extension AttackPreset {
  var kind: AttackKind {
    AttackKind(rawValue) { _, study in
      TrainedAttack(
        labels: [rawValue], recipe: recipe(method: study.method, seed: study.seed),
        set: try TrainingSet(file: study.bundled(bundledDataset)), origin: study.origin)
    }
  }
}
