import CKernels
import LinearAlgebra
import Support

/// The trainable change of one linear layer: y += s · dropout(x) · Aᵀ · Bᵀ.
final class LowRankAdapter {
  /// rank × in.
  let a: Parameter
  /// out × rank.
  let b: Parameter
  /// s = alpha / rank.
  let scale: Float
  /// The share of the inputs that is zeroed in each step.
  let dropout: Float
  /// Tells this adapter's dropout from others'.
  private let index: Int

  var rank: Int { a.rows }

  /// A is uniform in ±1/√in, as PEFT's (Kaiming with a = √5); B is 0, so that training starts from
  /// the model as it is.
  init(
    name: String, outputs: Int, inputs: Int, index: Int, recipe: TrainingRecipe,
    generator: inout SplitMix64
  ) {
    let bound = 1 / Double(inputs).squareRoot()
    let values = (0..<recipe.rank * inputs).map { _ in
      Float((2 * generator.nextUnit() - 1) * bound)
    }
    a = Parameter(
      name: "\(name).lora_A", rows: recipe.rank, columns: inputs, value: FloatBuffer(values))
    b = Parameter(
      name: "\(name).lora_B", rows: outputs, columns: recipe.rank,
      value: FloatBuffer(count: outputs * recipe.rank))
    scale = Float(recipe.scale)
    dropout = Float(recipe.dropout)
    self.index = index
  }

  /// Scratch for `rows` rows: rows × rank twice, and rows × in once where inputs are dropped.
  struct Scratch {
    let projected, gradient, dropped: FloatBuffer
  }

  /// The inputs as the adapter sees them.
  private func inputs(
    _ x: UnsafePointer<Float>, rows: Int, key: UInt32?, _ scratch: Scratch
  ) -> UnsafePointer<Float> {
    guard dropout > 0, let key else { return unsafe x }
    unsafe drop(x, rows: rows, key: key, into: scratch.dropped.start)
    return unsafe UnsafePointer(scratch.dropped.start)
  }

  private func drop(
    _ x: UnsafePointer<Float>, rows: Int, key: UInt32, into y: UnsafeMutablePointer<Float>
  ) {
    unsafe loxeval_dropout(
      x, rows * a.columns, key ^ (UInt32(truncatingIfNeeded: index) &* 0x9E37_79B9), 0, dropout, y)
  }

  /// y += s · (x Aᵀ) Bᵀ.
  func addForward(
    _ x: UnsafePointer<Float>, rows: Int, into y: UnsafeMutablePointer<Float>, key: UInt32?,
    _ products: MatrixProducts, _ scratch: Scratch
  ) {
    let seen = unsafe inputs(x, rows: rows, key: key, scratch)
    unsafe project(seen, rows: rows, products, scratch)
    unsafe products.multiply(
      rows: rows, columns: b.rows, inner: rank, scale: scale,
      MatrixView(scratch.projected.start, stride: rank),
      MatrixView(b.value.start, stride: rank, isTransposed: true), into: y, stride: b.rows,
      accumulates: true)
  }

  /// x Aᵀ, rows × rank.
  private func project(
    _ x: UnsafePointer<Float>, rows: Int, _ products: MatrixProducts, _ scratch: Scratch
  ) {
    unsafe products.multiply(
      rows: rows, columns: rank, inner: a.columns, MatrixView(x, stride: a.columns),
      MatrixView(a.value.start, stride: a.columns, isTransposed: true),
      into: scratch.projected.start, stride: rank)
  }

  /// dB += s · dyᵀ (x Aᵀ), dA += s · (dy B)ᵀ x, and dx += s · (dy B) A.
  func addBackward(
    _ dy: UnsafePointer<Float>, x: UnsafePointer<Float>, rows: Int,
    into dx: UnsafeMutablePointer<Float>, key: UInt32?, _ products: MatrixProducts,
    _ scratch: Scratch
  ) {
    let seen = unsafe inputs(x, rows: rows, key: key, scratch)
    unsafe project(seen, rows: rows, products, scratch)
    unsafe products.multiply(
      rows: b.rows, columns: rank, inner: rows, scale: scale,
      MatrixView(dy, stride: b.rows, isTransposed: true),
      MatrixView(scratch.projected.start, stride: rank), into: b.gradient.start, stride: rank,
      accumulates: true)
    let through = unsafe scratch.gradient.start
    unsafe products.multiply(
      rows: rows, columns: rank, inner: b.rows, scale: scale, MatrixView(dy, stride: b.rows),
      MatrixView(b.value.start, stride: rank), into: through, stride: rank)
    unsafe products.multiply(
      rows: rank, columns: a.columns, inner: rows,
      MatrixView(through, stride: rank, isTransposed: true), MatrixView(seen, stride: a.columns),
      into: a.gradient.start, stride: a.columns, accumulates: true)
    guard dropout > 0, let key else {
      unsafe products.multiply(
        rows: rows, columns: a.columns, inner: rank, MatrixView(through, stride: rank),
        MatrixView(a.value.start, stride: a.columns), into: dx, stride: a.columns,
        accumulates: true)
      return
    }
    // What was dropped on the way in gets no gradient on the way back.
    let dropped = unsafe scratch.dropped.start
    unsafe products.multiply(
      rows: rows, columns: a.columns, inner: rank, MatrixView(through, stride: rank),
      MatrixView(a.value.start, stride: a.columns), into: dropped, stride: a.columns)
    unsafe drop(dropped, rows: rows, key: key, into: dropped)
    unsafe loxeval_add_scaled(dropped, 1, rows * a.columns, dx)
  }
}
