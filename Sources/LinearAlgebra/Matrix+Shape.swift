extension Matrix {
  @inlinable
  package func transposed() -> Matrix {
    var result = Matrix(rows: columns, columns: rows)
    for row in 0..<rows {
      for column in 0..<columns {
        result.elements[column * rows + row] = elements[row * columns + column]
      }
    }
    return result
  }

  /// Some rows.
  @inlinable
  package func rows(_ range: Range<Int>) -> Matrix {
    Matrix(
      rows: range.count, columns: columns,
      elements: Array(elements[range.lowerBound * columns..<range.upperBound * columns]))
  }

  @inlinable
  package func row(_ index: Int) -> ArraySlice<Element> {
    elements[index * columns..<(index + 1) * columns]
  }

  /// The first rows.
  @inlinable
  package func prefix(rows count: Int) -> Matrix { rows(0..<count) }

  /// The first columns.
  @inlinable
  package func prefix(columns count: Int) -> Matrix {
    var result: [Element] = []
    result.reserveCapacity(rows * count)
    for row in 0..<rows { result += elements[row * columns..<row * columns + count] }
    return Matrix(rows: rows, columns: count, elements: result)
  }

  /// With zeros below and to the right, up to the given size.
  ///
  /// - Precondition: the size is no smaller.
  @inlinable
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

  /// Matrices of as many rows side by side: [A₁ | A₂ | …].
  ///
  /// - Precondition: there is one at least, and all have as many rows.
  @inlinable
  package static func sideBySide(_ parts: [Matrix]) -> Matrix {
    let rows = parts[0].rows
    precondition(parts.allSatisfy { $0.rows == rows })
    var elements: [Element] = []
    elements.reserveCapacity(parts.reduce(0) { $0 + $1.elements.count })
    for row in 0..<rows {
      for part in parts { elements += part.row(row) }
    }
    return Matrix(rows: rows, columns: parts.reduce(0) { $0 + $1.columns }, elements: elements)
  }

  /// Matrices of as many columns one below the other: [A₁; A₂; …].
  ///
  /// - Precondition: there is one at least, and all have as many columns.
  @inlinable
  package static func stacked(_ parts: [Matrix]) -> Matrix {
    let columns = parts[0].columns
    precondition(parts.allSatisfy { $0.columns == columns })
    return Matrix(
      rows: parts.reduce(0) { $0 + $1.rows }, columns: columns,
      elements: parts.flatMap(\.elements))
  }
}
