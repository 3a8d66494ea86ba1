import CKernels
import LinearAlgebra

/// Numbers that training changes, with their gradient.
final class Parameter {
  /// The checkpoint's tensor name, or that of an adapter's factor.
  let name: String
  let rows: Int
  let columns: Int
  let value: FloatBuffer
  /// Summed over a step; `ParameterSet` clears it.
  let gradient: FloatBuffer
  /// Whether it is a norm's gain or a bias.
  let isVector: Bool

  var count: Int { rows * columns }

  init(name: String, rows: Int, columns: Int, value: FloatBuffer, isVector: Bool = false) {
    precondition(value.count == rows * columns)
    self.name = name
    self.rows = rows
    self.columns = columns
    self.value = value
    gradient = FloatBuffer(count: value.count)
    self.isVector = isVector
  }

  var matrix: Matrix<Float> {
    unsafe Matrix<Float>(
      rows: rows, columns: columns,
      elements: Array(UnsafeBufferPointer(start: value.start, count: count)))
  }
}
