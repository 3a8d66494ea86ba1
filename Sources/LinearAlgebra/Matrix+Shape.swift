extension Matrix {
  package func transposed() -> Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns {
        result.elements[column * rows + row] = elements[row * columns + column]
      }
    }
    return result
  }

  package func scaled(by factor: Float) -> Matrix {
    Matrix(rows: rows, columns: columns, elements: elements.map { $0 * factor })
  }

  /// With zeros below and to the right, up to the given size.
  ///
  /// - Precondition: the size is no smaller.
  package func padded(rows newRows: Int? = nil, columns newColumns: Int? = nil) -> Matrix {
    let (height, width) = (newRows ?? rows, newColumns ?? columns)
    precondition(height >= rows && width >= columns)
    if height == rows && width == columns { return self }
    var result = Matrix(rows: height, columns: width)
    for row in 0..<rows {
      result.elements.replaceSubrange(
        row * width..<row * width + columns, with: elements[row * columns..<(row + 1) * columns])
    }
    return result
  }
}
