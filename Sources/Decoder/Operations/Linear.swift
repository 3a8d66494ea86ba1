import CKernels
import LinearAlgebra

/// A linear layer as it is served: y = W x (+ b) + Σ scale · left · (right · x), the sum over the
/// updates that a row uses.
struct ServedLinear {
  let weight: Weight
  let bias: FloatBuffer?
  let factors: [ServedUpdates.Factors]

  init(_ shape: LinearShape, _ model: DecoderModel, _ updates: ServedUpdates) {
    weight = model.weight(shape)
    bias = model.bias(shape).map { FloatBuffer($0) }
    factors = updates.factors(of: weight)
  }

  /// Ranks of all its updates together.
  var rank: Int { factors.reduce(0) { $0 + $1.rank } }

  /// What all layers of a pass share.
  struct Workspace {
    let pool: WorkerPool
    /// Rows × the ranks of all updates of layers that are computed together.
    let lowRank: FloatBuffer
    /// Of each thread.
    let widened: [FloatBuffer]
    /// What the rows are rounded to for products in bfloat16; nil where they are in float32.
    let operand: FloatBuffer?
    /// Which updates any row of the batch uses.
    var active: [Bool]
  }

  /// Multiplies the rows of `input` by each layer's weight, with bias and updates.
  ///
  /// - Parameters:
  ///   - input: rows × inputs.
  ///   - targets: layers of the same inputs, and where their rows × outputs go.
  ///   - accumulates: whether the results are added to what the outputs hold.
  ///   - combine: called for each range of outputs once all targets, then of equal width, have
  ///     theirs.
  static func serve(
    _ input: FloatBuffer, _ rows: [ForwardPass.Row],
    _ targets: [(layer: ServedLinear, output: FloatBuffer)], accumulates: Bool = false,
    _ workspace: Workspace, combine: ((_ begin: Int, _ end: Int) -> Void)? = nil
  ) {
    let (pool, lowRank, widened) = (workspace.pool, workspace.lowRank, workspace.widened)
    /// An update in use, with where its rank-wide intermediate rows begin.
    struct Use {
      let target: Int
      let factors: ServedUpdates.Factors
      let offset: Int
    }
    let inputs = targets[0].layer.weight.inputs
    var uses: [Use] = []
    var offset = 0
    for target in targets.indices {
      for factors in targets[target].layer.factors where workspace.active[factors.update] {
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
    if let operand = workspace.operand {
      // By groups of rows that the kernels keep together.
      let group = 16
      pool.run(count: (rows.count + group - 1) / group) { piece, _ in
        unsafe loxeval_prepare_bfloat16(
          input.start, inputs, piece * group, min((piece + 1) * group, rows.count), inputs,
          operand.start)
      }
    }
    // The products, cut into chunks of outputs; each chunk adds its bias and second halves.
    func multiply(_ target: Int, _ begin: Int, _ end: Int, _ worker: Int) {
      let layer = targets[target].layer
      let output = unsafe targets[target].output.start
      let weight = layer.weight
      if let operand = workspace.operand {
        unsafe loxeval_project_bfloat16(
          operand.start, rows.count, weight.bytes, weight.elementType, inputs, begin, end, output,
          weight.outputs, accumulates ? 1 : 0, widened[worker].start)
      } else {
        unsafe loxeval_project(
          input.start, inputs, rows.count, weight.bytes, weight.elementType, inputs, begin, end,
          output, weight.outputs, accumulates ? 1 : 0, widened[worker].start)
      }
      if let bias = layer.bias {
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
      let outputs = targets[target].layer.weight.outputs
      // The products in bfloat16 have wider tiles.
      let size = chunkSize(
        outputs: outputs, threads: pool.threadCount, block: workspace.operand == nil ? 24 : 48)
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

  /// Chunks are multiples of the outputs that the kernels keep together: small enough to balance between
  /// threads, who wait for each other a few hundred times a step, and not more than about 24 for each.
  private static func chunkSize(outputs: Int, threads: Int, block: Int) -> Int {
    let share = outputs / (24 * threads)
    return max(block, (share + block - 1) / block * block)
  }
}

/// A linear layer in a training: y = x Wᵀ (+ b) (+ adapter).
struct TrainableLinear {
  let weight: TrainableWeight
  let bias: TrainableVector?
  let adapter: LowRankAdapter?

  /// What all layers of a decoder share.
  struct Workspace {
    let products: MatrixProducts
    /// Blocks of a weight in float32.
    let block: FloatBuffer
    let adapter: LowRankAdapter.Scratch
    /// Chooses what dropout drops; nil outside training.
    var key: UInt32?
  }

  func forward(
    _ x: FloatBuffer, rows: Int, into y: FloatBuffer, accumulates: Bool = false,
    _ workspace: Workspace
  ) {
    unsafe weight.multiply(
      x.start, rows: rows, into: y.start, accumulates: accumulates, workspace.products,
      scratch: workspace.block)
    if let bias {
      for row in 0..<rows {
        unsafe loxeval_add_scaled(
          bias.value.start, 1, weight.outputs, y.start + row * weight.outputs)
      }
    }
    if let adapter {
      unsafe adapter.addForward(
        x.start, rows: rows, into: y.start, key: workspace.key, workspace.products,
        workspace.adapter)
    }
  }

  /// dx = (or +=) the gradient with respect to x; gradients of parameters are added up.
  func backward(
    _ dy: FloatBuffer, x: FloatBuffer, rows: Int, into dx: FloatBuffer, accumulates: Bool = false,
    _ workspace: Workspace
  ) {
    unsafe weight.multiplyBackward(
      dy.start, x: x.start, rows: rows, into: dx.start, accumulates: accumulates,
      workspace.products,
      scratch: workspace.block)
    if let gradient = bias?.parameter?.gradient {
      for row in 0..<rows {
        unsafe loxeval_add_scaled(
          dy.start + row * weight.outputs, 1, weight.outputs, gradient.start)
      }
    }
    if let adapter {
      unsafe adapter.addBackward(
        dy.start, x: x.start, rows: rows, into: dx.start, key: workspace.key, workspace.products,
        workspace.adapter)
    }
  }
}
