import CKernels
import Foundation
import Support

extension FloatMatrix {
  /// The leading `count` singular triplets, by block Lanczos bidiagonalisation (Golub, Luk and
  /// Overton, ACM TOMS 7, 1981) with full reorthogonalisation of both bases.
  ///
  /// A block of more rows than triplets are asked for finds repeated and close singular values
  /// together. Products with A are in float32, the small eigenproblem and the returned σ in float64.
  ///
  /// Accepted is what its residuals prove, computed from true products with A at the end: every
  /// ‖Av − σu‖ and ‖Aᵀu − σv‖ is at most `tolerance` · σ₁, so each σ is that close to a singular
  /// value of A, and the triplets are exact for a matrix that differs by as little. Where they do not
  /// prove it yet, more steps follow; where `sizeLimit` is reached, or a count is too large for this
  /// to pay, the decomposition is computed by LAPACK in float64 instead.
  ///
  /// - Parameters:
  ///   - count: k, at least 1.
  ///   - tolerance: 1e-5 is ten times the rounding of float32 products, and a thousandth of the
  ///     rounding of bfloat16 weights.
  /// - Returns: triplets with the sign convention of `SingularValueDecomposition`; fewer than `count`
  ///   where the rank is lower.
  /// - Throws: `LinearAlgebraError.notFinite`, naming the first element that is no number.
  package func leadingSingularTriplets(
    _ count: Int, tolerance: Double = 1e-5
  ) throws(LinearAlgebraError) -> SingularValueDecomposition {
    let squares = try checkedSquaredNorm()
    // Beyond these the products would leave float32's range.
    guard squares > 1e-30, squares < 1e30,
      Self.isWorthTruncating(rows: rows, columns: columns, count: count),
      var triplets = try lanczosTriplets(count, tolerance: tolerance)
    else { return try Matrix<Double>(matrix).leadingSingularTriplets(count) }
    triplets.squaredFrobeniusNorm = squares
    return triplets
  }

  /// Whether so few triplets of such a matrix are found faster than the whole decomposition.
  package static func isWorthTruncating(rows: Int, columns: Int, count: Int) -> Bool {
    count > 0 && 6 * LanczosSpace.blockRows(count) < min(rows, columns)
  }

  /// The triplets without the detour over LAPACK; nil where their residuals are not met.
  func lanczosTriplets(
    _ count: Int, tolerance: Double
  ) throws(LinearAlgebraError) -> SingularValueDecomposition? {
    var space = LanczosSpace(self, blockRows: LanczosSpace.blockRows(count))
    return try space.search(count, tolerance: tolerance)
  }

  /// ‖A‖²_F in float64, and the check that every element is a number.
  private func checkedSquaredNorm() throws(LinearAlgebraError) -> Double {
    let sum = squaredFrobeniusNorm
    guard !sum.isFinite else { return sum }
    let elements = matrix.elements
    guard let bad = elements.firstIndex(where: { !$0.isFinite }) else {
      // Only the squares overflow float32.
      return elements.reduce(0) { $0 + Double($1) * Double($1) }
    }
    throw .notFinite(row: bad / columns, column: bad % columns, value: "\(elements[bad])")
  }
}

/// Orthonormal bases V and U of growing Krylov spaces of AᵀA and AAᵀ, as rows, with A V = U B.
struct LanczosSpace {
  /// m × n.
  private let a: FloatMatrix
  private let m: Int
  private let n: Int
  /// V: at most so many rows of n.
  private var right: GrowingRows
  /// U, rows of m.
  private var left: GrowingRows
  /// B by columns: for each row of V the coefficients of A v in U, of which the later ones are 0.
  private var columnsOfB: [[Double]] = []
  /// The next rows of V.
  private var next: FloatBuffer
  private var nextRows: Int
  /// What Aᵀ times the last rows of U is in the next rows of V: last × next.
  private var remainder = Matrix<Double>(rows: 0, columns: 0)
  /// The largest norm of a row seen before it was orthogonalised: at most ‖A‖₂.
  private var scale: Float = 0

  /// Rows of a block: a few more than the triplets asked for, which keep the last ones from
  /// converging late, and a multiple of four, since the products compute four at once. On the flat
  /// spectra of alignments 8 rows for 6 triplets take a step more than 12 and three quarters of the
  /// arithmetic.
  static func blockRows(_ count: Int) -> Int { (count + 2 + 3) / 4 * 4 }

