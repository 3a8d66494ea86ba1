import Checkpoints
import LinearAlgebra

/// A decoder that can be trained: its operations, parameters, and the buffers of its forward and
/// backward passes.
///
/// A batch goes through as packed sequences. For the backward pass each block keeps its input, its
/// queries, keys, values and attention output, the stream between attention and feed-forward, gate
/// and up, and what other norms than those before the layers read; norms and attention weights are
/// computed again. With gradient checkpointing it keeps its input alone, and all else is computed again. Owned by
/// one thread, which divides the work among its pool.
final class TrainableDecoder {
  let shape: DecoderShape
  let pool: WorkerPool
  let embedding: Embedding<TrainableWeight>
  let blocks: [Block<TrainableLinear>]
  let finalNorm: RMSNorm
  /// Holds the same parameter as the embedding in a tied model.
  let head: Head<TrainableWeight>
  let rotary: RotaryTables
  /// Adapters by the tensor they change.
  let adapters: [(name: String, adapter: LowRankAdapter)]
  let parameters: [Parameter]

  // Buffers for batches of up to `capacity` rows.
  private(set) var capacity = 0
  /// Whether what blocks keep is computed again in the backward pass.
  let isCheckpointed: Bool
  var activations: Activations
  var scratch = Scratch(rows: 0)
  /// The residual stream, and the gradient with respect to it, rows × hidden.
  var stream, gradient: FloatBuffer
  var logits, labelRows, labelNormed, labelGradient: FloatBuffer
  var scores: [FloatBuffer] = []
  let gainSums: FloatBuffer
  var workspace: TrainableLinear.Workspace

  /// - Parameters:
  ///   - stack: updates under the training; they are part of the model that is trained.
  ///   - recipe: its targets name kinds of the shape's linear layers.
  init(
    model: DecoderModel, stack: [ScaledLowRankUpdate], recipe: TrainingRecipe,
    pool: WorkerPool
  ) {
    shape = model.shape
    self.pool = pool
    let builder = DecoderBuilder(model: model, stack: stack, recipe: recipe, pool: pool)
    let rotary = RotaryTables(shape, isTrained: true)
    self.rotary = rotary
    embedding = Embedding(
      table: builder.weight(shape.embedding.table), scale: shape.embedding.scale)
    let width = shape.hiddenSize
    blocks = shape.blocks.map {
      Block($0, width: width, rotary: rotary, linear: builder.linear, norm: builder.norm)
    }
    finalNorm = builder.norm(shape.finalNorm)
    head = Head(
      table: shape.head.weight.map(builder.weight) ?? embedding.table, scale: shape.head.scale,
      cap: shape.head.cap)
    parameters = builder.parameters
    adapters = builder.adapters

    let none = FloatBuffer(count: 0)
    (stream, gradient) = (none, none)
    (logits, labelRows, labelNormed, labelGradient) = (none, none, none, none)
    isCheckpointed = recipe.gradientCheckpointing == true
    activations = Activations(of: blocks, width: width, rows: 0, isCheckpointed: isCheckpointed)
    gainSums = FloatBuffer(count: (shape.norms.map(\.width).max() ?? 0) * pool.threadCount)
    let scratch =
      blocks.flatMap(\.linearLayers).map(\.weight.scratchCount) + [head.table.scratchCount]
    workspace = TrainableLinear.Workspace(
      products: MatrixProducts(pool, arithmetic: recipe.arithmetic ?? .float32),
      block: FloatBuffer(count: scratch.max() ?? 0),
      adapter: LowRankAdapter.Scratch(projected: none, gradient: none, dropped: none))
  }

  /// Makes room for a batch.
  func reserve(for batch: PackedBatch, recipe: TrainingRecipe) {
    let longest = batch.sequences.map(\.count).max() ?? 0
    rotary.extend(forTextsOf: batch.sequences.map(\.textLength))
    let scoreCount = Attention.scratchCount(
      positions: longest, isCapped: shape.blocks.contains { $0.attention.cap != nil })
    if scores.isEmpty || scores[0].count < scoreCount {
      scores = (0..<pool.threadCount).map { _ in FloatBuffer(count: scoreCount) }
    }
    guard batch.rows > capacity else { return }
    capacity = batch.rows
    let rows = capacity
    func buffer(_ width: Int) -> FloatBuffer { FloatBuffer(count: rows * width) }
    func makeActivations(rows: Int) -> Activations {
      Activations(of: blocks, width: shape.hiddenSize, rows: rows, isCheckpointed: isCheckpointed)
    }
    // Freed before the larger ones are made.
    (activations, scratch) = (makeActivations(rows: 0), Scratch(rows: rows))
    activations = makeActivations(rows: rows)
    stream = buffer(shape.hiddenSize)
    gradient = buffer(shape.hiddenSize)
    let rank = adapters.isEmpty ? 0 : recipe.rank
    let widest = adapters.map(\.adapter.a.columns).max() ?? 0
    workspace = TrainableLinear.Workspace(
      products: workspace.products, block: workspace.block,
      adapter: LowRankAdapter.Scratch(
        projected: buffer(rank), gradient: buffer(rank),
        dropped: buffer(recipe.dropout > 0 ? widest : 0)))
  }
}
