import CKernels
import LinearAlgebra

/// Computes the decoder for batches of positions: prompts being read and replies being continued,
/// of any number of sequences and variants, side by side.
///
/// Each row's result depends on its own sequence, token and scales alone, bit for bit, whatever
/// else is in the batch. Owned by one thread.
final class ForwardPass {
  /// One position to be computed.
  struct Row {
    let token: Int
    let position: Int
    let cache: KeyValueCache
    /// One for each loaded update.
    let scales: [Float]
    let wantsLogits: Bool
  }

  /// A linear layer with the updates that change it.
  private struct ServedProjection {
    let weight: Weight
    let bias: FloatBuffer?
    let factors: [ServedUpdates.Factors]

    init(_ projection: Projection, _ updates: ServedUpdates) {
      self.init(weight: projection.weight, bias: projection.bias, updates)
    }

    init(weight: Weight, bias: [Float]? = nil, _ updates: ServedUpdates) {
      self.weight = weight
      self.bias = bias.map { FloatBuffer($0) }
      factors = updates.factors(of: weight)
    }
  }

  private struct ServedLayer {
    let inputNorm: FloatBuffer
    let query, key, value, output: ServedProjection
    let postAttentionNorm: FloatBuffer
    let gate, up, down: ServedProjection
  }

  /// The largest batch, in rows.
  let maximumRows: Int
  private let model: LlamaModel
  private let pool: WorkerPool
  private let embedding, head: ServedProjection
  private let layers: [ServedLayer]
  private let finalNorm: FloatBuffer
  private var rotary: RotaryTable
  /// No two rows of the batch belong to one sequence.
  private var isOneRowEach = false
  private var active: [Bool]

  // Activations, each maximumRows × width.
  private let hidden, normed, queries, keys, values, attended, gates, ups: FloatBuffer
  private let lowRank: FloatBuffer
  private var logits = FloatBuffer(count: 0)
  // For each worker.
  private let widened: [FloatBuffer]
  private var scores: [FloatBuffer]

  init(model: LlamaModel, updates: ServedUpdates, pool: WorkerPool, maximumRows: Int) {
    self.model = model
    self.pool = pool
    self.maximumRows = maximumRows
    let configuration = model.configuration
    embedding = ServedProjection(weight: model.embedding, updates)
    head = ServedProjection(weight: model.head, updates)
    layers = model.layers.map { layer in
      ServedLayer(
        inputNorm: FloatBuffer(layer.inputNorm),
        query: ServedProjection(layer.query, updates), key: ServedProjection(layer.key, updates),
        value: ServedProjection(layer.value, updates),
        output: ServedProjection(layer.output, updates),
        postAttentionNorm: FloatBuffer(layer.postAttentionNorm),
        gate: ServedProjection(layer.gate, updates), up: ServedProjection(layer.up, updates),
        down: ServedProjection(layer.down, updates))
    }
    finalNorm = FloatBuffer(model.finalNorm)
    rotary = RotaryTable(configuration)
    active = [Bool](repeating: false, count: updates.count)

    let queryWidth = configuration.headCount * configuration.headDimension
    let keyWidth = configuration.keyValueHeadCount * configuration.headDimension
    func activations(_ width: Int) -> FloatBuffer { FloatBuffer(count: maximumRows * width) }
    hidden = activations(configuration.hiddenSize)
    normed = activations(configuration.hiddenSize)
    queries = activations(queryWidth)
    keys = activations(keyWidth)
    values = activations(keyWidth)
    attended = activations(queryWidth)
    gates = activations(configuration.intermediateSize)
    ups = activations(configuration.intermediateSize)
    let ranks =
      (layers.flatMap {
        [[$0.query, $0.key, $0.value], [$0.output], [$0.gate, $0.up], [$0.down]]
      }
      + [[embedding], [head]]).map { $0.flatMap(\.factors).reduce(0) { $0 + $1.rank } }
    lowRank = activations(ranks.max() ?? 0)
    let widest = max(
      configuration.hiddenSize, configuration.intermediateSize, queryWidth, ranks.max() ?? 0)
    widened = (0..<pool.threadCount).map { _ in
      FloatBuffer(count: loxeval_project_scratch(widest))
    }
    scores = (0..<pool.threadCount).map { _ in FloatBuffer(count: 0) }
  }

  /// Computes the rows and leaves their keys and values in their caches.
  ///
  /// Rows of one sequence stand in the order of their positions, and all earlier positions are in
  /// its cache or earlier in the batch.
  ///
  /// - Returns: the logits of the rows that want them, in order, each `vocabularySize` floats;
  ///   valid until the next call.
  func run(_ rows: [Row]) -> UnsafePointer<Float> {
    precondition(rows.count <= maximumRows)
    prepare(rows)
    embed(rows)
    for (index, layer) in layers.enumerated() {
      attention(layer, index, rows)
      feedForward(layer, rows)
    }
    return unsafe computeLogits(rows)
  }

