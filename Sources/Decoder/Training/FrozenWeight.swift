import CKernels
import Checkpoints
import LinearAlgebra

/// A weight that training reads and does not change: where it lies in the mapped checkpoint, plus
/// the scaled low-rank updates under the training, W + Σ s · left · right.
///
/// It is widened to float32 in blocks as products need it, so no copy of the model is made.
struct FrozenWeight {
  let weight: Weight
  /// rank × in of each update, and out × rank with its scale multiplied in.
  private let factors: [(rank: Int, left: FloatBuffer, right: FloatBuffer)]

  init(_ weight: Weight, stack: [ScaledLowRankUpdate]) {
    self.weight = weight
    factors = stack.compactMap { layer in
      guard let change = layer.update.tensors[weight.name], change.rank > 0, layer.scale != 0
      else { return nil }
      return (
        change.rank, FloatBuffer(change.left.elements.map { $0 * Float(layer.scale) }),
        FloatBuffer(change.right.elements)
      )
    }
  }

  var outputs: Int { weight.outputs }
  var inputs: Int { weight.inputs }

  /// Whether the weight can be used where it lies.
  var isPlain: Bool { factors.isEmpty && weight.elementType == Int32(LOXEVAL_FLOAT32) }

  /// Writes some rows in float32.
  func load(rows: Range<Int>, into target: UnsafeMutablePointer<Float>) {
    unsafe loxeval_widen(
      weight.bytes + rows.lowerBound * weight.bytesPerRow, weight.elementType,
      rows.count * inputs, target)
    for (rank, left, right) in factors {
      unsafe BLAS.multiply(
        rows: rows.count, columns: inputs, inner: rank,
        MatrixView(left.start + rows.lowerBound * rank, stride: rank),
        MatrixView(right.start, stride: inputs), into: target, stride: inputs, accumulates: true)
    }
  }

  /// The whole weight in float32.
  func loadAll(_ pool: WorkerPool) -> FloatBuffer {
    let result = FloatBuffer(count: outputs * inputs)
    let piece = max(1, (1 << 18) / inputs)
    pool.run(count: (outputs + piece - 1) / piece) { index, _ in
      let begin = index * piece
      unsafe load(
        rows: begin..<min(outputs, begin + piece), into: result.start + begin * inputs)
    }
    return result
  }
}
