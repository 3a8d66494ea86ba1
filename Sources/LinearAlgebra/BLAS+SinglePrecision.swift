import COpenBLAS

/// One side of a float32 product: where it lies in memory and how it is read.
@safe package struct MatrixView {
  let start: UnsafePointer<Float>
  let stride: Int
  let isTransposed: Bool

  /// - Parameters:
  ///   - start: row-major elements, valid for the product's duration.
  ///   - stride: elements from one stored row to the next.
  ///   - isTransposed: whether the product reads the transpose of what is stored.
  package init(_ start: UnsafePointer<Float>, stride: Int, isTransposed: Bool = false) {
    unsafe self.start = start
    self.stride = stride
    self.isTransposed = isTransposed
  }

  /// The same matrix without its first rows, as the product reads it.
  func dropping(rows: Int) -> MatrixView {
    unsafe MatrixView(
      start + rows * (isTransposed ? 1 : stride), stride: stride, isTransposed: isTransposed)
  }

  /// The same matrix without its first columns, as the product reads it.
  func dropping(columns: Int) -> MatrixView {
    unsafe MatrixView(
      start + columns * (isTransposed ? stride : 1), stride: stride, isTransposed: isTransposed)
  }
}

extension BLAS {
  /// target = scale · a · b (+ target, where it accumulates), in float32, on the calling thread.
  ///
  /// - Parameters:
  ///   - rows: m, of a and the target.
  ///   - columns: n, of b and the target.
  ///   - inner: the columns of a and rows of b.
  ///   - target: m × n, row-major.
  package static func multiply(
    rows: Int, columns: Int, inner: Int, scale: Float = 1, _ a: MatrixView, _ b: MatrixView,
    into target: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool = false
  ) {
    guard rows > 0, columns > 0, inner > 0 else { return }
    useCallingThread()
    unsafe cblas_sgemm(
      CblasRowMajor, a.isTransposed ? CblasTrans : CblasNoTrans,
      b.isTransposed ? CblasTrans : CblasNoTrans, Int32(rows), Int32(columns), Int32(inner), scale,
      a.start, Int32(a.stride), b.start, Int32(b.stride), accumulates ? 1 : 0, target,
      Int32(stride))
  }
}

extension WorkerPool {
  /// `BLAS.multiply` with the target's longer side divided among the pool's threads.
  ///
  /// How it is divided depends on the shapes and the number of threads alone, so the same product
  /// gives the same bits.
  package func multiply(
    rows: Int, columns: Int, inner: Int, scale: Float = 1, _ a: MatrixView, _ b: MatrixView,
    into target: UnsafeMutablePointer<Float>, stride: Int, accumulates: Bool = false
  ) {
    let cutsRows = rows >= columns
    let longer = max(rows, columns)
    // Below some ten microseconds of work a second thread does not pay.
    let isSmall = rows * columns * inner < 1 << 19
    let pieces = isSmall ? 1 : min(threadCount, (longer + 15) / 16)
    run(count: pieces) { piece, _ in
      let begin = longer * piece / pieces / 16 * 16
      let end = piece == pieces - 1 ? longer : longer * (piece + 1) / pieces / 16 * 16
      if cutsRows {
        unsafe BLAS.multiply(
          rows: end - begin, columns: columns, inner: inner, scale: scale, a.dropping(rows: begin),
          b, into: target + begin * stride, stride: stride, accumulates: accumulates)
      } else {
        unsafe BLAS.multiply(
          rows: rows, columns: end - begin, inner: inner, scale: scale, a,
          b.dropping(columns: begin), into: target + begin, stride: stride,
          accumulates: accumulates)
      }
    }
  }
}
