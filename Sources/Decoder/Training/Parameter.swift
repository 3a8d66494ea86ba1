import CKernels
import LinearAlgebra

/// Numbers that training changes, with their gradient.
final class Parameter {
  /// The checkpoint's tensor name, or that of an adapter's factor.
  let name: String
  let rows: Int
  let columns: Int
  let value: FloatBuffer
  private let sum: FloatBuffer
  /// Whether `sum` holds what was added up in this step; false where that is nothing yet.
  private var isBegun = true
  /// How its numbers are rounded where products are in bfloat16; each step has another.
  ///
  /// Weights of a checkpoint in bfloat16 are such numbers before a training, and small steps move most of them by
  /// less than half the distance of two: to nearest, products would see none of that.
  var dither: UInt16 = 0
  /// Whether it is a norm's gain or a bias.
  let isVector: Bool

  var count: Int { rows * columns }

  init(name: String, rows: Int, columns: Int, value: FloatBuffer, isVector: Bool = false) {
    precondition(value.count == rows * columns)
    self.name = name
    self.rows = rows
    self.columns = columns
    self.value = value
    sum = FloatBuffer(count: value.count)
    self.isVector = isVector
  }

  /// Summed over a step; zeros where nothing was added yet.
  var gradient: FloatBuffer {
    if !isBegun { unsafe sum.start.update(repeating: 0, count: count) }
    isBegun = true
    return sum
  }

  /// The next is the first of a step: whatever was there is gone.
  func clearGradient() { isBegun = false }

  /// Adds what writes every element of the gradient: the first in a step need not have zeros written before it.
  func addToGradient(_ write: (_ start: UnsafeMutablePointer<Float>, _ accumulates: Bool) -> Void) {
    unsafe write(sum.start, isBegun)
    isBegun = true
  }

  var matrix: Matrix<Float> {
    unsafe Matrix<Float>(
      rows: rows, columns: columns,
      elements: Array(UnsafeBufferPointer(start: value.start, count: count)))
  }
}
