import CKernels
import LinearAlgebra

/// Causal attention over packed sequences, forward and backward, with grouped key and value heads.
///
/// Nothing but queries, keys, values and outputs is kept for the backward pass: the weights
/// softmax(scale · Q Kᵀ) are computed again, a block of queries at a time.
struct TrainableAttention {
  let headCount: Int
  let keyValueHeadCount: Int
  let dimension: Int
  let pool: WorkerPool

  /// Queries at a time.
  private static let block = 128

  private var group: Int { headCount / keyValueHeadCount }
  private var queryWidth: Int { headCount * dimension }
  private var keyWidth: Int { keyValueHeadCount * dimension }
  private var scale: Float { 1 / Float(dimension).squareRoot() }

  /// Floats of scratch that each thread needs for sequences of so many positions.
  static func scratchCount(positions: Int) -> Int { 2 * block * positions }

  /// Calls `body` for each sequence and key head, shared among the threads.
  private func forEachHead(
    _ batch: PackedBatch,
    _ body: (_ sequence: PackedBatch.Sequence, _ keyHead: Int, _ worker: Int) -> Void
  ) {
    pool.run(count: batch.sequences.count * keyValueHeadCount) { piece, worker in
      body(batch.sequences[piece / keyValueHeadCount], piece % keyValueHeadCount, worker)
    }
  }

  /// The attention weights of queries `begin ..< end` of one head, rows of `end` floats.
  private func shares(
    _ begin: Int, _ end: Int, query: UnsafePointer<Float>, key: UnsafePointer<Float>,
    into scores: UnsafeMutablePointer<Float>
  ) {
    unsafe BLAS.multiply(
      rows: end - begin, columns: end, inner: dimension,
      MatrixView(query + begin * queryWidth, stride: queryWidth),
      MatrixView(key, stride: keyWidth, isTransposed: true), into: scores, stride: end)
    for row in begin..<end {
      unsafe loxeval_softmax(scores + (row - begin) * end, row + 1, end, scale)
    }
  }

  /// output = softmax(scale · Q Kᵀ) V; all are rows × heads · dimension.
  func forward(
    _ batch: PackedBatch, queries: FloatBuffer, keys: FloatBuffer, values: FloatBuffer,
    output: FloatBuffer, scratch: [FloatBuffer]
  ) {
    forEachHead(batch) { sequence, keyHead, worker in
      let keyOffset = sequence.start * keyWidth + keyHead * dimension
      for head in keyHead * group..<(keyHead + 1) * group {
        let offset = sequence.start * queryWidth + head * dimension
        for begin in stride(from: 0, to: sequence.count, by: Self.block) {
          let end = min(sequence.count, begin + Self.block)
          let scores = unsafe scratch[worker].start
          unsafe shares(
            begin, end, query: queries.start + offset, key: keys.start + keyOffset, into: scores)
          unsafe BLAS.multiply(
            rows: end - begin, columns: dimension, inner: end, MatrixView(scores, stride: end),
            MatrixView(values.start + keyOffset, stride: keyWidth),
            into: output.start + offset + begin * queryWidth, stride: queryWidth)
        }
      }
    }
  }

  /// With P the weights and dO the output's gradient: dV = Pᵀ dO, dP = dO Vᵀ,
  /// dS = scale · P ∘ (dP − rowsum(dO ∘ O)), dQ = dS K, dK = dSᵀ Q.
  ///
  /// - Parameters:
  ///   - queryGradient, keyGradient, valueGradient: overwritten.
  func backward(
    _ batch: PackedBatch, queries: FloatBuffer, keys: FloatBuffer, values: FloatBuffer,
    output: FloatBuffer, outputGradient: FloatBuffer, queryGradient: FloatBuffer,
    keyGradient: FloatBuffer, valueGradient: FloatBuffer, scratch: [FloatBuffer]
  ) {
    forEachHead(batch) { sequence, keyHead, worker in
      let keyOffset = sequence.start * keyWidth + keyHead * dimension
      for row in 0..<sequence.count {
        for gradient in [keyGradient, valueGradient] {
          unsafe (gradient.start + keyOffset + row * keyWidth)
            .update(repeating: 0, count: dimension)
        }
      }
      for head in keyHead * group..<(keyHead + 1) * group {
        let offset = sequence.start * queryWidth + head * dimension
        for begin in stride(from: 0, to: sequence.count, by: Self.block) {
          let end = min(sequence.count, begin + Self.block)
          let count = end - begin
          let first = offset + begin * queryWidth
          let weights = unsafe scratch[worker].start
          let gradients = unsafe weights + Self.block * end
          unsafe shares(
            begin, end, query: queries.start + offset, key: keys.start + keyOffset, into: weights)
          let outputRows = unsafe MatrixView(outputGradient.start + first, stride: queryWidth)
          unsafe BLAS.multiply(
            rows: end, columns: dimension, inner: count,
            MatrixView(weights, stride: end, isTransposed: true), outputRows,
            into: valueGradient.start + keyOffset, stride: keyWidth, accumulates: true)
          unsafe BLAS.multiply(
            rows: count, columns: end, inner: dimension, outputRows,
            MatrixView(values.start + keyOffset, stride: keyWidth, isTransposed: true),
            into: gradients, stride: end)
          for row in 0..<count {
            let along = unsafe loxeval_dot(
              outputGradient.start + first + row * queryWidth,
              output.start + first + row * queryWidth, dimension)
            unsafe loxeval_softmax_backward(
              weights + row * end, gradients + row * end, end, along, scale)
          }
          unsafe BLAS.multiply(
            rows: count, columns: dimension, inner: end, MatrixView(gradients, stride: end),
            MatrixView(keys.start + keyOffset, stride: keyWidth),
            into: queryGradient.start + first, stride: queryWidth)
          unsafe BLAS.multiply(
            rows: end, columns: dimension, inner: count,
            MatrixView(gradients, stride: end, isTransposed: true),
            MatrixView(queries.start + first, stride: queryWidth),
            into: keyGradient.start + keyOffset, stride: keyWidth, accumulates: true)
        }
      }
    }
  }
}
