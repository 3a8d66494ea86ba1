/// How far results may lie from values that PyTorch computed in float32, or numpy in float64.
package enum Tolerance {
  /// Logits of a model of a few thousand parameters, absolute.
  package static let tinyLogits: Float = 1e-5
  /// Logits of a model of 135 million parameters, absolute.
  package static let realLogits: Float = 1e-3
  /// Two best logits closer than this may change places between implementations.
  package static let greedyMargin: Float = 5e-3

  /// Relative distance of a float32 from what it was rounded from: half a unit in its last place, and
  /// a thousandth of that for the float64 sums before.
  package static let roundedToFloat32 = 1.001 * 0x1p-24

  /// Logits of a family's small model, absolute.
  package static let familyLogits: Float = 1e-4
  /// Two best logits of a family's small model that lie further apart keep their places.
  package static let familyMargin: Float = 1e-3
  /// A family's loss against transformers'.
  package static let familyLoss = 1e-5
  /// A gradient of a family's small model: its norm's relative difference, and that of any element
  /// as a share of the largest.
  package static let familyGradient = 1e-4

  /// Relative error (Frobenius) of a gradient against PyTorch's, both float32.
  package static let gradient = 1e-4
  /// A step's loss on the tiny model against PyTorch's.
  package static let trainingLoss = 1e-4
  /// A step's loss on SmolLM2 against PEFT's.
  package static let realTrainingLoss = 2e-3
  /// Relative difference of a step's gradient norm on SmolLM2 from PEFT's.
  package static let realGradientNorm = 1e-2
  /// Of trainings whose products are in bfloat16, relative.
  package static let roundedLoss = 1e-2
  package static let roundedGradientNorm = 5e-2
}
