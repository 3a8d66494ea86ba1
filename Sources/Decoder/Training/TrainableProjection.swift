import CKernels
import LinearAlgebra

/// A linear layer in a training, forward and backward: y = x Wᵀ (+ b) (+ adapter).
struct TrainableProjection {
  let weight: TrainableWeight
  let bias: TrainableVector?
  let adapter: LowRankAdapter?

  /// What all layers of a decoder share.
  struct Workspace {
    let pool: WorkerPool
    /// Blocks of a weight in float32.
    let block: FloatBuffer
    let adapter: LowRankAdapter.Scratch
    /// Chooses what dropout drops; nil outside training.
    var key: UInt32?
  }

  func forward(
    _ x: FloatBuffer, rows: Int, into y: FloatBuffer, accumulates: Bool = false,
    _ workspace: Workspace
  ) {
    unsafe weight.multiply(
      x.start, rows: rows, into: y.start, accumulates: accumulates, workspace.pool,
      scratch: workspace.block)
    if let bias {
      for row in 0..<rows {
        unsafe loxeval_add_scaled(
          bias.value.start, 1, weight.outputs, y.start + row * weight.outputs)
      }
    }
    if let adapter {
      unsafe adapter.addForward(
        x.start, rows: rows, into: y.start, key: workspace.key, workspace.pool, workspace.adapter)
    }
  }

  /// dx = (or +=) the gradient with respect to x; gradients of parameters are added up.
  func backward(
    _ dy: FloatBuffer, x: FloatBuffer, rows: Int, into dx: FloatBuffer, accumulates: Bool = false,
    _ workspace: Workspace
  ) {
    unsafe weight.multiplyBackward(
      dy.start, x: x.start, rows: rows, into: dx.start, accumulates: accumulates, workspace.pool,
      scratch: workspace.block)
    if let gradient = bias?.parameter?.gradient {
      for row in 0..<rows {
        unsafe loxeval_add_scaled(
          dy.start + row * weight.outputs, 1, weight.outputs, gradient.start)
      }
    }
    if let adapter {
      unsafe adapter.addBackward(
        dy.start, x: x.start, rows: rows, into: dx.start, key: workspace.key, workspace.pool,
        workspace.adapter)
    }
  }
}

/// A norm's gain or a bias: a constant, or a parameter.
struct TrainableVector {
  let value: FloatBuffer
  /// nil where it is a constant.
  let parameter: Parameter?

  init(constant values: [Float]) {
    value = FloatBuffer(values)
    parameter = nil
  }

  init(name: String, trained values: [Float]) {
    let parameter = Parameter(
      name: name, rows: 1, columns: values.count, value: FloatBuffer(values))
    value = parameter.value
    self.parameter = parameter
  }
}

/// RMSNorm, forward and backward: y = x / √(mean(x²) + ε) · gain.
struct TrainableNorm {
  let gain: TrainableVector
  let epsilon: Float

  var width: Int { gain.value.count }

  func forward(_ x: FloatBuffer, rows: Int, into y: FloatBuffer, _ pool: WorkerPool) {
    pool.run(count: rows) { row, _ in
      unsafe loxeval_rms_norm(
        x.start + row * width, gain.value.start, width, epsilon, y.start + row * width)
    }
  }

  /// dx += the gradient with respect to x.
  ///
  /// - Parameter partial: width floats for each thread of the pool, where the gain is trained.
  func backward(
    _ dy: FloatBuffer, x: FloatBuffer, rows: Int, into dx: FloatBuffer, partial: FloatBuffer,
    _ pool: WorkerPool
  ) {
    // Rows fall into as many stretches as there are threads, and each stretch sums up the gain's
    // gradient apart: the sum has one order.
    let stretches = pool.threadCount
    pool.run(count: stretches) { stretch, _ in
      let sums = unsafe gain.parameter == nil ? nil : partial.start + stretch * width
      unsafe sums?.update(repeating: 0, count: width)
      for row in rows * stretch / stretches..<rows * (stretch + 1) / stretches {
        unsafe loxeval_rms_norm_backward(
          x.start + row * width, gain.value.start, dy.start + row * width, width, epsilon,
          dx.start + row * width, sums)
      }
    }
    guard let gradient = gain.parameter?.gradient else { return }
    for stretch in 0..<stretches {
      unsafe loxeval_add_scaled(partial.start + stretch * width, 1, width, gradient.start)
    }
  }
}