  /// Rows of V at which the exact decomposition is cheaper.
  private let sizeLimit: Int

  init(_ a: FloatMatrix, blockRows: Int) {
    self.a = a
    (m, n) = (a.rows, a.columns)
    right = GrowingRows(width: n, capacity: 8 * blockRows)
    left = GrowingRows(width: m, capacity: 8 * blockRows)
    sizeLimit = min(min(m, n), max(400, 12 * blockRows))
    // The same start for every matrix of a shape: equal inputs give equal bits.
    var generator = SplitMix64(seed: 0x10C5)
    next = FloatBuffer((0..<blockRows * n).map { _ in Float(generator.nextUnit()) - 0.5 })
    nextRows = blockRows
    nextRows =
      RowOrthogonalisation(
        of: next, rows: nextRows, to: right, droppingBelow: 0
      ).kept
  }

  /// Grows the space until `count` triplets are proved; nil where they are not within the limit.
  mutating func search(
    _ count: Int, tolerance: Double
  ) throws(LinearAlgebraError) -> SingularValueDecomposition? {
    var (steps, stepsToCheck) = (0, 3)
    var gain = Self.largestGain
    var last: (excess: Double, steps: Int)?
    while nextRows > 0, right.count < sizeLimit {
      grow()
      steps += 1
      guard steps >= stepsToCheck || nextRows == 0 else { continue }
      let small = try smallTriplets(count)
      // The estimate costs little; what it promises is then proved, with a margin for rounding.
      let excess = small.residual / (tolerance / 2)
      guard excess.isFinite else { return nil }
      guard nextRows == 0 || excess <= 1 else {
        if let last, last.excess > excess {
          let seen = pow(last.excess / excess, 1 / Double(steps - last.steps))
          gain = min(Self.largestGain, seen * Self.acceleration)
        }
        last = (excess, steps)
        stepsToCheck = steps + 1 + Int(log(excess) / log(gain))
        continue
      }
      let (triplets, residual) = expanded(small)
      if residual <= tolerance { return triplets }
    }
    return nil
  }

  /// A step seldom makes the residual smaller by more than this: until then a check, which takes as long as a step,
  /// would be in vain.
  private static let largestGain = 64.0
  /// Nor by more than so many times what the steps before did, which converge ever faster.
  private static let acceleration = 2.5

  /// Adds the next rows to V, their images to U, and makes the rows after them.
  private mutating func grow() {
    let rows = nextRows
    unsafe right.append(rows).update(from: next.start, count: rows * n)
    let images = unsafe FloatBuffer(uninitializedCount: rows * m)
    // AᵀA of them in the same pass: where U's new rows are well determined by the images, it spans with V what Aᵀ
    // makes of those, and A needs to be read from memory once a step in place of twice.
    next = a.multiply(next, rows: rows, into: images, thenBackwards: images)
    scale = max(scale, Self.largestNorm(images, rows: rows, width: m))
    let forward = RowOrthogonalisation(
      of: images, rows: rows, to: left, droppingBelow: Self.noise * scale)
    columnsOfB += (0..<rows).map { forward.coefficients(of: $0) }
    unsafe left.append(forward.kept).update(from: images.start, count: forward.kept * m)
    // Images = C U + R Q for the new rows Q, one after the other, so that R is a lower triangle.
    let r = forward.innerCoefficients
    let isDetermined =
      forward.kept == rows && Self.scalesToSquare.contains(scale)
      && (0..<rows).allSatisfy { Float(r[$0, $0]) * Self.largestGrowth > scale }
    if !isDetermined { next = a.multiplyBackwards(images, rows: forward.kept) }
    let backward = RowOrthogonalisation(
      of: next, rows: forward.kept, to: right,
      droppingBelow: Self.noise * scale * (isDetermined ? scale : 1))
    nextRows = backward.kept
    remainder = backward.innerCoefficients
    if isDetermined { remainder.solve(lowerTriangle: r) }
  }

  /// Rounding of AᵀA is that of Aᵀ times the ratio of the largest image to what a new row of U is of its image: at most so
  /// much. What comes of it is a less good next row, never a wrong result: residuals are of true products.
  private static let largestGrowth: Float = 256
  /// Of matrices whose AᵀA has norms with squares in float32's range.
  private static let scalesToSquare: ClosedRange<Float> = 1e-8...1e8

