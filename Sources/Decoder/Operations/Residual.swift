import CKernels
import LinearAlgebra

/// How a layer reads the residual stream and adds to it: x += scale · after(layer(before(x))), where either
/// norm may be absent.
struct Residual {
  let before, after: RMSNorm?
  let scale: Float
  /// Of the residual stream.
  let width: Int

  init(
    before: NormShape?, after: NormShape?, scale: Float, width: Int,
    norm: (NormShape) -> RMSNorm
  ) {
    self.before = before.map(norm)
    self.after = after.map(norm)
    self.scale = scale
    self.width = width
  }

  /// Whether the layer may add to the stream itself.
  private var isDirect: Bool { after == nil && scale == 1 }

  // MARK: - Serving

  /// For serving.
  ///
  /// - Parameter layer: adds what it makes of its first argument to its second.
  func serve(_ step: ServingStep, _ layer: (_ x: FloatBuffer, _ target: FloatBuffer) -> Void) {
    let (stream, count) = (step.stream, step.rows.count)
    var x = stream
    if let before {
      x = step.scratch.buffer(.normed, width: width)
      before.serve(stream, rows: count, into: x)
    }
    if isDirect { return layer(x, stream) }
    let branch = step.scratch.buffer(.branch, width: width)
    unsafe branch.start.update(repeating: 0, count: count * width)
    layer(x, branch)
    after?.serve(branch, rows: count, into: branch)
    unsafe loxeval_add_scaled(branch.start, scale, count * width, stream.start)
  }

  // MARK: - Training

  /// What the backward pass needs, each rows × width.
  struct Kept {
    let input: FloatBuffer
    /// What the layer gave, where a norm follows it.
    let branch: FloatBuffer?
  }

  func makeKept(rows: Int) -> Kept {
    Kept(
      input: FloatBuffer(count: rows * width),
      branch: after.map { _ in FloatBuffer(count: rows * width) })
  }

  /// What the layer reads of a kept input.
  private func layerInput(_ kept: Kept, _ step: TrainingStep) -> FloatBuffer {
    guard let before else { return kept.input }
    let normed = step.scratch.buffer(.normed, width: width)
    before.forward(kept.input, rows: step.batch.rows, into: normed, step.pool)
    return normed
  }

  /// For training.
  ///
  /// - Parameter layer: adds what it makes of its first argument to its second.
  func forward(
    _ stream: FloatBuffer, _ kept: Kept, _ step: TrainingStep,
    _ layer: (_ x: FloatBuffer, _ target: FloatBuffer) -> Void
  ) {
    let count = step.batch.rows * width
    step.copy(stream, into: kept.input, width: width)
    let x = layerInput(kept, step)
    if isDirect { return layer(x, stream) }
    var branch = kept.branch ?? step.scratch.buffer(.branch, width: width)
    unsafe branch.start.update(repeating: 0, count: count)
    layer(x, branch)
    if let after {
      let normed = step.scratch.buffer(.branch, width: width)
      after.forward(branch, rows: step.batch.rows, into: normed, step.pool)
      branch = normed
    }
    unsafe loxeval_add_scaled(branch.start, scale, count, stream.start)
  }

  /// Adds to the gradient with respect to the sum that with respect to the stream before it, through the
  /// layer. Norms' outputs are computed again.
  ///
  /// - Parameter layer: overwrites its third argument by the gradient with respect to its second, x, given
  ///   that with respect to what it added.
  func backward(
    _ gradient: FloatBuffer, _ kept: Kept, _ step: TrainingStep,
    _ layer: (_ gradient: FloatBuffer, _ x: FloatBuffer, _ dx: FloatBuffer) -> Void
  ) {
    let (rows, count) = (step.batch.rows, step.batch.rows * width)
    let dx = step.scratch.buffer(.normGradient, width: width)
    layer(branchGradient(gradient, kept, step), layerInput(kept, step), dx)
    if let before {
      before.backward(
        dx, x: kept.input, rows: rows, into: gradient, partial: step.gainSums, step.pool)
    } else {
      unsafe loxeval_add_scaled(dx.start, 1, count, gradient.start)
    }
  }

  /// The gradient with respect to what the layer gave.
  private func branchGradient(
    _ gradient: FloatBuffer, _ kept: Kept, _ step: TrainingStep
  ) -> FloatBuffer {
    if isDirect { return gradient }
    let (rows, count) = (step.batch.rows, step.batch.rows * width)
    let result = step.scratch.buffer(.branchGradient, width: width)
    unsafe result.start.update(repeating: 0, count: count)
    guard let after, let branch = kept.branch else {
      unsafe loxeval_add_scaled(gradient.start, scale, count, result.start)
      return result
    }
    var scaled = gradient
    if scale != 1 {
      scaled = step.scratch.buffer(.branch, width: width)
      unsafe scaled.start.update(repeating: 0, count: count)
      unsafe loxeval_add_scaled(gradient.start, scale, count, scaled.start)
    }
    after.backward(
      scaled, x: branch, rows: rows, into: result, partial: step.gainSums, step.pool)
    return result
  }
}
