import COpenBLAS

/// A dense float64 matrix in row-major order: what decompositions are computed in.
package struct DoubleMatrix: Equatable, Sendable {
  package let rows: Int
  package let columns: Int
  /// Row-major elements.
  package var elements: [Double]

  /// - Precondition: `elements.count == rows * columns`.
  package init(rows: Int, columns: Int, elements: [Double]) {
    precondition(rows >= 0 && columns >= 0 && elements.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  package init(rows: Int, columns: Int) {
    self.init(
      rows: rows, columns: columns, elements: [Double](repeating: 0, count: rows * columns))
  }

  package init(_ matrix: Matrix) {
    self.init(
      rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map(Double.init))
  }

  package subscript(row: Int, column: Int) -> Double {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }

  /// Some rows.
  package func rows(_ range: Range<Int>) -> DoubleMatrix {
    DoubleMatrix(
      rows: range.count, columns: columns,
      elements: Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  func row(_ index: Int) -> ArraySlice<Double> {
    elements[index * columns..<(index + 1) * columns]
  }

  package func transposed() -> DoubleMatrix {
    var result = DoubleMatrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns {
        result.elements[column * rows + row] = elements[row * columns + column]
      }
    }
    return result
  }

  /// The sum of the squares of the elements: ‖A‖²_F.
  package var squaredFrobeniusNorm: Double { elements.reduce(0) { $0 + $1 * $1 } }

  /// The first rows.
  package func prefix(rows count: Int) -> DoubleMatrix {
    DoubleMatrix(rows: count, columns: columns, elements: Array(elements[..<(count * columns)]))
  }

  /// The first columns.
  package func prefix(columns count: Int) -> DoubleMatrix {
    var result: [Double] = []
    result.reserveCapacity(rows * count)
    for row in 0..<rows { result += elements[row * columns..<row * columns + count] }
    return DoubleMatrix(rows: rows, columns: count, elements: result)
  }

  /// `op(self) · op(other)`, by BLAS, where op transposes or not.
  ///
  /// - Precondition: the shapes fit.
  package func multiplied(
    by other: DoubleMatrix, transposingSelf: Bool = false, transposingOther: Bool = false
  ) -> DoubleMatrix {
    let (m, inner) = transposingSelf ? (columns, rows) : (rows, columns)
    let (otherInner, n) =
      transposingOther ? (other.columns, other.rows) : (other.rows, other.columns)
    precondition(inner == otherInner)
    var result = DoubleMatrix(rows: m, columns: n)
    guard m > 0, n > 0, inner > 0 else { return result }
    unsafe cblas_dgemm(
      CblasRowMajor, transposingSelf ? CblasTrans : CblasNoTrans,
      transposingOther ? CblasTrans : CblasNoTrans, Int32(m), Int32(n), Int32(inner), 1,
      elements, Int32(columns), other.elements, Int32(other.columns), 0, &result.elements, Int32(n))
    return result
  }

  /// Rounded to float32.
  package var rounded: Matrix {
    Matrix(rows: rows, columns: columns, elements: elements.map { Float($0) })
  }
}

/// OpenBLAS's threads are those of the whole process.
package enum BLAS {
  /// Sets how many threads OpenBLAS uses. Called once, at the start of the program.
  package static func setThreadCount(_ count: Int) { openblas_set_num_threads(Int32(count)) }

  package static var threadCount: Int { Int(openblas_get_num_threads()) }

  /// OpenBLAS's version and the processor it chose its kernels for.
  package static var build: String {
    let configuration = unsafe String(cString: openblas_get_config())
    return configuration.split(separator: " ").prefix(2).joined(separator: " ") + " "
      + (unsafe String(cString: openblas_get_corename()))
  }
}