  /// What is left of a row below this share of ‖A‖₂ is rounding, not a direction.
  private static let noise: Float = 2e-6

  private static func largestNorm(_ rows: FloatBuffer, rows count: Int, width: Int) -> Float {
    let norms = (0..<count).map { unsafe loxeval_squared_norm(rows.start + $0 * width, width) }
    return Float(norms.reduce(0, larger).squareRoot())
  }

  /// Leading singular triplets of B, with the residual ‖Aᵀu − σv‖ / σ₁ that they will have in A.
  private struct SmallTriplets {
    /// Rows of coefficients in U and V.
    var left: Matrix<Double>
    var right: Matrix<Double>
    var values: [Double]
    var residual: Double
  }

  private func smallTriplets(_ count: Int) throws(LinearAlgebraError) -> SmallTriplets {
    var b = Matrix<Double>(rows: left.count, columns: right.count)
    for (column, values) in columnsOfB.enumerated() {
      for (row, value) in values.enumerated() { b[row, column] = value }
    }
    // B is small, and float64 has the digits to square it.
    var q = try b.multiplied(by: b, transposingSelf: true)
      .leadingEigenvectors(min(count, right.count))
    var p = q.multiplied(by: b, transposingOther: true)
    let values = (0..<p.rows).map { row in
      p.row(row).reduce(0) { $0 + $1 * $1 }.squareRoot()
    }
    let first = values.first ?? 0
    let rank = values.prefix { $0 > Matrix<Double>.relativeRankTolerance * first }.count
    (p, q) = (p.prefix(rows: rank), q.prefix(rows: rank))
    var residual = 0.0
    for row in 0..<rank {
      for column in 0..<p.columns { p[row, column] /= values[row] }
      var squares = 0.0
      for column in 0..<remainder.columns {
        let sum = (0..<remainder.rows).reduce(0.0) {
          $0 + p[row, p.columns - remainder.rows + $1] * remainder[$1, column]
        }
        squares += sum * sum
      }
      residual = larger(residual, squares.squareRoot() / first)
    }
    return SmallTriplets(
      left: p, right: q, values: Array(values.prefix(rank)), residual: residual)
  }

  /// The triplets of A that those of B stand for, and their largest true residual
  /// max(‖Av − σu‖, ‖Aᵀu − σv‖) / σ₁.
  private func expanded(
    _ small: SmallTriplets
  ) -> (triplets: SingularValueDecomposition, residual: Double) {
    let rank = small.values.count
    let u = left.combined(small.left)
    let v = right.combined(small.right)
    let images = unsafe FloatBuffer(uninitializedCount: rank * m)
    let back = a.multiply(v, rows: rank, into: images, thenBackwards: u)
    var worst = 0.0
    for (index, value) in small.values.enumerated() {
      for (product, vector, width) in [(images, u, m), (back, v, n)] {
        let row = unsafe product.start + index * width
        unsafe loxeval_add_scaled(vector.start + index * width, -Float(value), width, row)
        worst = larger(worst, unsafe loxeval_squared_norm(row, width).squareRoot())
      }
    }
    let triplets = SingularValueDecomposition(
      left: Matrix<Double>(u.matrix(rows: rank)).transposed(), singularValues: small.values,
      right: Matrix<Double>(v.matrix(rows: rank)), squaredFrobeniusNorm: 0)
    return (triplets.withFixedSigns(), rank > 0 ? worst / small.values[0] : 0)
  }
}

extension Matrix<Double> {
  /// Becomes R⁻¹ times itself.
  ///
  /// - Parameter r: of as many rows and columns as this has rows, with a diagonal without zeros.
  fileprivate mutating func solve(lowerTriangle r: Matrix<Double>) {
    for row in 0..<rows {
      for column in 0..<columns {
        let known = (0..<row).reduce(0.0) { $0 + r[row, $1] * self[$1, column] }
        self[row, column] = (self[row, column] - known) / r[row, row]
      }
    }
  }
}

/// The larger of two numbers; NaN where one is, which `max` would pass over: a residual that is no number
/// proves nothing.
private func larger(_ a: Double, _ b: Double) -> Double { a.isNaN || b.isNaN ? .nan : max(a, b) }
