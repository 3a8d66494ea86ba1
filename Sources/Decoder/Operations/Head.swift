import CKernels
import LinearAlgebra

/// The output head: logits = W x, and in training the log-probabilities of labels.
///
/// - `Table`: `ServedLinear` or `TrainableWeight`, vocabulary × width; a tied model's is that of its
///   embedding.
struct Head<Table> {
  let table: Table
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
  }
}

extension Head<TrainableWeight> {
  /// For training: the logits, and log softmax(logits)[token] of each row.
  ///
  /// Where weights are given, the logits are replaced by their gradient of −Σ weight · log p.
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
    logProbabilities: UnsafeMutablePointer<Float>, _ pool: WorkerPool, block: FloatBuffer
  ) {
    let size = table.outputs
    unsafe table.multiply(
      input.start, rows: tokens.count, into: logits.start, accumulates: false, pool,
      scratch: block)
    pool.run(count: tokens.count) { row, _ in
      unsafe logProbabilities[row] = loxeval_cross_entropy(
        logits.start + row * size, size, tokens[row], weights?[row] ?? 0)
    }
  }

  /// The gradient with respect to the input; a trained table's is added up.
  ///
  /// - Parameters:
  ///   - logits: rows × vocabulary, their gradient as `forward` left it.
  ///   - dInput: rows × width, overwritten.
  func backward(
    _ logits: FloatBuffer, input: FloatBuffer, rows: Int, into dInput: FloatBuffer,
    _ pool: WorkerPool, block: FloatBuffer
  ) {
    unsafe table.multiplyBackward(
      logits.start, x: input.start, rows: rows, into: dInput.start, accumulates: false, pool,
      scratch: block)
  }
}

extension HeadShape {
  /// What `Head` does not compute.
  var uncomputed: [UncomputedSetting] {
    var found = weight?.uncomputed ?? []
    if scale != 1 { found.append(UncomputedSetting("scale of logits", scale)) }
    if let cap { found.append(UncomputedSetting("cap of logits", cap)) }
    return found
  }
}
