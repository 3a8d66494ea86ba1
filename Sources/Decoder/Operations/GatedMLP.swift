import CKernels
import LinearAlgebra

/// A gated MLP: down(activation(gate(x)) ∘ up(x)).
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`.
struct GatedMLP<Linear> {
  let gate, up, down: Linear
  /// activation(gate) ∘ up.
  let gating: Gating

  init(_ shape: GatedMLPShape, linear: (LinearShape) -> Linear) {
    gate = linear(shape.gate)
    up = linear(shape.up)
    down = linear(shape.down)
    gating = Gating(width: shape.width, activation: shape.activation)
  }

  /// In the order of a forward pass.
  var linearLayers: [Linear] { [gate, up, down] }
}

extension GatedMLP<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int { max(gate.rank + up.rank, down.rank) }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × hidden.
  ///   - stream: rows × hidden.
  func serve(_ x: FloatBuffer, addingTo stream: FloatBuffer, _ step: ServingStep) {
    let gates = step.scratch.buffer(.gates, width: gating.width)
    let ups = step.scratch.buffer(.ups, width: gating.width)
    let (gating, count) = (gating, step.rows.count)
    ServedLinear.serve(x, step.rows, [(gate, gates), (up, ups)], step.workspace) { begin, end in
      gating.serve(gates, ups, rows: count, begin: begin, end: end)
    }
    ServedLinear.serve(gates, step.rows, [(down, stream)], accumulates: true, step.workspace)
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
  func forward(
    _ x: FloatBuffer, addingTo stream: FloatBuffer, _ kept: Kept, _ step: TrainingStep
  ) {
    let rows = step.batch.rows
    let inner = step.scratch.buffer(.inner, width: gating.width)
    gate.forward(x, rows: rows, into: kept.gates, step.workspace)
    up.forward(x, rows: rows, into: kept.ups, step.workspace)
    gating.forward(kept.gates, kept.ups, rows: rows, into: inner, step.pool)
    down.forward(inner, rows: rows, into: stream, accumulates: true, step.workspace)
  }

  /// - Parameters:
  ///   - gradient: rows × hidden, with respect to what was added to the stream.
  ///   - dx: rows × hidden, overwritten.
  func backward(
    _ gradient: FloatBuffer, x: FloatBuffer, into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) {
    let rows = step.batch.rows
    let inner = step.scratch.buffer(.inner, width: gating.width)
    let innerGradient = step.scratch.buffer(.innerGradient, width: gating.width)
    gating.forward(kept.gates, kept.ups, rows: rows, into: inner, step.pool)
    down.backward(gradient, x: inner, rows: rows, into: innerGradient, step.workspace)
    // Gate and up are not needed again: their gradients take their place.
    gating.backward(innerGradient, gates: kept.gates, ups: kept.ups, rows: rows, step.pool)
    gate.backward(kept.gates, x: x, rows: rows, into: dx, step.workspace)
    up.backward(kept.ups, x: x, rows: rows, into: dx, accumulates: true, step.workspace)
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
      }
    }
  }
}
