import COpenBLAS

/// Leading singular triplets: A ≈ left · diag(singularValues) · right.
package struct SingularValueDecomposition: Sendable {
  /// m × k, orthonormal columns. The largest component of each (the first of equals) is positive,
  /// which fixes the triplets' signs.
  package var left: Matrix<Double>
  /// Descending.
  package var singularValues: [Double]
  /// k × n, orthonormal rows.
  package var right: Matrix<Double>
  /// ‖A‖²_F, of the whole matrix.
  package var squaredFrobeniusNorm: Double

  package init(
    left: Matrix<Double>, singularValues: [Double], right: Matrix<Double>,
    squaredFrobeniusNorm: Double
  ) {
    self.left = left
    self.singularValues = singularValues
    self.right = right
    self.squaredFrobeniusNorm = squaredFrobeniusNorm
  }

  /// How many triplets there are: at most what was asked for, fewer where the rank is lower.
  package var rank: Int { singularValues.count }

  /// The share of ‖A‖²_F in the first k triplets; 0 for a zero matrix.
  package func energy(rank: Int) -> Double {
    guard squaredFrobeniusNorm > 0 else { return 0 }
    return singularValues.prefix(rank).reduce(0) { $0 + $1 * $1 } / squaredFrobeniusNorm
  }

  /// left · diag(singularValues), m × k, for the first `rank` triplets.
  package func scaledLeft(rank: Int) -> Matrix<Double> {
    var result = left.prefix(columns: rank)
    for row in 0..<result.rows {
      for column in 0..<rank { result[row, column] *= singularValues[column] }
    }
    return result
  }

  /// The first triplets.
  package func truncated(to rank: Int) -> SingularValueDecomposition {
    let kept = min(rank, self.rank)
    return SingularValueDecomposition(
      left: left.prefix(columns: kept), singularValues: Array(singularValues[..<kept]),
      right: right.prefix(rows: kept), squaredFrobeniusNorm: squaredFrobeniusNorm)
  }

  /// The decomposition of the same matrix with rows of zeros below, up to so many.
  package func withRows(_ rows: Int?) -> SingularValueDecomposition {
    guard let rows, rows > left.rows else { return self }
    var result = self
    let added = [Double](repeating: 0, count: (rows - left.rows) * left.columns)
    result.left = Matrix<Double>(
      rows: rows, columns: left.columns, elements: left.elements + added)
    return result
  }

  func withFixedSigns() -> SingularValueDecomposition {
    var result = self
    for index in 0..<rank {
      var largest = 0.0
      for row in 0..<left.rows where abs(left[row, index]) > abs(largest) {
        largest = left[row, index]
      }
      guard largest < 0 else { continue }
      for row in 0..<left.rows { result.left[row, index].negate() }
      for column in 0..<right.columns { result.right[index, column].negate() }
    }
    return result
  }
}

extension Matrix<Double> {
  /// Singular values below this share of the largest are taken for zero: they are rounding noise
  /// of float32 weights, and what they would add lies below it.
  package static var relativeRankTolerance: Double { 1e-6 }

