import CKernels
import LinearAlgebra

/// A gated MLP: down(activation(gate(x)) ∘ up(x)).
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`.
struct GatedMLP<Linear> {
  /// Gate and up.
  let projections: Projections<Linear>
  let down: Linear
  /// activation(gate) ∘ up.
  let gating: Gating

  init(_ shape: GatedMLPShape, linear: (LinearShape) -> Linear) {
    projections = Projections(shape.projections, linear: linear)
    down = linear(shape.down)
    gating = Gating(width: shape.width, activation: shape.activation)
  }

  /// In the order of a forward pass.
  var linearLayers: [Linear] { projections.layers + [down] }
}

extension GatedMLP<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int { max(projections.rank, down.rank) }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × hidden.
  ///   - rows: those of `x`.
  ///   - target: rows × hidden.
  ///   - accumulates: whether the result is added to what the target holds.
  func serve(
    _ x: FloatBuffer, _ rows: [ForwardPass.Row], into target: FloatBuffer, accumulates: Bool,
    _ step: ServingStep
  ) {
    let gates = step.scratch.buffer(.gates, width: gating.width)
    let ups = step.scratch.buffer(.ups, width: gating.width)
    let (gating, count) = (gating, rows.count)
    projections.serve(x, rows, into: [gates, ups], step) { begin, end in
      gating.serve(gates, ups, rows: count, begin: begin, end: end)
    }
    ServedLinear.serve(
      gates, rows, [(down, target)], accumulates: accumulates, step.workspace)
  }
}

extension GatedMLP<TrainableLinear> {
  /// What the backward pass needs, each rows × width; it is used up by it.
  struct Kept {
    let gates, ups: FloatBuffer
  }

  func makeKept(rows: Int) -> Kept {
    Kept(
      gates: FloatBuffer(count: rows * gating.width), ups: FloatBuffer(count: rows * gating.width))
  }

  /// For training.
  ///
  /// - Parameters:
  ///   - x: rows × hidden.
  ///   - target: rows × hidden.
  ///   - accumulates: whether the result is added to what the target holds.
  func forward(
    _ x: FloatBuffer, rows: Int, into target: FloatBuffer, accumulates: Bool, _ kept: Kept,
    _ step: TrainingStep
  ) {
    let inner = step.scratch.buffer(.inner, width: gating.width)
    projections.forward(x, rows: rows, into: [kept.gates, kept.ups], step)
    gating.forward(kept.gates, kept.ups, rows: rows, into: inner, step.pool)
    down.forward(inner, rows: rows, into: target, accumulates: accumulates, step.workspace)
  }

  /// - Parameters:
  ///   - gradient: rows × hidden, with respect to what the MLP gave.
  ///   - dx: rows × hidden, overwritten.
  func backward(
    _ gradient: FloatBuffer, x: FloatBuffer, rows: Int, into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) {
    let inner = step.scratch.buffer(.inner, width: gating.width)
    let innerGradient = step.scratch.buffer(.innerGradient, width: gating.width)
    gating.forward(kept.gates, kept.ups, rows: rows, into: inner, step.pool)
    down.backward(gradient, x: inner, rows: rows, into: innerGradient, step.workspace)
    backward(inner: innerGradient, x: x, rows: rows, into: dx, kept, step)
  }

  /// The same where each row's result counts by a share: y = Σ share · MLP(x).
  ///
  /// - Parameter gradient: rows × hidden, with respect to y.
  /// - Returns: the gradient with respect to each share.
  func backward(
    _ gradient: FloatBuffer, x: FloatBuffer, shares: [Float], into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) -> [Float] {
    let (rows, width) = (shares.count, gating.width)
    let inner = step.scratch.buffer(.inner, width: width)
    let scaled = step.scratch.buffer(.expertInner, width: width)
    let innerGradient = step.scratch.buffer(.innerGradient, width: width)
    gating.forward(kept.gates, kept.ups, rows: rows, into: inner, step.pool)
    for (row, share) in shares.enumerated() {
      let place = row * width
      for index in place..<place + width {
        unsafe scaled.start[index] = share * inner.start[index]
      }
    }
    // With respect to share · inner, and so to the share by the inner, and to the inner by the share.
    down.backward(gradient, x: scaled, rows: rows, into: innerGradient, step.workspace)
    let shareGradients = shares.indices.map { row in
      let place = row * width
      let result = unsafe loxeval_dot(
        innerGradient.start + place, inner.start + place, width)
      for index in place..<place + width {
        unsafe innerGradient.start[index] *= shares[row]
      }
      return result
    }
    backward(inner: innerGradient, x: x, rows: rows, into: dx, kept, step)
    return shareGradients
  }

  /// From the gradient with respect to what down reads.
  private func backward(
    inner innerGradient: FloatBuffer, x: FloatBuffer, rows: Int, into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) {
    // Gate and up are not needed again: their gradients take their place.
    gating.backward(innerGradient, gates: kept.gates, ups: kept.ups, rows: rows, step.pool)
    projections.backward(x: x, rows: rows, into: dx, step) { $0 == 0 ? kept.gates : kept.ups }
  }
}

/// The middle of a gated MLP: inner = activation(gate) ∘ up, element by element.
struct Gating {
  /// Of gate, up and inner.
  let width: Int
  var activation = GatedMLPShape.Activation.silu

  /// gate = activation(gate) · up.
  @inline(__always)
  private func multiply(
    _ gate: UnsafeMutablePointer<Float>, _ up: UnsafePointer<Float>, count: Int
  ) {
    switch activation {
    case .silu: unsafe loxeval_silu_multiply(gate, up, count)
    case .geluTanh: unsafe loxeval_gelu_multiply(gate, up, count)
    case .gelu: unsafe loxeval_erf_gelu_multiply(gate, up, count)
    }
  }

  /// For serving: replaces columns `begin ..< end` of the gates.
  ///
  /// - Parameters:
  ///   - gates, ups: rows × width.
  func serve(_ gates: FloatBuffer, _ ups: FloatBuffer, rows: Int, begin: Int, end: Int) {
    for row in 0..<rows {
      let offset = row * width + begin
      unsafe multiply(gates.start + offset, ups.start + offset, count: end - begin)
    }
  }

  /// For training: leaves gates and ups as they are.
  ///
  /// - Parameters:
  ///   - gates, ups: rows × width.
  ///   - inner: rows × width, overwritten.
  func forward(
    _ gates: FloatBuffer, _ ups: FloatBuffer, rows: Int, into inner: FloatBuffer,
    _ pool: WorkerPool
  ) {
    pool.run(count: rows) { row, _ in
      let offset = row * width
      unsafe (inner.start + offset).update(from: gates.start + offset, count: width)
      unsafe multiply(inner.start + offset, ups.start + offset, count: width)
    }
  }

  /// Replaces gates and ups by their gradients.
  ///
  /// - Parameter dInner: rows × width, the gradient with respect to inner.
  func backward(
    _ dInner: FloatBuffer, gates: FloatBuffer, ups: FloatBuffer, rows: Int, _ pool: WorkerPool
  ) {
    pool.run(count: rows) { row, _ in
      let offset = row * width
      let (gate, up) = unsafe (gates.start + offset, ups.start + offset)
      switch activation {
      case .silu: unsafe loxeval_silu_backward(gate, up, dInner.start + offset, width)
      case .geluTanh: unsafe loxeval_gelu_backward(gate, up, dInner.start + offset, width)
      case .gelu: unsafe loxeval_erf_gelu_backward(gate, up, dInner.start + offset, width)
      }
    }
  }
}
