import CKernels
import LinearAlgebra

/// Causal attention with grouped key and value heads: softmax(cap(scale · Q Kᵀ)) V over the positions in
/// the window.
///
/// Serving attends from single positions to a cache. Training attends within packed sequences, and
/// keeps nothing but queries, keys, values and outputs for the backward pass: the weights
/// softmax(cap(scale · Q Kᵀ)) are computed again, a block of queries at a time.
struct Attention {
  let headCount: Int
  let keyValueHeadCount: Int
  let dimension: Int
  let scale: Float
  /// A query sees so many positions, its own included; nil sees all before it.
  let window: Int?
  /// Scores become cap · tanh(score / cap).
  let cap: Float?

  init(
    headCount: Int, keyValueHeadCount: Int, dimension: Int, scale: Float, window: Int? = nil,
    cap: Float? = nil
  ) {
    self.headCount = headCount
    self.keyValueHeadCount = keyValueHeadCount
    self.dimension = dimension
    self.scale = scale
    self.window = window
    self.cap = cap
  }

  init(_ shape: AttentionShape) {
    self.init(
      headCount: shape.headCount, keyValueHeadCount: shape.keyValueHeadCount,
      dimension: shape.headDimension, scale: shape.scale, window: shape.window, cap: shape.cap)
  }

  /// Queries at a time, in training.
  private static let block = 128

  private var group: Int { headCount / keyValueHeadCount }
  var queryWidth: Int { headCount * dimension }
  var keyWidth: Int { keyValueHeadCount * dimension }

  /// The first position that a query sees.
  private func first(_ position: Int) -> Int { window.map { max(0, position + 1 - $0) } ?? 0 }

  // MARK: - Serving

  /// Rotates the rows' queries and keys, puts their keys and values in their caches, and attends to
  /// what the caches then hold.
  ///
  /// - Parameters:
  ///   - block: number of the block, which chooses its part of the caches.
  ///   - isOneRowEach: no two rows belong to one sequence.
  ///   - queries, keys, values: rows × heads · dimension; queries and keys are left rotated.
  ///   - output: rows × query heads · dimension, overwritten.
  ///   - scores: of each thread, for each head that shares a key as many as there are positions and a group
  ///     of them more.
  func serve(
    _ rows: [ForwardPass.Row], block: Int, isOneRowEach: Bool, rotary: Rotary?,
    queries: FloatBuffer, keys: FloatBuffer, values: FloatBuffer, output: FloatBuffer,
    scores: [FloatBuffer], _ pool: WorkerPool
  ) {
    let (headCount, keyHeads, dimension) = (headCount, keyValueHeadCount, dimension)
    let (queryWidth, keyWidth, group) = (queryWidth, keyWidth, group)
    let scale = scale
    let cap = cap ?? 0
    let positions = unsafe rows.map { row in
      unsafe Position(
        of: row, first: first(row.position), block: block,
        angles: rotary?.angles(ofLength: row.textLength ?? 0))
    }

    let longest = rows.reduce(0) { max($0, $1.position + 1) } + Int(LOXEVAL_POSITION_GROUP)
    precondition(scores.allSatisfy { $0.count >= group * longest })

    func place(_ index: Int) {
      let row = unsafe positions[index]
      let (rowQueries, rowKeys) = unsafe (
        queries.start + index * queryWidth, keys.start + index * keyWidth
      )
      if let angles = unsafe row.angles {
        unsafe angles.rotate(rowQueries, heads: headCount, headDimension: dimension)
        unsafe angles.rotate(rowKeys, heads: keyHeads, headDimension: dimension)
      }
      for head in 0..<keyHeads {
        let key = unsafe rowKeys + head * dimension
        let cachedKeys = unsafe row.keys(head) + row.position
        for d in 0..<dimension { unsafe cachedKeys[d * row.capacity] = key[d] }
        unsafe (row.values(head) + row.position * dimension)
          .update(from: values.start + index * keyWidth + head * dimension, count: dimension)
      }
    }
    func attend(_ index: Int, _ keyHead: Int, _ worker: Int) {
      let row = unsafe positions[index]
      let offset = index * queryWidth + keyHead * group * dimension
      unsafe loxeval_attend(
        queries.start + offset, group, row.keys(keyHead) + row.first, row.capacity,
        row.values(keyHead) + row.first * dimension, row.position + 1 - row.first, dimension, scale,
        cap, scores[worker].start, scores[worker].count / group, output.start + offset)
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

  /// Where a row's keys and values are: of plain numbers and pointers, since counting references to the same caches
  /// from many threads takes longer than attending.
  @unsafe private struct Position {
    let position, first, capacity: Int
    let angles: Rotary.PlacedAngles?
    private let firstKeys: UnsafeMutablePointer<Float>
    private let firstValues: UnsafeMutablePointer<Float>
    private let stride: Int

    init(of row: ForwardPass.Row, first: Int, block: Int, angles: Rotary.Angles?) {
      unsafe (position, self.first, capacity) = (row.position, first, row.cache.capacity)
      unsafe self.angles = angles?.at(row.position)
      unsafe firstKeys = row.cache.keys(block: block, head: 0)
      unsafe firstValues = row.cache.values(block: block, head: 0)
      unsafe stride = row.cache.headStride(block: block)
    }

    func keys(_ head: Int) -> UnsafeMutablePointer<Float> { unsafe firstKeys + head * stride }
    func values(_ head: Int) -> UnsafeMutablePointer<Float> { unsafe firstValues + head * stride }
  }

  // MARK: - Training

  /// Floats of scratch that each thread needs for sequences of so many positions.
  ///
  /// - Parameter isCapped: whether any attention caps its scores.
  static func scratchCount(positions: Int, isCapped: Bool = false) -> Int {
    (isCapped ? 3 : 2) * block * positions
  }

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
  ///
  /// - Parameter capped: takes the capped scores that the weights come from, where there is a cap.
  private func shares(
    _ begin: Int, _ end: Int, query: UnsafePointer<Float>, key: UnsafePointer<Float>,
    into scores: UnsafeMutablePointer<Float>, capped: UnsafeMutablePointer<Float>? = nil
  ) {
    unsafe BLAS.multiply(
      rows: end - begin, columns: end, inner: dimension,
      MatrixView(query + begin * queryWidth, stride: queryWidth),
      MatrixView(key, stride: keyWidth, isTransposed: true), into: scores, stride: end)
    for row in begin..<end {
      let first = first(row)
      let line = unsafe scores + (row - begin) * end
      unsafe line.update(repeating: 0, count: first)
      if let cap {
        unsafe loxeval_soft_cap(line + first, row + 1 - first, scale, cap)
        unsafe capped.map { unsafe ($0 + (row - begin) * end).update(from: line, count: row + 1) }
      }
      unsafe loxeval_softmax(line + first, row + 1 - first, end - first, cap == nil ? scale : 1)
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
          let capped = unsafe cap == nil ? nil : gradients + Self.block * end
          unsafe shares(
            begin, end, query: queries.start + offset, key: keys.start + keyOffset, into: weights,
            capped: capped)
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
            let line = unsafe gradients + row * end
            unsafe loxeval_softmax_backward(
              weights + row * end, line, end, along, cap == nil ? scale : 1)
            if let cap, let capped = unsafe capped {
              // Beyond the row's own position the weights, and so their gradients, are zero.
              unsafe loxeval_soft_cap_backward(
                capped + row * end, begin + row + 1, scale, cap, line)
            }
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