  /// The thin singular value decomposition, by LAPACK's divide-and-conquer `dgesdd`.
  package func singularValueDecomposition() throws(LinearAlgebraError) -> SingularValueDecomposition
  {
    try checkFinite()
    let k = min(rows, columns)
    guard k > 0 else {
      return SingularValueDecomposition(
        left: Matrix<Double>(rows: rows, columns: 0), singularValues: [],
        right: Matrix<Double>(rows: 0, columns: columns), squaredFrobeniusNorm: 0)
    }
    var work = elements
    var values = [Double](repeating: 0, count: k)
    var left = Matrix<Double>(rows: rows, columns: k)
    var right = Matrix<Double>(rows: k, columns: columns)
    BLAS.useCallingThread()
    let info = unsafe LAPACKE_dgesdd(
      LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "S")), Int32(rows), Int32(columns), &work,
      Int32(columns), &values, &left.elements, Int32(k), &right.elements, Int32(columns))
    guard info == 0 else { throw .lapack(routine: "dgesdd", info: Int(info)) }
    let rank = values.prefix { $0 > Self.relativeRankTolerance * values[0] }.count
    return SingularValueDecomposition(
      left: left.prefix(columns: rank), singularValues: Array(values[..<rank]),
      right: right.prefix(rows: rank), squaredFrobeniusNorm: squaredFrobeniusNorm
    ).withFixedSigns()
  }

  /// The leading `count` singular triplets.
  ///
  /// With A of m × n, m ≥ n (else its transpose), the eigenvectors V of AᵀA for its largest
  /// eigenvalues are found by LAPACK's `dsyevr`; then σᵢ = ‖A vᵢ‖ and uᵢ = A vᵢ / σᵢ. In float64
  /// squaring costs nothing that float32 weights could show: σᵢ/σ₁ is accurate to 1e-16 · (σ₁/σᵢ)².
  /// Each triplet's residual ‖Aᵀu − σv‖ / σ₁ is checked; where one is above `tolerance`, the whole
  /// decomposition is computed instead.
  package func leadingSingularTriplets(
    _ count: Int, tolerance: Double = 1e-9
  ) throws(LinearAlgebraError) -> SingularValueDecomposition {
    try checkFinite()
    if rows < columns {
      let turned = try transposed().leadingSingularTriplets(count, tolerance: tolerance)
      return SingularValueDecomposition(
        left: turned.right.transposed(), singularValues: turned.singularValues,
        right: turned.left.transposed(), squaredFrobeniusNorm: turned.squaredFrobeniusNorm
      ).withFixedSigns()
    }
    let wanted = min(count, columns)
    let total = squaredFrobeniusNorm
    let none = SingularValueDecomposition(
      left: Matrix<Double>(rows: rows, columns: 0), singularValues: [],
      right: Matrix<Double>(rows: 0, columns: columns), squaredFrobeniusNorm: total)
    guard wanted > 0, total > 0 else { return none }
    var right = try leadingRightVectors(wanted)
    var left = multiplied(by: right, transposingOther: true)
    var values = [Double](repeating: 0, count: wanted)
    for index in 0..<wanted {
      values[index] = (0..<rows).reduce(0) { $0 + left[$1, index] * left[$1, index] }.squareRoot()
    }
    let rank = values.prefix { $0 > Self.relativeRankTolerance * values[0] }.count
    guard rank > 0 else { return none }
    left = left.prefix(columns: rank)
    right = right.prefix(rows: rank)
    for row in 0..<rows {
      for index in 0..<rank { left[row, index] /= values[index] }
    }
    let back = left.multiplied(by: self, transposingSelf: true)  // Uᵀ A, rank × n
    for index in 0..<rank {
      let residual = (0..<columns).reduce(0) { sum, column in
        let difference = back[index, column] - values[index] * right[index, column]
        return sum + difference * difference
      }.squareRoot()
      guard residual <= tolerance * values[0] else {
        return try singularValueDecomposition().truncated(to: wanted)
      }
    }
    return SingularValueDecomposition(
      left: left, singularValues: Array(values[..<rank]), right: right,
      squaredFrobeniusNorm: total
    ).withFixedSigns()
  }

  /// Eigenvectors of AᵀA for its `count` largest eigenvalues, as rows, the largest first.
  private func leadingRightVectors(_ count: Int) throws(LinearAlgebraError) -> Matrix<Double> {
    let n = Int32(columns)
    var gram = Matrix<Double>(rows: columns, columns: columns)
    BLAS.useCallingThread()
    unsafe cblas_dsyrk(
      CblasRowMajor, CblasUpper, CblasTrans, n, Int32(rows), 1, elements, n, 0, &gram.elements, n)
    return try gram.leadingEigenvectors(count)
  }

  /// Eigenvectors of this symmetric matrix, of which the upper triangle is read, for its `count`
  /// largest eigenvalues, as rows, the largest first; by LAPACK's `dsyevr`.
  func leadingEigenvectors(_ count: Int) throws(LinearAlgebraError) -> Matrix<Double> {
    precondition(rows == columns && count >= 1 && count <= rows)
    let n = Int32(columns)
    var work = elements
    var found: Int32 = 0
    var eigenvalues = [Double](repeating: 0, count: columns)
    var vectors = [Double](repeating: 0, count: columns * count)
    var support = [Int32](repeating: 0, count: 2 * count)
    BLAS.useCallingThread()
    let info = unsafe LAPACKE_dsyevr(
      LAPACK_ROW_MAJOR, CChar(UInt8(ascii: "V")), CChar(UInt8(ascii: "I")),
      CChar(UInt8(ascii: "U")), n, &work, n, 0, 0, n - Int32(count) + 1, n, 0, &found,
      &eigenvalues, &vectors, Int32(count), &support)
    guard info == 0, found == count else {
      throw .lapack(routine: "dsyevr", info: Int(info))
    }
    // Ascending columns into descending rows.
    var result = Matrix<Double>(rows: count, columns: columns)
    for index in 0..<count {
      for row in 0..<columns {
        result[index, row] = vectors[row * count + (count - 1 - index)]
      }
    }
    return result
  }

  private func checkFinite() throws(LinearAlgebraError) {
    guard let bad = elements.firstIndex(where: { !$0.isFinite }) else { return }
    throw .notFinite(row: bad / columns, column: bad % columns, value: "\(elements[bad])")
  }
}
