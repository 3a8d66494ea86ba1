import CKernels
import LinearAlgebra

extension TrainableDecoder {
  /// Computes the final hidden states of a batch into `stream`, keeping what the backward pass
  /// needs.
  ///
  /// - Parameter key: chooses what dropout drops; nil drops nothing.
  func forward(_ batch: PackedBatch, recipe: TrainingRecipe, key: UInt32?) {
    reserve(for: batch, recipe: recipe)
    workspace.key = key
    let rows = batch.rows
    let width = configuration.hiddenSize
    for (row, token) in batch.tokens.enumerated() {
      unsafe embedding.loadRow(token, into: stream.start + row * width)
    }
    for (layer, kept) in zip(layers, activations) {
      copy(stream, into: kept.input, rows * width)
      layer.inputNorm.forward(stream, rows: rows, into: normed, pool)
      layer.query.forward(normed, rows: rows, into: kept.queries, workspace)
      layer.key.forward(normed, rows: rows, into: kept.keys, workspace)
      layer.value.forward(normed, rows: rows, into: kept.values, workspace)
      rotate(batch, kept.queries, heads: configuration.headCount, sines: rotary.sines)
      rotate(batch, kept.keys, heads: configuration.keyValueHeadCount, sines: rotary.sines)
      attention.forward(
        batch, queries: kept.queries, keys: kept.keys, values: kept.values, output: kept.attended,
        scratch: scores)
      layer.output.forward(kept.attended, rows: rows, into: stream, accumulates: true, workspace)

      copy(stream, into: kept.middle, rows * width)
      layer.postAttentionNorm.forward(stream, rows: rows, into: normed, pool)
      layer.gate.forward(normed, rows: rows, into: kept.gates, workspace)
      layer.up.forward(normed, rows: rows, into: kept.ups, workspace)
      activate(kept, rows: rows)
      layer.down.forward(inner, rows: rows, into: stream, accumulates: true, workspace)
    }
  }

  /// inner = silu(gate) ∘ up.
  func activate(_ kept: Activations, rows: Int) {
    let width = configuration.intermediateSize
    pool.run(count: rows) { row, _ in
      let offset = row * width
      unsafe (inner.start + offset).update(from: kept.gates.start + offset, count: width)
      unsafe loxeval_silu_multiply(inner.start + offset, kept.ups.start + offset, width)
    }
  }

  /// Rotates every head of every row by its position; with negated sines, back.
  func rotate(_ batch: PackedBatch, _ vectors: FloatBuffer, heads: Int, sines: FloatBuffer) {
    let dimension = configuration.headDimension
    pool.run(count: batch.rows) { row, _ in
      let angles = batch.positions[row] * (dimension / 2)
      for head in 0..<heads {
        unsafe loxeval_rotate(
          vectors.start + (row * heads + head) * dimension, rotary.cosines.start + angles,
          sines.start + angles, dimension)
      }
    }
  }

  func copy(_ source: FloatBuffer, into target: FloatBuffer, _ count: Int) {
    unsafe target.start.update(from: source.start, count: count)
  }

  /// Labels whose logits are computed at a time: 48 MiB of them.
  private var labelBlock: Int { max(16, (12 << 20) / configuration.vocabularySize) }

  /// The log-probability of each label, and where weights are given, the gradient of
  /// −Σ weight · log p with respect to the final hidden states, left in `gradient`.
  ///
  /// Logits are computed where a label stands and nowhere else.
  ///
  /// - Parameter weights: one for each label; nil computes no gradient.
  func logProbabilities(_ batch: PackedBatch, weights: [Float]?) -> [Float] {
    let width = configuration.hiddenSize
    let size = configuration.vocabularySize
    let block = min(labelBlock, max(1, batch.labels.count))
    if labelRows.count < block * width {
      logits = FloatBuffer(count: block * size)
      labelRows = FloatBuffer(count: block * width)
      labelNormed = FloatBuffer(count: block * width)
      labelGradient = FloatBuffer(count: block * width)
    }
    if weights != nil { unsafe gradient.start.update(repeating: 0, count: batch.rows * width) }
    let losses = FloatBuffer(count: batch.labels.count)
    for begin in stride(from: 0, to: batch.labels.count, by: block) {
      let labels = batch.labels[begin..<min(batch.labels.count, begin + block)]
      for (row, label) in labels.enumerated() {
        unsafe (labelRows.start + row * width)
          .update(from: stream.start + label.row * width, count: width)
      }
      finalNorm.forward(labelRows, rows: labels.count, into: labelNormed, pool)
      unsafe head.multiply(
        labelNormed.start, rows: labels.count, into: logits.start, accumulates: false, pool,
        scratch: workspace.block)
      pool.run(count: labels.count) { row, _ in
        unsafe losses.start[begin + row] = loxeval_cross_entropy(
          logits.start + row * size, size, batch.labels[begin + row].token,
          weights?[begin + row] ?? 0)
      }
      guard weights != nil else { continue }
      unsafe head.multiplyBackward(
        logits.start, x: labelNormed.start, rows: labels.count, into: labelGradient.start,
        accumulates: false, pool, scratch: workspace.block)
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
