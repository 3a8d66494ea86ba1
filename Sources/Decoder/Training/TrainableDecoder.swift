import CKernels
import Checkpoints
import LinearAlgebra
import Support

/// A decoder that can be trained: parameters, and the buffers of its forward and backward passes.
///
/// A batch goes through as packed sequences. For the backward pass each block keeps its input, its
/// queries, keys, values and attention output, the stream between attention and feed-forward, and
/// gate and up; norms, products with them and attention weights are computed again. Owned by one
/// thread, which divides the work among its pool.
final class TrainableDecoder {
  struct Layer {
    let inputNorm: TrainableNorm
    let query, key, value, output: TrainableProjection
    let postAttentionNorm: TrainableNorm
    let gate, up, down: TrainableProjection
  }

  /// What one block keeps for the backward pass, each rows × width.
  struct Activations {
    /// The block's input.
    let input: FloatBuffer
    /// After rotation.
    let queries, keys: FloatBuffer
    let values, attended: FloatBuffer
    /// The residual stream after attention.
    let middle: FloatBuffer
    let gates, ups: FloatBuffer
  }

  let configuration: LlamaConfiguration
  let pool: WorkerPool
  let embedding: TrainableWeight
  let layers: [Layer]
  let finalNorm: TrainableNorm
  /// The same parameter as the embedding in a tied model.
  let head: TrainableWeight
  /// Adapters by the tensor they change.
  private(set) var adapters: [(name: String, adapter: LowRankAdapter)] = []
  private(set) var parameters: [Parameter] = []
  let attention: TrainableAttention

  // Buffers for batches of up to `capacity` rows.
  private(set) var capacity = 0
  var activations: [Activations] = []
  var stream, normed, inner, innerGradient, gradient, normGradient: FloatBuffer
  var queryGradient, keyGradient, valueGradient, attentionGradient: FloatBuffer
  var logits, labelRows, labelNormed, labelGradient: FloatBuffer
  var scores: [FloatBuffer] = []
  var gainSums: FloatBuffer
  var workspace: TrainableProjection.Workspace
  var rotary: RotaryTable
  var backRotation: FloatBuffer

  /// - Parameters:
  ///   - stack: updates under the training; they are part of the model that is trained.
  init(
    model: LlamaModel, stack: [ScaledLowRankUpdate], recipe: TrainingRecipe,
    pool: WorkerPool
  ) throws(TrainingError) {
    configuration = model.configuration
    self.pool = pool
    for target in recipe.targets where !LlamaModel.linearLayerNames.contains(target) {
      throw .unknownTarget(name: target, available: LlamaModel.linearLayerNames)
    }
    var builder = DecoderBuilder(
      checkpoint: model.checkpoint, stack: stack, recipe: recipe, pool: pool)
    embedding = builder.weight(model.embedding)
    let epsilon = configuration.normEpsilon
    var layers: [Layer] = []
    for (index, layer) in model.layers.enumerated() {
      let prefix = "model.layers.\(index)."
      layers.append(
        Layer(
          inputNorm: TrainableNorm(
            gain: builder.vector(prefix + "input_layernorm.weight", layer.inputNorm),
            epsilon: epsilon),
          query: builder.projection(layer.query), key: builder.projection(layer.key),
          value: builder.projection(layer.value), output: builder.projection(layer.output),
          postAttentionNorm: TrainableNorm(
            gain: builder.vector(
              prefix + "post_attention_layernorm.weight", layer.postAttentionNorm),
            epsilon: epsilon),
          gate: builder.projection(layer.gate), up: builder.projection(layer.up),
          down: builder.projection(layer.down)))
    }
    self.layers = layers
    finalNorm = TrainableNorm(
      gain: builder.vector("model.norm.weight", model.finalNorm), epsilon: epsilon)
    head = model.head.name == model.embedding.name ? embedding : builder.weight(model.head)
    parameters = builder.parameters
    adapters = builder.adapters
    attention = TrainableAttention(
      headCount: configuration.headCount, keyValueHeadCount: configuration.keyValueHeadCount,
      dimension: configuration.headDimension, pool: pool)

    let none = FloatBuffer(count: 0)
    (stream, normed, inner, innerGradient, gradient, normGradient) = (
      none, none, none, none, none, none
    )
    (queryGradient, keyGradient, valueGradient, attentionGradient) = (none, none, none, none)
    (logits, labelRows, labelNormed, labelGradient) = (none, none, none, none)
    gainSums = FloatBuffer(count: configuration.hiddenSize * pool.threadCount)
    rotary = RotaryTable(configuration)
    backRotation = none
    let blocks =
      layers.flatMap { [$0.query, $0.key, $0.value, $0.output, $0.gate, $0.up, $0.down] }
      .map(\.weight.scratchCount) + [head.scratchCount]
    workspace = TrainableProjection.Workspace(
      pool: pool, block: FloatBuffer(count: blocks.max() ?? 0),
      adapter: LowRankAdapter.Scratch(projected: none, gradient: none, dropped: none))
  }

