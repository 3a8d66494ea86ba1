import CKernels
import LinearAlgebra

/// The training schedule: the blocks forwards, then backwards.
extension TrainableDecoder {
  /// Computes the final hidden states of a batch into `stream`, keeping what the backward pass
  /// needs.
  ///
  /// - Parameter key: chooses what dropout drops; nil drops nothing.
  func forward(_ batch: PackedBatch, recipe: TrainingRecipe, key: UInt32?) {
    reserve(for: batch, recipe: recipe)
    workspace.key = key
    embedding.forward(batch.tokens, into: stream)
    let step = step(batch)
    let count = batch.rows * shape.hiddenSize
    for (index, block) in blocks.enumerated() {
      if isCheckpointed {
        unsafe activations.inputs[index].start.update(from: stream.start, count: count)
      }
      block.forward(stream, activations[index], step)
    }
  }

  /// Carries the gradient with respect to the final hidden states, in `gradient`, back through the
  /// blocks of the batch that `forward` computed last, adding up every parameter's gradient. With gradient
  /// checkpointing `stream` does not outlive it.
  func backward(_ batch: PackedBatch) {
    let step = step(batch)
    let count = batch.rows * shape.hiddenSize
    for (index, block) in blocks.enumerated().reversed() {
      // What the last block kept is still there.
      if isCheckpointed, index < blocks.count - 1 {
        unsafe stream.start.update(from: activations.inputs[index].start, count: count)
        block.forward(stream, activations[index], step)
      }
      block.backward(gradient, activations[index], step)
    }
    embedding.backward(gradient, batch.tokens)
  }

  private func step(_ batch: PackedBatch) -> TrainingStep {
    TrainingStep(
      batch: batch, scratch: scratch, scores: scores, gainSums: gainSums, workspace: workspace)
  }
}

/// The loss.
extension TrainableDecoder {
  /// Labels whose logits are computed at a time: 48 MiB of them.
  private var labelBlock: Int { max(16, (12 << 20) / shape.vocabularySize) }

  /// The log-probability of each label, and where weights are given, the gradient of
  /// −Σ weight · log p with respect to the final hidden states, left in `gradient`.
  ///
  /// Logits are computed where a label stands and nowhere else.
  ///
  /// - Parameter weights: one for each label; nil computes no gradient.
  func logProbabilities(_ batch: PackedBatch, weights: [Float]?) -> [Float] {
    let width = shape.hiddenSize
    let block = min(labelBlock, max(1, batch.labels.count))
    if labelRows.count < block * width {
      logits = FloatBuffer(count: block * shape.vocabularySize)
      labelRows = FloatBuffer(count: block * width)
      labelNormed = FloatBuffer(count: block * width)
      labelGradient = FloatBuffer(count: block * width)
    }
    if weights != nil { unsafe gradient.start.update(repeating: 0, count: batch.rows * width) }
    let losses = FloatBuffer(count: batch.labels.count)
    for begin in stride(from: 0, to: batch.labels.count, by: block) {
      let places = begin..<min(batch.labels.count, begin + block)
      let labels = batch.labels[places]
      for (row, label) in labels.enumerated() {
        unsafe (labelRows.start + row * width)
          .update(from: stream.start + label.row * width, count: width)
      }
      finalNorm.forward(labelRows, rows: labels.count, into: labelNormed, pool)
      unsafe head.forward(
        labelNormed, tokens: labels.map(\.token), weights: weights.map { Array($0[places]) },
        logits: logits, logProbabilities: losses.start + begin, workspace.products,
        block: workspace.block)
      guard weights != nil else { continue }
      head.backward(
        logits, input: labelNormed, rows: labels.count, into: labelGradient, workspace.products,
        block: workspace.block)
      // The gradient through the final norm goes back to the rows that the labels stand on.
      let through = FloatBuffer(count: labels.count * width)
      finalNorm.backward(
        labelGradient, x: labelRows, rows: labels.count, into: through, partial: gainSums, pool)
      for (row, label) in labels.enumerated() {
        unsafe (gradient.start + label.row * width)
          .update(from: through.start + row * width, count: width)
      }
    }
    return unsafe Array(UnsafeBufferPointer(start: losses.start, count: batch.labels.count))
  }
}