  private func prepare(_ rows: [Row]) {
    for update in active.indices { active[update] = rows.contains { $0.scales[update] != 0 } }
    isOneRowEach = Set(rows.map { ObjectIdentifier($0.cache) }).count == rows.count
    let positions = 1 + (rows.map(\.position).max() ?? 0)
    rotary.extend(to: positions)
    let group = Int(LOXEVAL_POSITION_GROUP)
    if scores.contains(where: { $0.count < positions + group }) {
      scores = scores.map { _ in FloatBuffer(count: 2 * positions + group) }
    }
    let wanted = rows.count(where: \.wantsLogits) * model.configuration.vocabularySize
    if logits.count < wanted { logits = FloatBuffer(count: wanted) }
  }

  private func embed(_ rows: [Row]) {
    let width = model.configuration.hiddenSize
    let weight = embedding.weight
    for (index, row) in rows.enumerated() {
      let target = unsafe hidden.start + index * width
      unsafe loxeval_widen(
        weight.bytes + row.token * weight.bytesPerRow, weight.elementType, width, target)
      for factors in embedding.factors where row.scales[factors.update] != 0 {
        for rank in 0..<factors.rank {
          unsafe lowRank.start[rank] =
            row.scales[factors.update]
            * factors.left.element(
              output: row.token, rank: rank, outputs: weight.outputs, ranks: factors.rank)
        }
        unsafe loxeval_add_low_rank(
          lowRank.start, factors.rank, factors.right.start, width, 0, width, target)
      }
    }
  }

