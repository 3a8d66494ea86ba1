import CKernels
import LinearAlgebra

/// Causal attention with grouped key and value heads: softmax(scale · Q Kᵀ) V.
///
/// Serving attends from single positions to a cache. Training attends within packed sequences, and
/// keeps nothing but queries, keys, values and outputs for the backward pass: the weights
/// softmax(scale · Q Kᵀ) are computed again, a block of queries at a time.
struct Attention {
  let headCount: Int
  let keyValueHeadCount: Int
  let dimension: Int
  let scale: Float

  init(headCount: Int, keyValueHeadCount: Int, dimension: Int, scale: Float) {
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.dimension = dimension
    self.scale = scale
  }

  init(_ shape: AttentionShape) {
    self.init(
      headCount: shape.headCount, keyValueHeadCount: shape.keyValueHeadCount,
      dimension: shape.headDimension, scale: shape.scale)
  }

  /// Queries at a time, in training.
  private static let block = 128

  private var group: Int { headCount / keyValueHeadCount }
  var queryWidth: Int { headCount * dimension }
  var keyWidth: Int { keyValueHeadCount * dimension }

  // MARK: - Serving

  /// Rotates the rows' queries and keys, puts their keys and values in their caches, and attends to
  /// what the caches then hold.
  ///
  /// - Parameters:
  ///   - block: number of the block, which chooses its part of the caches.
  ///   - isOneRowEach: no two rows belong to one sequence.
  ///   - queries, keys, values: rows × heads · dimension; queries and keys are left rotated.
  ///   - output: rows × query heads · dimension, overwritten.
  ///   - scores: of each thread, as many as there are positions and a group of them more.
  func serve(
    _ rows: [ForwardPass.Row], block: Int, isOneRowEach: Bool, rotary: Rotary,
    queries: FloatBuffer, keys: FloatBuffer, values: FloatBuffer, output: FloatBuffer,
    scores: [FloatBuffer], _ pool: WorkerPool
  ) {
    let angles = rotary.angles
    let (headCount, keyHeads, dimension) = (headCount, keyValueHeadCount, dimension)
    let (queryWidth, keyWidth, group) = (queryWidth, keyWidth, group)

    func place(_ index: Int) {
      let row = rows[index]
      unsafe angles.rotate(
        queries.start + index * queryWidth, heads: headCount, position: row.position)
      unsafe angles.rotate(keys.start + index * keyWidth, heads: keyHeads, position: row.position)
      for head in 0..<keyHeads {
        let key = unsafe keys.start + index * keyWidth + head * dimension
        let cachedKeys = unsafe row.cache.keys(block: block, head: head)
        for d in 0..<dimension {
          unsafe cachedKeys[d * row.cache.capacity + row.position] = key[d]
        }
        unsafe (row.cache.values(block: block, head: head) + row.position * dimension)
          .update(from: values.start + index * keyWidth + head * dimension, count: dimension)
      }
    }
    func attend(_ index: Int, _ keyHead: Int, _ worker: Int) {
      let row = rows[index]
      let cachedKeys = unsafe row.cache.keys(block: block, head: keyHead)
      let cachedValues = unsafe row.cache.values(block: block, head: keyHead)
      for head in keyHead * group..<(keyHead + 1) * group {
        let offset = index * queryWidth + head * dimension
        unsafe loxeval_attend(
          queries.start + offset, cachedKeys, row.cache.capacity, cachedValues, row.position + 1,
          dimension, scale, scores[worker].start, output.start + offset)
      }
    }
    if isOneRowEach && rows.count >= 2 * pool.threadCount {
      pool.run(count: rows.count) { index, worker in
        place(index)
        for head in 0..<keyHeads { attend(index, head, worker) }
      }
    } else {
      // A row of a prompt attends to rows before it in this batch: all are placed first.
      pool.run(count: rows.count) { index, _ in place(index) }
      pool.run(count: rows.count * keyHeads) { piece, worker in
        let (index, head) = piece.quotientAndRemainder(dividingBy: keyHeads)
        attend(index, head, worker)
      }
    }
  }

  // MARK: - Training

  /// Floats of scratch that each thread needs for sequences of so many positions.
  static func scratchCount(positions: Int) -> Int { 2 * block * positions }

  /// Calls `body` for each sequence and key head, shared among the threads.
  private func forEachHead(
    _ batch: PackedBatch, _ pool: WorkerPool,
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

  /// output = softmax(scale · Q Kᵀ) V; all are rows × heads · dimension, queries and keys rotated.
  func forward(
    _ batch: PackedBatch, queries: FloatBuffer, keys: FloatBuffer, values: FloatBuffer,
    output: FloatBuffer, scratch: [FloatBuffer], _ pool: WorkerPool
  ) {
    forEachHead(batch, pool) { sequence, keyHead, worker in
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
    keyGradient: FloatBuffer, valueGradient: FloatBuffer, scratch: [FloatBuffer], _ pool: WorkerPool
  ) {
    forEachHead(batch, pool) { sequence, keyHead, worker in
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

extension AttentionShape {
  /// What `Attention` and `Rotary` do not compute. A window is no obstacle: sequences are not let
  /// grow beyond it (`DecoderShape.contextLength`).
  var uncomputed: [UncomputedSetting] {
    var found: [UncomputedSetting] = []
    switch queryKeyNorm {
    case .byHead: found.append(UncomputedSetting("norm of queries and keys", "by head"))
    case .whole: found.append(UncomputedSetting("norm of queries and keys", "over all heads"))
    case nil: break
    }
    if let rotary {
      found += rotary.uncomputed(headDimension: headDimension)
    } else {
      found.append(UncomputedSetting("rotary position embedding", "absent"))
    }
    if let cap { found.append(UncomputedSetting("cap of attention scores", cap)) }
    return found
  }
}
