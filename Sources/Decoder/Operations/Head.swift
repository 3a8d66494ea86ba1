import CKernels
import LinearAlgebra

/// The output head: logits = cap · tanh(scale · W x / cap), or scale · W x without a cap, and in training
/// the log-probabilities of labels.
///
/// - `Table`: `ServedLinear` or `TrainableWeight`, vocabulary × width; a tied model's is that of its
///   embedding.
struct Head<Table> {
  let table: Table
  var scale: Float = 1
  var cap: Float?
}

extension Head<ServedLinear> {
  /// For serving.
  ///
  /// - Parameters:
  ///   - input: rows × width.
  ///   - logits: rows × vocabulary, overwritten.
  func serve(
    _ input: FloatBuffer, _ rows: [ForwardPass.Row], into logits: FloatBuffer,
    _ workspace: ServedLinear.Workspace
  ) {
    ServedLinear.serve(input, rows, [(table, logits)], workspace)
    let size = table.weight.outputs
    workspace.pool.run(count: isPlain ? 0 : rows.count) { row, _ in
      unsafe shape(logits.start + row * size, size)
    }
  }
}

extension Head<TrainableWeight> {
  /// For training: the logits, and log softmax(logits)[token] of each row.
  ///
  /// Where weights are given, the logits are replaced by the gradient of −Σ weight · log p with respect to
  /// W x.
  ///
  /// - Parameters:
  ///   - input: rows × width.
  ///   - tokens: each row's label.
  ///   - weights: one for each row, or nil, which leaves nothing of use in `logits`.
  ///   - logits: rows × vocabulary.
  ///   - logProbabilities: one for each row.
  ///   - block: scratch for blocks of a frozen weight.
  func forward(
    _ input: FloatBuffer, tokens: [Int], weights: [Float]?, logits: FloatBuffer,
    logProbabilities: UnsafeMutablePointer<Float>, _ products: MatrixProducts, block: FloatBuffer
  ) {
    let size = table.outputs
    unsafe table.multiply(
      input.start, rows: tokens.count, into: logits.start, accumulates: false, products,
      scratch: block)
    // The slope of the cap is that at the capped logits, which the gradient replaces.
    let pool = products.pool
    let copies = (0..<(cap == nil ? 0 : pool.threadCount)).map { _ in FloatBuffer(count: size) }
    pool.run(count: tokens.count) { row, worker in
      let values = unsafe logits.start + row * size
      if !isPlain { unsafe shape(values, size) }
      if cap != nil { unsafe copies[worker].start.update(from: values, count: size) }
      unsafe logProbabilities[row] = loxeval_cross_entropy(
        values, size, tokens[row], weights?[row] ?? 0)
      if let cap {
        unsafe loxeval_soft_cap_backward(copies[worker].start, size, scale, cap, values)
      } else if !isPlain {
        unsafe shape(values, size)
      }
    }
  }

  /// The gradient with respect to the input; a trained table's is added up.
  ///
  /// - Parameters:
  ///   - logits: rows × vocabulary, their gradient as `forward` left it.
  ///   - dInput: rows × width, overwritten.
  func backward(
    _ logits: FloatBuffer, input: FloatBuffer, rows: Int, into dInput: FloatBuffer,
    _ products: MatrixProducts, block: FloatBuffer
  ) {
    unsafe table.multiplyBackward(
      logits.start, x: input.start, rows: rows, into: dInput.start, accumulates: false, products,
      scratch: block)
  }
}

extension Head {
  private var isPlain: Bool { scale == 1 && cap == nil }

  /// Scales and caps one row of W x.
  private func shape(_ row: UnsafeMutablePointer<Float>, _ count: Int) {
    if let cap {
      unsafe loxeval_soft_cap(row, count, scale, cap)
    } else {
      for index in 0..<count { unsafe row[index] *= scale }
    }
  }
}
