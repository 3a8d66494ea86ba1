extension DoubleMatrix {
  /// An orthonormal basis of the columns, by Gram and Schmidt's process done twice, which is as
  /// orthogonal as rounding allows; columns that depend on earlier ones become zero.
  package func orthonormalised() -> DoubleMatrix {
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
