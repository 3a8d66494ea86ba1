import LinearAlgebra

/// A weight in a training: frozen, or a parameter.
enum TrainableWeight {
  case frozen(FrozenWeight)
  case trained(Parameter)

  var outputs: Int {
    switch self {
    case .frozen(let weight): weight.outputs
    case .trained(let parameter): parameter.rows
    }
  }

  var inputs: Int {
    switch self {
    case .frozen(let weight): weight.inputs
    case .trained(let parameter): parameter.columns
    }
  }

  /// Writes one row in float32.
  func loadRow(_ row: Int, into target: UnsafeMutablePointer<Float>) {
    switch self {
    case .frozen(let weight):
      unsafe weight.load(rows: row..<row + 1, into: target)
    case .trained(let parameter):
      unsafe target.update(from: parameter.value.start + row * inputs, count: inputs)
    }
  }

  /// A parameter's.
  private var dither: UInt16? {
    guard case .trained(let parameter) = self else { return nil }
    return parameter.dither
  }

  /// Floats of a block of a frozen weight: 6 MiB, so that it is read from a cache.
  private static let blockSize = 3 << 19

  /// The scratch that `forEachBlock` needs.
  var scratchCount: Int {
    guard case .frozen(let weight) = self, !weight.isPlain else { return 0 }
    return min(weight.outputs, max(1, Self.blockSize / weight.inputs)) * weight.inputs
  }

  /// Calls `body` for blocks of rows in float32, in order: the whole weight at once where it is
  /// already there, else piece by piece through `scratch`.
  private func forEachBlock(
    _ pool: WorkerPool, scratch: FloatBuffer,
    _ body: (_ rows: Range<Int>, _ elements: UnsafePointer<Float>) -> Void
  ) {
    switch self {
    case .trained(let parameter):
      unsafe body(0..<outputs, UnsafePointer(parameter.value.start))
    case .frozen(let weight) where weight.isPlain:
      unsafe body(0..<outputs, weight.weight.bytes.assumingMemoryBound(to: Float.self))
    case .frozen(let weight):
      let size = min(outputs, max(1, Self.blockSize / inputs))
      for begin in stride(from: 0, to: outputs, by: size) {
        let end = min(outputs, begin + size)
        let piece = max(16, (end - begin + pool.threadCount - 1) / pool.threadCount)
        pool.run(count: (end - begin + piece - 1) / piece) { index, _ in
          let first = begin + index * piece
          unsafe weight.load(
            rows: first..<min(end, first + piece),
            into: scratch.start + (first - begin) * inputs)
        }
        unsafe body(begin..<end, UnsafePointer(scratch.start))
      }
    }
  }

  /// y (rows × outputs) = (or +=) x (rows × inputs) · Wᵀ.
  func multiply(
    _ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>, accumulates: Bool,
    _ products: MatrixProducts, scratch: FloatBuffer
  ) {
    unsafe forEachBlock(products.pool, scratch: scratch) { block, elements in
      unsafe products.multiply(
        rows: rows, columns: block.count, inner: inputs, MatrixView(x, stride: inputs),
        MatrixView(elements, stride: inputs, isTransposed: true), dither: dither,
        into: y + block.lowerBound, stride: outputs, accumulates: accumulates)
    }
  }

  /// dx (rows × inputs) = (or +=) dy (rows × outputs) · W, and dW += dyᵀ · x of a parameter.
  func multiplyBackward(
    _ dy: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
    into dx: UnsafeMutablePointer<Float>, accumulates: Bool, _ products: MatrixProducts,
    scratch: FloatBuffer
  ) {
    unsafe forEachBlock(products.pool, scratch: scratch) { block, elements in
      unsafe products.multiply(
        rows: rows, columns: inputs, inner: block.count,
        MatrixView(dy + block.lowerBound, stride: outputs), MatrixView(elements, stride: inputs),
        dither: dither, into: dx, stride: inputs, accumulates: accumulates || block.lowerBound > 0)
    }
    guard case .trained(let parameter) = self, rows > 0 else { return }
    unsafe parameter.addToGradient { gradient, accumulates in
      unsafe products.multiply(
        rows: outputs, columns: inputs, inner: rows,
        MatrixView(dy, stride: outputs, isTransposed: true), MatrixView(x, stride: inputs),
        into: gradient, stride: inputs, accumulates: accumulates)
    }
  }
}
