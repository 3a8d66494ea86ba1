import CKernels
import LinearAlgebra

extension TrainableDecoder {
  /// Carries the gradient with respect to the final hidden states, in `gradient`, back through the
  /// blocks of the batch that `forward` computed last, adding up every parameter's gradient.
  func backward(_ batch: PackedBatch) {
    let rows = batch.rows
    let width = configuration.hiddenSize
    for (layer, kept) in zip(layers, activations).reversed() {
      feedForwardBackward(layer, kept, rows: rows)
      attentionBackward(layer, kept, batch)
    }
    guard case .trained(let parameter) = embedding else { return }
    for (row, token) in batch.tokens.enumerated() {
      unsafe loxeval_add_scaled(
        gradient.start + row * width, 1, width, parameter.gradient.start + token * width)
    }
  }

  /// stream = middle + down(silu(gate(norm(middle))) ∘ up(norm(middle))).
  private func feedForwardBackward(_ layer: Layer, _ kept: Activations, rows: Int) {
    let width = configuration.intermediateSize
    activate(kept, rows: rows)
    layer.down.backward(gradient, x: inner, rows: rows, into: innerGradient, workspace)
    // Gate and up are not needed again: their gradients take their place.
    pool.run(count: rows) { row, _ in
      let offset = row * width
      unsafe loxeval_silu_backward(
        kept.gates.start + offset, kept.ups.start + offset, innerGradient.start + offset, width)
    }
    layer.postAttentionNorm.forward(kept.middle, rows: rows, into: normed, pool)
    layer.gate.backward(kept.gates, x: normed, rows: rows, into: normGradient, workspace)
    layer.up.backward(
      kept.ups, x: normed, rows: rows, into: normGradient, accumulates: true, workspace)
    layer.postAttentionNorm.backward(
      normGradient, x: kept.middle, rows: rows, into: gradient, partial: gainSums, pool)
  }

  /// middle = input + output(attention(query, key, value of norm(input))).
  private func attentionBackward(_ layer: Layer, _ kept: Activations, _ batch: PackedBatch) {
    let rows = batch.rows
    layer.output.backward(
      gradient, x: kept.attended, rows: rows, into: attentionGradient, workspace)
    attention.backward(
      batch, queries: kept.queries, keys: kept.keys, values: kept.values, output: kept.attended,
      outputGradient: attentionGradient, queryGradient: queryGradient, keyGradient: keyGradient,
      valueGradient: valueGradient, scratch: scores)
    rotate(batch, queryGradient, heads: configuration.headCount, sines: backRotation)
    rotate(batch, keyGradient, heads: configuration.keyValueHeadCount, sines: backRotation)
    layer.inputNorm.forward(kept.input, rows: rows, into: normed, pool)
    layer.query.backward(queryGradient, x: normed, rows: rows, into: normGradient, workspace)
    for (projection, dy) in [(layer.key, keyGradient), (layer.value, valueGradient)] {
      projection.backward(
        dy, x: normed, rows: rows, into: normGradient, accumulates: true, workspace)
    }
    layer.inputNorm.backward(
      normGradient, x: kept.input, rows: rows, into: gradient, partial: gainSums, pool)
  }
}
