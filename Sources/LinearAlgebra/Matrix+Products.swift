import COpenBLAS

extension Matrix<Double> {
  /// `op(self) · op(other)`, by BLAS, where op transposes or not.
  ///
  /// - Precondition: the shapes fit.
  package func multiplied(
    by other: Matrix<Double>, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> Matrix<Double> {
    let (m, inner) = transposingSelf ? (columns, rows) : (rows, columns)
    let (otherInner, n) =
      transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(inner == otherInner)
    var result = Matrix<Double>(rows: m, columns: n)
    guard m > 0, n > 0, inner > 0 else { return result }
    BLAS.useCallingThread()
    unsafe cblas_dgemm(
      CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans,
      transposingOther ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(inner), 1,
      elements, Int32(columns), other.elements, Int32(other.columns), 0, &result.elements, Int32(n))
    return result
  }

  /// An orthonormal basis of the columns, by Gram and Schmidt's process done twice, which is as
  /// orthogonal as rounding allows; columns that depend on earlier ones become zero.
  package func orthonormalised() -> Matrix<Double> {
    var columnsFirst = transposed()
    for index in 0..<columnsFirst.rows {
      for _ in 0..<2 {
        for other in 0..<index {
          let overlap = columnsFirst.dot(index, other)
          for place in 0..<columnsFirst.columns {
            columnsFirst[index, place] -= overlap * columnsFirst[other, place]
          }
        }
      }
      let norm = columnsFirst.dot(index, index).squareRoot()
      for place in 0..<columnsFirst.columns {
        columnsFirst[index, place] = norm > 1e-12 ? columnsFirst[index, place] / norm : 0
      }
    }
    return columnsFirst.transposed()
  }

  private func dot(_ row: Int, _ other: Int) -> Double {
    (0..<columns).reduce(0) { $0 + self[row, $1] * self[other, $1] }
  }
}

extension Matrix<Float> {
  /// target += scale · (some rows of this) · other, in float32, on the calling thread.
  ///
  /// - Parameters:
  ///   - range: which rows of this, which is m × k.
  ///   - other: k × n.
  ///   - target: range.count × n, row-major.
  /// - Precondition: the shapes fit.
  package func addProduct(
    rows range: Range<Int>, by other: Matrix<Float>, scale: Float,
    to target: inout MutableSpan<Float>
  ) {
    precondition(columns == other.rows && range.clamped(to: 0..<rows) == range)
    precondition(target.count == range.count * other.columns)
    let (rank, width) = (columns, other.columns)
    unsafe target.withUnsafeMutableBufferPointer { target in
      unsafe elements.withUnsafeBufferPointer { left in
        unsafe other.elements.withUnsafeBufferPointer { right in
          guard let target = target.baseAddress, let left = left.baseAddress,
            let right = right.baseAddress
          else { return }
          unsafe BLAS.multiply(
            rows: range.count, columns: width, inner: rank, scale: scale,
            MatrixView(left + range.lowerBound * rank, stride: rank),
            MatrixView(right, stride: width), into: target, stride: width, accumulates: true)
        }
      }
    }
  }
}