  /// Makes room for a batch.
  func reserve(for batch: PackedBatch, recipe: TrainingRecipe) {
    let longest = batch.sequences.map(\.count).max() ?? 0
    rotary.extend(to: longest)
    let angles = rotary.sines.count
    if backRotation.count < angles {
      backRotation = FloatBuffer(count: angles)
      for index in 0..<angles { unsafe backRotation.start[index] = -rotary.sines.start[index] }
    }
    let scoreCount = TrainableAttention.scratchCount(positions: longest)
    if scores.isEmpty || scores[0].count < scoreCount {
      scores = (0..<pool.threadCount).map { _ in FloatBuffer(count: scoreCount) }
    }
    guard batch.rows > capacity else { return }
    capacity = batch.rows
    let rows = capacity
    func buffer(_ width: Int) -> FloatBuffer { FloatBuffer(count: rows * width) }
    let hidden = configuration.hiddenSize
    let intermediate = configuration.intermediateSize
    let queryWidth = configuration.headCount * configuration.headDimension
    let keyWidth = configuration.keyValueHeadCount * configuration.headDimension
    activations = []  // freed before the larger ones are made
    activations = layers.map { _ in
      Activations(
        input: buffer(hidden), queries: buffer(queryWidth), keys: buffer(keyWidth),
        values: buffer(keyWidth), attended: buffer(queryWidth), middle: buffer(hidden),
        gates: buffer(intermediate), ups: buffer(intermediate))
    }
    stream = buffer(hidden)
    normed = buffer(hidden)
    gradient = buffer(hidden)
    inner = buffer(intermediate)
    innerGradient = buffer(intermediate)
    normGradient = buffer(hidden)
    queryGradient = buffer(queryWidth)
    attentionGradient = buffer(queryWidth)
    keyGradient = buffer(keyWidth)
    valueGradient = buffer(keyWidth)
    let rank = adapters.isEmpty ? 0 : recipe.rank
    let widest = adapters.map(\.adapter.a.columns).max() ?? 0
    workspace = TrainableProjection.Workspace(
      pool: pool, block: workspace.block,
      adapter: LowRankAdapter.Scratch(
        projected: buffer(rank), gradient: buffer(rank),
        dropped: buffer(recipe.dropout > 0 ? widest : 0)))
  }
}

/// Turns a model's weights into those of a training.
private struct DecoderBuilder {
  let checkpoint: Checkpoint
  let stack: [ScaledLowRankUpdate]
  let recipe: TrainingRecipe
  let pool: WorkerPool
  var parameters: [Parameter] = []
  var adapters: [(name: String, adapter: LowRankAdapter)] = []
  private var generator: SplitMix64

  init(
    checkpoint: Checkpoint, stack: [ScaledLowRankUpdate],
    recipe: TrainingRecipe, pool: WorkerPool
  ) {
    self.checkpoint = checkpoint
    self.stack = stack
    self.recipe = recipe
    self.pool = pool
    generator = SplitMix64(seed: recipe.seed)
  }

  mutating func weight(_ weight: Weight) -> TrainableWeight {
    let frozen = FrozenWeight(weight, stack: stack)
    guard recipe.method == .full else { return .frozen(frozen) }
    let parameter = Parameter(
      name: weight.name, rows: weight.outputs, columns: weight.inputs, value: frozen.loadAll(pool))
    // Not read again before the result is written.
    checkpoint.adviseDontNeed(weight.name)
    parameters.append(parameter)
    return .trained(parameter)
  }

  mutating func vector(_ name: String, _ values: [Float]) -> TrainableVector {
    guard recipe.method == .full else { return TrainableVector(constant: values) }
    let vector = TrainableVector(name: name, trained: values)
    if let parameter = vector.parameter { parameters.append(parameter) }
    return vector
  }

  mutating func projection(_ projection: Projection) -> TrainableProjection {
    let name = projection.weight.name
    let module = String(name.dropLast(".weight".count))
    var adapter: LowRankAdapter?
    let isTarget = recipe.targets.contains { module.hasSuffix(".\($0)") }
    if recipe.method == .lora, isTarget {
      let created = LowRankAdapter(
        name: module, outputs: projection.weight.outputs, inputs: projection.weight.inputs,
        index: adapters.count, recipe: recipe, generator: &generator)
      adapters.append((name, created))
      parameters += [created.a, created.b]
      adapter = created
    }
    return TrainableProjection(
      weight: weight(projection.weight),
      bias: projection.bias.map { vector("\(module).bias", $0) }, adapter: adapter)
  }
}