  private func attention(_ layer: ServedLayer, _ layerIndex: Int, _ rows: [Row]) {
    let configuration = model.configuration
    let dimension = configuration.headDimension
    let keyHeads = configuration.keyValueHeadCount
    let group = configuration.headCount / keyHeads
    let (queryWidth, keyWidth) = (configuration.headCount * dimension, keyHeads * dimension)

    normalise(hidden, layer.inputNorm, rows.count)
    project(normed, rows, [(layer.query, queries), (layer.key, keys), (layer.value, values)])

    // Rotates a row's queries and keys and puts its keys and values in its cache.
    func place(_ index: Int) {
      let row = rows[index]
      let angles = row.position * (dimension / 2)
      let (cosines, sines) = unsafe (rotary.cosines.start + angles, rotary.sines.start + angles)
      for head in 0..<configuration.headCount {
        unsafe loxeval_rotate(
          queries.start + index * queryWidth + head * dimension, cosines, sines, dimension)
      }
      for head in 0..<keyHeads {
        let key = unsafe keys.start + index * keyWidth + head * dimension
        unsafe loxeval_rotate(key, cosines, sines, dimension)
        let cachedKeys = unsafe row.cache.keys(layer: layerIndex, head: head)
        for d in 0..<dimension {
          unsafe cachedKeys[d * row.cache.capacity + row.position] = key[d]
        }
        unsafe (row.cache.values(layer: layerIndex, head: head) + row.position * dimension)
          .update(from: values.start + index * keyWidth + head * dimension, count: dimension)
      }
    }
    let scale = 1 / Float(dimension).squareRoot()
    func attend(_ index: Int, _ keyHead: Int, _ worker: Int) {
      let row = rows[index]
      let cachedKeys = unsafe row.cache.keys(layer: layerIndex, head: keyHead)
      let cachedValues = unsafe row.cache.values(layer: layerIndex, head: keyHead)
      for head in keyHead * group..<(keyHead + 1) * group {
        let offset = index * queryWidth + head * dimension
        unsafe loxeval_attend(
          queries.start + offset, cachedKeys, row.cache.capacity, cachedValues, row.position + 1,
          dimension, scale, scores[worker].start, attended.start + offset)
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
    project(attended, rows, [(layer.output, hidden)], accumulate: true)
  }

  private func feedForward(_ layer: ServedLayer, _ rows: [Row]) {
    let width = model.configuration.intermediateSize
    normalise(hidden, layer.postAttentionNorm, rows.count)
    project(normed, rows, [(layer.gate, gates), (layer.up, ups)]) { begin, end in
      for index in rows.indices {
        let offset = index * width + begin
        unsafe loxeval_silu_multiply(
          self.gates.start + offset, self.ups.start + offset, end - begin)
      }
    }
    project(gates, rows, [(layer.down, hidden)], accumulate: true)
  }

  private func computeLogits(_ rows: [Row]) -> UnsafePointer<Float> {
    let width = model.configuration.hiddenSize
    let wanted = rows.indices.filter { rows[$0].wantsLogits }
    for (target, source) in wanted.enumerated() where target != source {
      unsafe (hidden.start + target * width).update(
        from: hidden.start + source * width, count: width)
    }
    if !wanted.isEmpty {
      normalise(hidden, finalNorm, wanted.count)
      project(normed, wanted.map { rows[$0] }, [(head, logits)])
    }
    return unsafe UnsafePointer(logits.start)
  }

  private func normalise(_ source: FloatBuffer, _ gain: FloatBuffer, _ rows: Int) {
    let width = model.configuration.hiddenSize
    let epsilon = model.configuration.normEpsilon
    for row in 0..<rows {
      unsafe loxeval_rms_norm(
        source.start + row * width, gain.start, width, epsilon, normed.start + row * width)
    }
  }

  /// Multiplies the rows of `input` by each target's weight, with bias and updates.
  ///
  /// - Parameter combine: called for each range of outputs once all targets, then of equal width,
  ///   have theirs.
  private func project(
    _ input: FloatBuffer, _ rows: [Row],
    _ targets: [(projection: ServedProjection, output: FloatBuffer)],
    accumulate: Bool = false, combine: ((_ begin: Int, _ end: Int) -> Void)? = nil
  ) {
    /// An update in use, with where its rank-wide intermediate rows begin.
    struct Use {
      let target: Int
      let factors: ServedUpdates.Factors
      let offset: Int
    }
    let inputs = targets[0].projection.weight.inputs
    var uses: [Use] = []
    var offset = 0
    for target in targets.indices {
      for factors in targets[target].projection.factors where active[factors.update] {
        uses.append(Use(target: target, factors: factors, offset: offset))
        offset += rows.count * factors.rank
      }
    }
    // First halves: scale * right * x, rank floats a row.
    pool.run(count: uses.count) { piece, worker in
      let use = uses[piece]
      let rank = use.factors.rank
      let intermediate = unsafe lowRank.start + use.offset
      unsafe loxeval_project(
        input.start, inputs, rows.count, use.factors.right.start, Int32(LOXEVAL_FLOAT32), inputs,
        0, rank, intermediate, rank, 0, widened[worker].start)
      for (index, row) in rows.enumerated() {
        for r in 0..<rank {
          unsafe intermediate[index * rank + r] *= row.scales[use.factors.update]
        }
      }
    }
    // The products, cut into chunks of outputs; each chunk adds its bias and second halves.
    func multiply(_ target: Int, _ begin: Int, _ end: Int, _ worker: Int) {
      let projection = targets[target].projection
      let output = unsafe targets[target].output.start
      let weight = projection.weight
      unsafe loxeval_project(
        input.start, inputs, rows.count, weight.bytes, weight.elementType, inputs, begin, end,
        output, weight.outputs, accumulate ? 1 : 0, widened[worker].start)
      if let bias = projection.bias {
        for index in rows.indices {
          let row = unsafe output + index * weight.outputs
          for n in begin..<end { unsafe row[n] += bias.start[n] }
        }
      }
      for use in uses where use.target == target {
        let rank = use.factors.rank
        let intermediate = unsafe lowRank.start + use.offset
        switch use.factors.left {
        case .narrow(let left):
          for (index, row) in rows.enumerated() where row.scales[use.factors.update] != 0 {
            unsafe loxeval_add_low_rank(
              intermediate + index * rank, rank, left.start, weight.outputs, begin, end,
              output + index * weight.outputs)
          }
        case .wide(let left):
          // Rows that do not use it have zeros in between, and so add nothing.
          unsafe loxeval_project(
            intermediate, rank, rows.count, left.start, Int32(LOXEVAL_FLOAT32), rank, begin, end,
            output, weight.outputs, 1, widened[worker].start)
        }
      }
    }
    var chunks: [(targets: Range<Int>, begin: Int, end: Int)] = []
    for target in combine == nil ? targets.indices : 0..<1 {
      let outputs = targets[target].projection.weight.outputs
      let size = Self.chunkSize(outputs: outputs, threads: pool.threadCount)
      for begin in stride(from: 0, to: outputs, by: size) {
        chunks.append(
          (
            combine == nil ? target..<target + 1 : targets.indices, begin,
            min(begin + size, outputs)
          ))
      }
    }
    pool.run(count: chunks.count) { piece, worker in
      let chunk = chunks[piece]
      for target in chunk.targets { multiply(target, chunk.begin, chunk.end, worker) }
      combine?(chunk.begin, chunk.end)
    }
  }

  /// Chunks are multiples of the kernels' block of 48 outputs: small enough to balance between
  /// threads, and not more than about sixteen for each.
  private static func chunkSize(outputs: Int, threads: Int) -> Int {
    let block = 48
    let share = outputs / (16 * threads)
    return max(block, (share + block - 1) / block * block)
  }
}
