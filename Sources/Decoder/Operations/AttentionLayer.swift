import LinearAlgebra

/// Attention with its projections: output(attention(rotate(norm(query(x))), rotate(norm(key(x))), value(x))),
/// norms and rotation where the shape has them.
///
/// - `Linear`: `ServedLinear` or `TrainableLinear`.
struct AttentionLayer<Linear> {
  /// Queries, keys and values.
  let projections: Projections<Linear>
  let output: Linear
  /// Of each head, or of all heads together: as wide as the vectors that are normed.
  let queryNorm, keyNorm: RMSNorm?
  let rotary: Rotary?
  let attention: Attention

  init(
    _ shape: AttentionShape, rotary: RotaryTables, linear: (LinearShape) -> Linear,
    norm: (NormShape) -> RMSNorm
  ) {
    projections = Projections(shape.projections, linear: linear)
    output = linear(shape.output)
    let norms = shape.norms.map(norm)
    (queryNorm, keyNorm) = (norms.first, norms.last)
    self.rotary = rotary.table(shape.rotary)
    attention = Attention(shape)
  }

  /// In the order of a forward pass.
  var linearLayers: [Linear] { projections.layers + [output] }
}

extension AttentionLayer<ServedLinear> {
  /// The largest ranks of updates of layers that are computed together.
  var rank: Int { max(projections.rank, output.rank) }

  /// For serving.
  ///
  /// - Parameters:
  ///   - x: rows × hidden.
  ///   - stream: rows × hidden.
  ///   - block: number of the block, which chooses its part of the caches.
  func serve(_ x: FloatBuffer, addingTo stream: FloatBuffer, block: Int, _ step: ServingStep) {
    let queries = step.scratch.buffer(.queries, width: attention.queryWidth)
    let keys = step.scratch.buffer(.keys, width: attention.keyWidth)
    let values = step.scratch.buffer(.values, width: attention.keyWidth)
    let attended = step.scratch.buffer(.attended, width: attention.queryWidth)
    projections.serve(x, step.rows, into: [queries, keys, values], step)
    let count = step.rows.count
    if let queryNorm {
      queryNorm.serve(
        queries, rows: count * (attention.queryWidth / queryNorm.width), into: queries)
    }
    if let keyNorm {
      keyNorm.serve(keys, rows: count * (attention.keyWidth / keyNorm.width), into: keys)
    }
    attention.serve(
      step.rows, block: block, isOneRowEach: step.isOneRowEach, rotary: rotary, queries: queries,
      keys: keys, values: values, output: attended, scores: step.scores, step.workspace.pool)
    ServedLinear.serve(
      attended, step.rows, [(output, stream)], accumulates: true, step.workspace)
  }
}

extension AttentionLayer<TrainableLinear> {
  /// What the backward pass needs, each rows × heads · dimension; queries and keys after rotation.
  struct Kept {
    let queries, keys, values, attended: FloatBuffer
    /// Queries and keys before their norms, where there are any.
    let rawQueries, rawKeys: FloatBuffer?
  }

  func makeKept(rows: Int) -> Kept {
    let (queryCount, keyCount) = (rows * attention.queryWidth, rows * attention.keyWidth)
    return Kept(
      queries: FloatBuffer(count: queryCount), keys: FloatBuffer(count: keyCount),
      values: FloatBuffer(count: keyCount), attended: FloatBuffer(count: queryCount),
      rawQueries: queryNorm.map { _ in FloatBuffer(count: queryCount) },
      rawKeys: keyNorm.map { _ in FloatBuffer(count: keyCount) })
  }

  /// For training.
  func forward(
    _ x: FloatBuffer, addingTo stream: FloatBuffer, _ kept: Kept, _ step: TrainingStep
  ) {
    let (batch, workspace, pool) = (step.batch, step.workspace, step.pool)
    let rows = batch.rows
    projections.forward(
      x, rows: rows,
      into: [kept.rawQueries ?? kept.queries, kept.rawKeys ?? kept.keys, kept.values], step)
    for (norm, raw, normed, width) in [
      (queryNorm, kept.rawQueries, kept.queries, attention.queryWidth),
      (keyNorm, kept.rawKeys, kept.keys, attention.keyWidth),
    ] {
      guard let norm, let raw else { continue }
      norm.forward(raw, rows: rows * (width / norm.width), into: normed, pool)
    }
    let dimension = attention.dimension
    rotary?.forward(
      kept.queries, heads: attention.headCount, headDimension: dimension, batch, pool)
    rotary?.forward(
      kept.keys, heads: attention.keyValueHeadCount, headDimension: dimension, batch, pool)
    attention.forward(
      batch, queries: kept.queries, keys: kept.keys, values: kept.values, output: kept.attended,
      scratch: step.scores, pool)
    output.forward(kept.attended, rows: rows, into: stream, accumulates: true, workspace)
  }

  /// - Parameters:
  ///   - gradient: rows × hidden, with respect to what was added to the stream.
  ///   - dx: rows × hidden, overwritten.
  func backward(
    _ gradient: FloatBuffer, x: FloatBuffer, into dx: FloatBuffer, _ kept: Kept,
    _ step: TrainingStep
  ) {
    let (batch, workspace, pool) = (step.batch, step.workspace, step.pool)
    let rows = batch.rows
    let attendedGradient = step.scratch.buffer(.attendedGradient, width: attention.queryWidth)
    let queryGradient = step.scratch.buffer(.queryGradient, width: attention.queryWidth)
    let keyGradient = step.scratch.buffer(.keyGradient, width: attention.keyWidth)
    let valueGradient = step.scratch.buffer(.valueGradient, width: attention.keyWidth)
    output.backward(gradient, x: kept.attended, rows: rows, into: attendedGradient, workspace)
    attention.backward(
      batch, queries: kept.queries, keys: kept.keys, values: kept.values, output: kept.attended,
      outputGradient: attendedGradient, queryGradient: queryGradient, keyGradient: keyGradient,
      valueGradient: valueGradient, scratch: step.scores, pool)
    let dimension = attention.dimension
    rotary?.backward(
      queryGradient, heads: attention.headCount, headDimension: dimension, batch, pool)
    rotary?.backward(
      keyGradient, heads: attention.keyValueHeadCount, headDimension: dimension, batch, pool)
    projections.backward(x: x, rows: rows, into: dx, step) { part in
      switch part {
      case 0: gradientBeforeNorm(queryNorm, queryGradient, x: kept.rawQueries, step)
      case 1: gradientBeforeNorm(keyNorm, keyGradient, x: kept.rawKeys, step)
      default: valueGradient
      }
    }
  }

  /// The gradient with respect to what a norm read, given that with respect to what it gave; the same
  /// where there is no norm.
  private func gradientBeforeNorm(
    _ norm: RMSNorm?, _ gradient: FloatBuffer, x: FloatBuffer?, _ step: TrainingStep
  ) -> FloatBuffer {
    guard let norm, let x else { return gradient }
    let before = step.scratch.buffer(.projectionGradient, width: attention.queryWidth)
    let count = x.count / step.scratch.rows * step.batch.rows
    unsafe before.start.update(repeating: 0, count: count)
    norm.backward(
      gradient, x: x, rows: count / norm.width, into: before, partial: step.gainSums, step.pool)
    return before
  }
}
