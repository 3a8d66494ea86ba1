import CKernels
import Checkpoints
import LinearAlgebra

/// A linear layer as it is served: y = W x (+ b) + Σ scale · left · (right · x), the sum over the
/// updates that a row uses.
struct ServedLinear {
  let weight: Weight
  let bias: FloatBuffer?
  let factors: [ServedUpdates.Factors]

  /// - Parameter narrowing: rounds the weight to bfloat16 once, for products that would do it each time.
  init(
    _ shape: LinearShape, _ model: DecoderModel, _ updates: ServedUpdates,
    narrowing pool: WorkerPool? = nil
  ) {
    let stored = model.weight(shape)
    if let pool, !stored.isNarrow {
      weight = Weight(narrowing: stored, pool)
      model.checkpoint.adviseDontNeed(stored.name)
    } else {
      weight = stored
    }
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
    let inputs = targets[0].layer.weight.inputs
    let (rowCount, accumulates) = (rows.count, accumulates ? Int32(1) : 0)
    let products = unsafe targets.map { unsafe Product($0.layer, $0.output) }
    // The updates in use, and each one's scale for every row.
    var uses = unsafe [Use]()
    var scales: [Float] = []
    var offset = 0
    for target in targets.indices {
      for factors in targets[target].layer.factors where workspace.active[factors.update] {
        unsafe uses.append(Use(factors, of: target, between: lowRank.start + offset))
        scales += rows.map { $0.scales[factors.update] }
        offset += rowCount * factors.rank
      }
    }
    // First halves, scale * right * x, rank floats a row; and rows rounded for the products, by groups that the
    // kernels keep together.
    let group = 16
    let groups = workspace.operand == nil ? 0 : (rowCount + group - 1) / group
    let useCount = unsafe uses.count
    pool.run(count: useCount + groups) { piece, worker in
      guard piece < useCount else {
        let begin = (piece - useCount) * group
        guard let operand = workspace.operand else { return }
        unsafe loxeval_prepare_bfloat16(
          input.start, inputs, begin, min(begin + group, rowCount), inputs, operand.start)
        return
      }
      let use = unsafe uses[piece]
      let rank = unsafe use.rank
      unsafe loxeval_project(
        input.start, inputs, rowCount, use.right, Int32(LOXEVAL_FLOAT32), inputs, 0, rank,
        use.between, rank, 0, widened[worker].start)
      for row in 0..<rowCount {
        let scale = scales[piece * rowCount + row]
        for r in 0..<rank { unsafe use.between[row * rank + r] *= scale }
      }
    }
    // The products, cut into chunks of outputs; each chunk adds its bias and second halves.
    func multiply(_ target: Int, _ begin: Int, _ end: Int, _ worker: Int) {
      let product = unsafe products[target]
      let (output, outputs) = unsafe (product.output, product.outputs)
      if let operand = workspace.operand {
        unsafe loxeval_project_bfloat16(
          operand.start, rowCount, product.weight, product.elementType, inputs, begin, end, output,
          outputs, accumulates, widened[worker].start)
      } else {
        unsafe loxeval_project(
          input.start, inputs, rowCount, product.weight, product.elementType, inputs, begin, end,
          output, outputs, accumulates, widened[worker].start)
      }
      if let bias = unsafe product.bias {
        for index in 0..<rowCount {
          let row = unsafe output + index * outputs
          for n in begin..<end { unsafe row[n] += bias[n] }
        }
      }
      for index in 0..<useCount {
        let use = unsafe uses[index]
        guard unsafe use.target == target else { continue }
        let rank = unsafe use.rank
        if unsafe use.isWide {
          // Rows that do not use it have zeros in between, and so add nothing.
          unsafe loxeval_project(
            use.between, rank, rowCount, use.left, Int32(LOXEVAL_FLOAT32), rank, begin, end, output,
            outputs, 1, widened[worker].start)
          continue
        }
        for row in 0..<rowCount where scales[index * rowCount + row] != 0 {
          unsafe loxeval_add_low_rank(
            use.between + row * rank, rank, use.left, outputs, begin, end, output + row * outputs)
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

  /// What a product's chunks need, in plain numbers and pointers: threads that count references to the same layer a few
  /// thousand times a step wait for each other. Valid as long as the layer and its output are.
  @unsafe private struct Product {
    let weight: UnsafeRawPointer
    let elementType: Int32
    let outputs: Int
    let bias: UnsafeMutablePointer<Float>?
    let output: UnsafeMutablePointer<Float>

    init(_ layer: ServedLinear, _ output: FloatBuffer) {
      unsafe weight = layer.weight.bytes
      unsafe (elementType, outputs) = (layer.weight.elementType, layer.weight.outputs)
      unsafe bias = layer.bias?.start
      unsafe self.output = output.start
    }
  }

  /// An update in use, likewise.
  @unsafe private struct Use {
    let target: Int
    let rank: Int
    let right: UnsafeMutablePointer<Float>
    let left: UnsafeMutablePointer<Float>
    let isWide: Bool
    /// Rows × rank.
    let between: UnsafeMutablePointer<Float>

    init(
      _ factors: ServedUpdates.Factors, of target: Int, between: UnsafeMutablePointer<Float>
    ) {
      unsafe (self.target, rank) = (target, factors.rank)
      unsafe (self.between, right) = unsafe (between, factors.right.start)
      switch factors.left {
      case .narrow(let buffer): unsafe (left, isWide) = unsafe (buffer.start, false)
      case .wide(let buffer): unsafe (left, isWide) = unsafe (buffer.start, true)
      }
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
