import CKernels
import LinearAlgebra

/// The serving schedule: computes the decoder for batches of positions, prompts being read and
/// replies being continued, of any number of sequences and variants, side by side.
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
    /// Of the text that the position is read in: a prompt's whole length, and of what follows it the
    /// length so far. nil reads it in what the batch holds of its sequence.
    var textLength: Int?
  }

  /// The largest batch, in rows.
  let maximumRows: Int
  private let pool: WorkerPool
  private let embedding: Embedding<ServedLinear>
  private let blocks: [Block<ServedLinear>]
  private let finalNorm: RMSNorm
  private let head: Head<ServedLinear>
  private let rotary: RotaryTables
  private let vocabularySize: Int
  private var workspace: ServedLinear.Workspace
  private let scratch: Scratch
  /// The residual stream, maximumRows × hidden.
  private let stream: FloatBuffer
  private var logits = FloatBuffer(count: 0)
  /// Of each thread, attention's.
  private var scores: [FloatBuffer]
  /// The most query heads that share a key head.
  private let headsAtOnce: Int

  init(
    model: DecoderModel, updates: ServedUpdates, pool: WorkerPool, maximumRows: Int,
    arithmetic: Arithmetic = .float32
  ) {
    self.pool = pool
    self.maximumRows = maximumRows
    let shape = model.shape
    let narrowing =
      arithmetic == .bfloat16 && DecoderModel.isNarrowedOnce(byteCount: model.narrowedByteCount)
      ? pool : nil
    func linear(_ layer: LinearShape) -> ServedLinear {
      ServedLinear(layer, model, updates, narrowing: narrowing)
    }
    func norm(_ norm: NormShape) -> RMSNorm {
      RMSNorm(norm, gain: TrainableVector(constant: model.gain(norm)))
    }
    let rotary = RotaryTables(shape)
    self.rotary = rotary
    // Only looked up, in its own element type.
    embedding = Embedding(
      table: ServedLinear(shape.embedding.table, model, updates), scale: shape.embedding.scale)
    blocks = shape.blocks.map {
      Block($0, width: shape.hiddenSize, rotary: rotary, linear: linear, norm: norm)
    }
    finalNorm = norm(shape.finalNorm)
    head = Head(
      table: linear(shape.head.weight ?? shape.embedding.table), scale: shape.head.scale,
      cap: shape.head.cap)
    vocabularySize = shape.vocabularySize

    scratch = Scratch(rows: maximumRows)
    stream = FloatBuffer(count: maximumRows * shape.hiddenSize)
    let rank = (blocks.map(\.rank) + [embedding.table.rank, head.table.rank]).max() ?? 0
    let widest = (shape.matrices.map(\.inputs) + [rank]).max() ?? 0
    workspace = ServedLinear.Workspace(
      pool: pool, lowRank: FloatBuffer(count: maximumRows * rank),
      widened: (0..<pool.threadCount).map { _ in
        FloatBuffer(count: loxeval_project_scratch(widest))
      },
      operand: arithmetic == .bfloat16
        ? FloatBuffer(count: loxeval_bfloat16_operand(maximumRows, widest)) : nil,
      active: [Bool](repeating: false, count: updates.count))
    scores = (0..<pool.threadCount).map { _ in FloatBuffer(count: 0) }
    headsAtOnce =
      shape.blocks.map(\.attention).map { $0.headCount / $0.keyValueHeadCount }.max() ?? 1
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
    let rows = withTextLengths(rows)
    prepare(rows)
    embedding.serve(rows, into: stream, lowRank: workspace.lowRank)
    let step = ServingStep(
      rows: rows,
      isOneRowEach: Set(rows.map { ObjectIdentifier($0.cache) }).count == rows.count,
      stream: stream, scratch: scratch, scores: scores, workspace: workspace)
    for (index, block) in blocks.enumerated() { block.serve(index, step) }
    return unsafe computeLogits(rows)
  }

  /// The rows with the lengths of their texts, where angles depend on them.
  private func withTextLengths(_ rows: [Row]) -> [Row] {
    guard rotary.dependOnLength, rows.contains(where: { $0.textLength == nil }) else { return rows }
    var lengths: [ObjectIdentifier: Int] = [:]
    for row in rows {
      let sequence = ObjectIdentifier(row.cache)
      lengths[sequence] = max(lengths[sequence] ?? 0, row.position + 1)
    }
    return rows.map { row in
      var row = row
      row.textLength = row.textLength ?? lengths[ObjectIdentifier(row.cache)]
      return row
    }
  }

  private func prepare(_ rows: [Row]) {
    for update in workspace.active.indices {
      workspace.active[update] = rows.contains { $0.scales[update] != 0 }
    }
    let positions = 1 + (rows.map(\.position).max() ?? 0)
    if rotary.dependOnLength {
      rotary.extend(forTextsOf: rows.map { $0.textLength ?? positions } + [positions])
    } else {
      rotary.extend(to: positions)
    }
    let group = Int(LOXEVAL_POSITION_GROUP)
    if scores.contains(where: { $0.count < headsAtOnce * (positions + group) }) {
      scores = scores.map { _ in FloatBuffer(count: headsAtOnce * (2 * positions + group)) }
    }
    let wanted = rows.count(where: \.wantsLogits) * vocabularySize
    if logits.count < wanted { logits = FloatBuffer(count: wanted) }
  }

  private func computeLogits(_ rows: [Row]) -> UnsafePointer<Float> {
    let width = finalNorm.width
    let wanted = rows.indices.filter { rows[$0].wantsLogits }
    for (target, source) in wanted.enumerated() where target != source {
      unsafe (stream.start + target * width).update(
        from: stream.start + source * width, count: width)
    }
    if !wanted.isEmpty {
      let normed = scratch.buffer(.normed, width: width)
      finalNorm.serve(stream, rows: wanted.count, into: normed)
      head.serve(normed, wanted.map { rows[$0] }, into: logits, workspace)
    }
    return unsafe UnsafePointer(logits.start)
  }
}
