/// A dense float32 matrix in row-major order.
package struct Matrix: Equatable, Sendable {
  package let rows: Int
  package let columns: Int
  /// Row-major elements: element (i, j) is `elements[i * columns + j]`.
  package var elements: [Float]

  /// - Precondition: `elements.count == rows * columns`.
  package init(rows: Int, columns: Int, elements: [Float]) {
    precondition(rows >= 0 && columns >= 0 && elements.count == rows * columns)
    self.rows = rows
    self.columns = columns
    self.elements = elements
  }

  /// A matrix of zeros.
  package init(rows: Int, columns: Int) {
    self.init(
      rows: rows, columns: columns, elements: [Float](repeating: 0, count: rows * columns))
  }

  package subscript(row: Int, column: Int) -> Float {
    get { elements[row * columns + column] }
    set { elements[row * columns + column] = newValue }
  }
}
