/// Where a tensor lies in its file, and how to read it.
public struct TensorDescription: Hashable, Sendable {
  /// The checkpoint's key, such as `model.layers.0.self_attn.q_proj.weight`.
  public let name: String
  public let dtype: DataType
  /// Sizes of the dimensions, row-major; empty for a single number.
  public let shape: [Int]
  /// Position in the file, counted from the file's first byte.
  public let byteRange: Range<Int>

  public init(name: String, dtype: DataType, shape: [Int], byteRange: Range<Int>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteRange = byteRange
  }

  /// The product of the shape.
  public var elementCount: Int { shape.reduce(1, *) }
}
