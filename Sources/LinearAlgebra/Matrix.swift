/// A dense matrix in row-major order.
///
/// `Matrix<Float>` is how weights and factors are kept, `Matrix<Double>` what decompositions are
/// computed in. A matrix is a value; memory that kernels need at a fixed address is a `FloatBuffer`.
package struct Matrix<Element: BinaryFloatingPoint & Sendable>: Equatable, Sendable {
  package let rows: Int
  package let columns: Int
  /// Row-major elements: element (i, j) is `elements[i * columns + j]`.
  package var elements: [Element]

  /// - Precondition: `elements.count == rows * columns`.
  @inlinable
  package init(rows: Int, columns: Int, elements: [Element]) {
    precondition(rows >= 0 && columns >= 0 && elements.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// A matrix of zeros.
  @inlinable
  package init(rows: Int, columns: Int) {
    self.init(
      rows: rows, columns: columns, elements: [Element](repeating: 0, count: rows * columns))
  }

  @inlinable
  package subscript(row: Int, column: Int) -> Element {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }
}

extension Matrix {
  /// - Precondition: both have one shape.
  package static func - (first: Matrix, second: Matrix) -> Matrix {
    precondition(first.rows == second.rows && first.columns == second.columns)
    return Matrix(
      rows: first.rows, columns: first.columns,
      elements: zip(first.elements, second.elements).map { $0 - $1 })
  }
}

extension Matrix<Double> {
  /// Widened, exactly.
  package init(_ matrix: Matrix<Float>) {
    self.init(
      rows: matrix.rows, columns: matrix.columns, elements: matrix.elements.map(Double.init))
  }

  /// Rounded to float32.
  package var rounded: Matrix<Float> {
    Matrix<Float>(rows: rows, columns: columns, elements: elements.map { Float($0) })
  }

  /// The sum of the squares of the elements: ‖A‖²_F.
  package var squaredFrobeniusNorm: Double { elements.reduce(0) { $0 + $1 * $1 } }
}

extension Matrix<Float> {
  /// factor · A, each element computed in float64 and rounded once.
  package func scaled(by factor: Double) -> Matrix<Float> {
    Matrix<Float>(
      rows: rows, columns: columns, elements: elements.map { Float(Double($0) * factor) })
  }
}
