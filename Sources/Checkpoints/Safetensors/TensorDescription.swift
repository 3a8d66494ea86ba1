/// Where a tensor lies in its file, and how to read it.
package struct TensorDescription: Hashable, Sendable {
  /// The checkpoint's key, such as `model.layers.0.self_attn.q_proj.weight`.
  package let name: String
  package let dtype: DataType
  /// Sizes of the dimensions, row-major; empty for a single number.
  package let shape: [Int]
  /// Position in the file, counted from the file's first byte.
  package let byteRange: Range<Int>

  package init(name: String, dtype: DataType, shape: [Int], byteRange: Range<Int>) {
    self.name = name
    self.dtype = dtype
    self.shape = shape
    self.byteRange = byteRange
  }

  /// The product of the shape.
  package var elementCount: Int { shape.reduce(1, *) }
}
