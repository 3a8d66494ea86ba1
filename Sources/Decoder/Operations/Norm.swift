import CKernels
import LinearAlgebra

/// RMSNorm: y = x / √(mean(x²) + ε) · gain, each row by itself. Inputs may be overwritten by outputs.
struct RMSNorm {
  /// The stored vector, as wide as a row.
  let gain: TrainableVector
  let epsilon: Float
  /// What rows are multiplied by: the stored vector itself, or 1 + it in a buffer of its own.
  private let factors: FloatBuffer
  private let addsOne: Bool

  init(gain: TrainableVector, epsilon: Float, addsOne: Bool = false) {
    self.gain = gain
    self.epsilon = epsilon
    self.addsOne = addsOne
    factors = addsOne ? FloatBuffer(count: gain.value.count) : gain.value
    addOne()
  }

  init(_ shape: NormShape, gain: TrainableVector) {
    self.init(gain: gain, epsilon: shape.epsilon, addsOne: shape.gain == .onePlusStored)
  }

  var width: Int { gain.value.count }

  private func addOne() {
    guard addsOne else { return }
    for index in 0..<width { unsafe factors.start[index] = 1 + gain.value.start[index] }
  }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × width.
  ///   - y: rows × width, overwritten.
  func serve(_ x: FloatBuffer, rows: Int, into y: FloatBuffer) {
    for row in 0..<rows {
      unsafe loxeval_rms_norm(
        x.start + row * width, factors.start, width, epsilon, y.start + row * width)
    }
  }

  /// For training: as `serve`, shared among threads.
  func forward(_ x: FloatBuffer, rows: Int, into y: FloatBuffer, _ pool: WorkerPool) {
    // A training changes the stored vector between passes.
    if gain.parameter != nil { addOne() }
    pool.run(count: rows) { row, _ in
      unsafe loxeval_rms_norm(
        x.start + row * width, factors.start, width, epsilon, y.start + row * width)
    }
  }

  /// dx += the gradient with respect to x; the gain's gradient is added up where it is trained.
  ///
  /// - Parameters:
  ///   - dy: rows × width, the gradient with respect to y.
  ///   - partial: width floats for each thread of the pool, where the gain is trained.
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
          x.start + row * width, factors.start, dy.start + row * width, width, epsilon,
          dx.start + row * width, sums)
      }
    }
    guard let gradient = gain.parameter?.gradient else { return }
    for stretch in 0..<stretches {
      unsafe loxeval_add_scaled(partial.start + stretch * width, 1, width, gradient.start)
    }
  }
}
