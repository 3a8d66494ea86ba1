import CKernels

/// Rows of float32 of one width, appended to as a space grows.
struct GrowingRows {
  let width: Int
  private(set) var count = 0
  private var buffer: FloatBuffer

  init(width: Int, capacity: Int) {
    self.width = width
    unsafe buffer = FloatBuffer(uninitializedCount: width * capacity)
  }

  var start: UnsafeMutablePointer<Float> { unsafe buffer.start }

  /// Room for so many rows more, to be written before they are read; returns where the first of them begins.
  mutating func append(_ rows: Int) -> UnsafeMutablePointer<Float> {
    if (count + rows) * width > buffer.count {
      let larger = unsafe FloatBuffer(uninitializedCount: 2 * (count + rows) * width)
      unsafe larger.start.update(from: buffer.start, count: count * width)
      buffer = larger
    }
    defer { count += rows }
    return unsafe buffer.start + count * width
  }

  /// weights · rows.
  func combined(_ weights: Matrix<Double>) -> FloatBuffer {
    let factors = FloatBuffer(weights.rounded.elements)
    let result = FloatBuffer(count: weights.rows * width)
    unsafe loxeval_combine_rows(
      factors.start, count, weights.rows, start, count, width, result.start)
    return result
  }
}

/// Rows made orthonormal, to a basis and to each other, in place: X = C · basis + R · kept rows.
///
/// Classical Gram and Schmidt against the basis and modified among the rows, both done twice, the
/// second time on the normalised rows: twice is enough (Giraud, Langou and Rozložník 2005), and
/// normalising in between restores what cancellation lost.
struct RowOrthogonalisation {
  /// How many rows are left; they stand first.
  let kept: Int
  /// C, rows × basis.
  let basisCoefficients: Matrix<Double>
  /// R, rows × kept.
  let innerCoefficients: Matrix<Double>

  /// - Parameter droppingBelow: a row of which no more than this norm is left lies in the space
  ///   already; it is dropped.
  init(
    of block: FloatBuffer, rows: Int, to basis: GrowingRows, droppingBelow limit: Float
  ) {
    let (c, r) = Self.pass(block, rows: rows, basis, droppingBelow: limit)
    // X = c · basis + r · Y, and Y = c' · basis + r' · Z.
    let (c2, r2) = Self.pass(block, rows: r.columns, basis, droppingBelow: 0)
    var sum = r.multiplied(by: c2)
    for index in sum.elements.indices { sum.elements[index] += c.elements[index] }
    basisCoefficients = sum
    innerCoefficients = r.multiplied(by: r2)
    kept = r2.columns
  }

  /// A row's coefficients in the basis, then in the kept rows.
  func coefficients(of row: Int) -> [Double] {
    Array(basisCoefficients.row(row)) + Array(innerCoefficients.row(row))
  }

  private static func pass(
    _ block: FloatBuffer, rows: Int, _ basis: GrowingRows, droppingBelow limit: Float
  ) -> (basis: Matrix<Double>, inner: Matrix<Double>) {
    let overlaps = subtractProjection(of: block, rows: rows, on: basis)
    let inner = orthonormalise(block, rows: rows, width: basis.width, droppingBelow: limit)
    return (Matrix<Double>(overlaps), inner)
  }

  /// block −= (block · basisᵀ) · basis; returns block · basisᵀ.
  private static func subtractProjection(
    of block: FloatBuffer, rows: Int, on basis: GrowingRows
  ) -> Matrix<Float> {
    let (size, width) = (basis.count, basis.width)
    guard size > 0, rows > 0 else { return Matrix<Float>(rows: rows, columns: size) }
    // By the kernels for few rows: a general product would copy the whole basis to where it likes it.
    let overlaps = unsafe FloatBuffer(uninitializedCount: rows * size)
    unsafe loxeval_project(
      block.start, width, rows, basis.start, Int32(LOXEVAL_FLOAT32), width, 0, size,
      overlaps.start, size, 0, nil)
    let result = unsafe Matrix<Float>(
      rows: rows, columns: size,
      elements: Array(UnsafeBufferPointer(start: overlaps.start, count: rows * size)))
    for index in 0..<overlaps.count { unsafe overlaps.start[index].negate() }
    unsafe loxeval_combine_rows(
      overlaps.start, size, rows, basis.start, size, width, block.start)
    return result
  }

  /// Makes rows orthonormal and moves them together; returns what they were in those that are kept.
  private static func orthonormalise(
    _ block: FloatBuffer, rows: Int, width: Int, droppingBelow limit: Float
  ) -> Matrix<Double> {
    var coefficients = Matrix<Double>(rows: rows, columns: rows)
    var kept = 0
    for row in 0..<rows {
      let source = unsafe block.start + row * width
      for previous in 0..<kept {
        let other = unsafe block.start + previous * width
        let overlap = unsafe loxeval_dot(other, source, width)
        unsafe loxeval_add_scaled(other, -overlap, width, source)
        coefficients[row, previous] = Double(overlap)
      }
      let norm = unsafe Float(loxeval_squared_norm(source, width).squareRoot())
      guard norm > limit, norm > 0 else { continue }
      coefficients[row, kept] = Double(norm)
      let target = unsafe block.start + kept * width
      let inverse = 1 / norm
      for index in 0..<width { unsafe target[index] = source[index] * inverse }
      kept += 1
    }
    return coefficients.prefix(columns: kept)
  }
}
