/// How far results may lie from values that PyTorch computed in float32.
public enum Tolerance {
  /// Logits of a model of a few thousand parameters, absolute.
  public static let tinyLogits: Float = 1e-5
  /// Logits of a model of 135 million parameters, absolute.
  public static let realLogits: Float = 1e-3
  /// Two best logits closer than this may change places between implementations.
  public static let greedyMargin: Float = 5e-3
}
