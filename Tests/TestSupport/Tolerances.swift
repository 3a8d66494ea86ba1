/// How far results may lie from values that PyTorch computed in float32.
public enum Tolerance {
  /// Logits of a model of a few thousand parameters, absolute.
  public static let tinyLogits: Float = 1e-5
  /// Logits of a model of 135 million parameters, absolute.
  public static let realLogits: Float = 1e-3
  /// Two best logits closer than this may change places between implementations.
  public static let greedyMargin: Float = 5e-3

  /// Relative error (Frobenius) of a gradient against PyTorch's, both float32.
  public static let gradient = 1e-4
  /// A step's loss on the tiny model against PyTorch's.
  public static let trainingLoss = 1e-4
  /// A step's loss on SmolLM2 against PEFT's.
  public static let realTrainingLoss = 2e-3
  /// Relative difference of a step's gradient norm on SmolLM2 from PEFT's.
  public static let realGradientNorm = 1e-2
}
