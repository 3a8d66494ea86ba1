import CKernels

/// Products of matrices that lie in float32, divided among a pool's threads, in the arithmetic that was
/// chosen. Owned by one thread.
package final class MatrixProducts {
  package let pool: WorkerPool
  package let arithmetic: Arithmetic
  // Of bfloat16 products: both sides, packed or rounded; as large as the largest yet.
  private var left = FloatBuffer(count: 0)
  private var right = FloatBuffer(count: 0)

  package init(_ pool: WorkerPool, arithmetic: Arithmetic = .float32) {
    self.pool = pool
    self.arithmetic = arithmetic
  }

  /// target = scale · a · b (+ target, where it accumulates).
  ///
  /// How it is divided depends on the shapes and the number of threads alone, so the same product
  /// gives the same bits.
  ///
  /// - Parameters:
  ///   - rows: m, of a and the target.
  ///   - columns: n, of b and the target.
  ///   - inner: the columns of a and rows of b.
  ///   - dither: where b is rounded, its numbers go up or down by thresholds that this shifts, right on the mean;
  ///     nil rounds to nearest, as a is.
  ///   - target: m × n, row-major.
  package func multiply(
    rows: Int, columns: Int, inner: Int, scale: Float = 1, _ a: MatrixView, _ b: MatrixView,
    dither: UInt16? = nil, into target: UnsafeMutablePointer<Float>, stride: Int,
    accumulates: Bool = false
  ) {
    guard rows > 0, columns > 0, inner > 0 else { return }
    switch arithmetic {
    case .float32:
      unsafe pool.multiply(
        rows: rows, columns: columns, inner: inner, scale: scale, a, b, into: target,
        stride: stride, accumulates: accumulates)
    case .bfloat16 where loxeval_packs_bfloat16() != 0:
      unsafe multiplyPacked(
        rows: rows, columns: columns, inner: inner, scale: scale, a, b, dither: dither,
        into: target, stride: stride, accumulates: accumulates)
    case .bfloat16:
      unsafe pool.multiply(
        rows: rows, columns: columns, inner: inner, scale: scale,
        rounded(a, rows: rows, columns: inner, in: &left),
        rounded(b, rows: inner, columns: columns, dither: dither, in: &right), into: target,
        stride: stride, accumulates: accumulates)
    }
  }

  private static let tile = 16

  private func multiplyPacked(
    rows: Int, columns: Int, inner: Int, scale: Float, _ a: MatrixView, _ b: MatrixView,
    dither: UInt16?, into target: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool
  ) {
    // The left side's rows, and the right side's columns, in as many parts as there are threads.
    let (packedRows, packedColumns) = unsafe (
      pack(a, lines: rows, inner: inner, isRight: false, in: &left),
      pack(b, lines: columns, inner: inner, isRight: true, dither: dither, in: &right)
    )
    let cutsRows = rows >= columns
    let parts = Self.parts(of: cutsRows ? rows : columns, atMost: pool.threadCount)
    pool.run(count: parts.count) { part, _ in
      let (r, c) = cutsRows ? (parts[part], 0..<columns) : (0..<rows, parts[part])
      unsafe loxeval_multiply_packed(
        packedRows, packedColumns, r.lowerBound, r.upperBound, c.lowerBound, c.upperBound, inner,
        scale, target, stride, accumulates ? 1 : 0)
    }
  }

  private func pack(
    _ matrix: MatrixView, lines: Int, inner: Int, isRight: Bool, dither: UInt16? = nil,
    in buffer: inout FloatBuffer
  ) -> UnsafeMutablePointer<UInt16> {
    // Two bfloat16 numbers to a float.
    let size = (loxeval_packed_size(lines, inner) + 1) / 2
    if buffer.count < size { buffer = FloatBuffer(count: size) }
    let packed = unsafe UnsafeMutableRawPointer(buffer.start).assumingMemoryBound(to: UInt16.self)
    let parts = Self.parts(of: lines, atMost: pool.threadCount)
    pool.run(count: parts.count) { part, _ in
      unsafe loxeval_pack_bfloat16(
        matrix.start, matrix.stride, matrix.isTransposed == isRight ? 1 : 0, isRight ? 1 : 0,
        parts[part].lowerBound, parts[part].upperBound, inner, dither.map(Int32.init) ?? -1, packed)
    }
    return unsafe packed
  }

  /// Ranges that begin at whole tiles, as even as these allow.
  private static func parts(of count: Int, atMost most: Int) -> [Range<Int>] {
    let tiles = (count + tile - 1) / tile
    let pieces = min(most, tiles)
    return (0..<pieces).map {
      tiles * $0 / pieces * tile..<min(count, tiles * ($0 + 1) / pieces * tile)
    }
  }

  /// A copy whose numbers are bfloat16 too, stored as the matrix is.
  private func rounded(
    _ matrix: MatrixView, rows: Int, columns: Int, dither: UInt16? = nil,
    in buffer: inout FloatBuffer
  ) -> MatrixView {
    let (lines, width) = matrix.isTransposed ? (columns, rows) : (rows, columns)
    if buffer.count < lines * width { buffer = FloatBuffer(count: lines * width) }
    let copy = unsafe buffer.start
    pool.run(count: lines) { line, _ in
      let (from, to) = unsafe (matrix.start + line * matrix.stride, copy + line * width)
      if let dither {
        unsafe loxeval_dither_to_bfloat16(from, line, width, dither, to)
      } else {
        unsafe loxeval_round_to_bfloat16(from, width, to)
      }
    }
    return unsafe MatrixView(copy, stride: width, isTransposed: matrix.isTransposed)
  }
}
