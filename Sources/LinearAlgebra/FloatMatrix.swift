import CKernels

/// A large matrix in float32 at a fixed address, row-major: what is too large for copies, and what kernels work on.
package struct FloatMatrix: Sendable {
  package let rows: Int
  package let columns: Int
  private let elements: FloatBuffer

  /// - Parameter fill: writes all elements, which are uninitialised before.
  package init(
    rows: Int, columns: Int, fillingBy fill: (UnsafeMutablePointer<Float>) throws -> Void
  ) rethrows {
    (self.rows, self.columns) = (rows, columns)
    unsafe elements = FloatBuffer(uninitializedCount: rows * columns)
    unsafe try fill(elements.start)
  }

  package init(_ matrix: Matrix<Float>) {
    unsafe self.init(rows: matrix.rows, columns: matrix.columns) { start in
      unsafe start.update(from: matrix.elements, count: matrix.elements.count)
    }
  }

  /// A copy.
  package var matrix: Matrix<Float> { elements.matrix(rows: rows) }

  /// `op(self) · other` on the calling thread, where op transposes or not.
  ///
  /// - Precondition: the shapes fit.
  package func multiplied(
    by other: Matrix<Float>, transposingSelf: Bool = false
  ) -> Matrix<Float> {
    let (m, inner) = transposingSelf ? (columns, rows) : (rows, columns)
    precondition(inner == other.rows)
    var result = Matrix<Float>(rows: m, columns: other.columns)
    unsafe BLAS.multiply(
      rows: m, columns: other.columns, inner: inner,
      MatrixView(elements.start, stride: columns, isTransposed: transposingSelf),
      MatrixView(other.elements, stride: other.columns), into: &result.elements,
      stride: other.columns)
    return result
  }

  /// ‖A‖²_F, in float64.
  package var squaredFrobeniusNorm: Double {
    unsafe loxeval_squared_norm(elements.start, elements.count)
  }

  /// images = x · Aᵀ, and y · A as the result, in one pass over A.
  ///
  /// - Parameters:
  ///   - x: so many rows of as many columns as A.
  ///   - images: as many of as many columns as A has rows.
  ///   - y: the same; `images` itself for x · AᵀA.
  func multiply(
    _ x: FloatBuffer, rows count: Int, into images: FloatBuffer, thenBackwards y: FloatBuffer
  ) -> FloatBuffer {
    let result = FloatBuffer(count: count * columns)
    for begin in stride(from: 0, to: rows, by: Self.rowsAtATime) {
      let end = min(begin + Self.rowsAtATime, rows)
      unsafe loxeval_project(
        x.start, columns, count, elements.start, Int32(LOXEVAL_FLOAT32), columns, begin, end,
        images.start, rows, 0, nil)
      unsafe loxeval_combine_rows(
        y.start + begin, rows, count, elements.start + begin * columns, end - begin, columns,
        result.start)
    }
    return result
  }

  /// A megabyte or some of a large matrix: still in a cache when it is needed again.
  private static let rowsAtATime = 64

  /// y · A, of so many rows of as many columns as A has rows.
  func multiplyBackwards(_ y: FloatBuffer, rows count: Int) -> FloatBuffer {
    let result = FloatBuffer(count: count * columns)
    unsafe loxeval_combine_rows(y.start, rows, count, elements.start, rows, columns, result.start)
    return result
  }
}
