import Checkpoints
import LinearAlgebra
import Support

/// Turns a model's weights into those of a training, and collects what is trained.
///
/// The order in which layers are asked for is that of the parameters, and of the random numbers that
/// adapters start from.
final class DecoderBuilder {
  private let model: DecoderModel
  private let stack: [ScaledLowRankUpdate]
  private let recipe: TrainingRecipe
  private let pool: WorkerPool
  private(set) var parameters: [Parameter] = []
  private(set) var adapters: [(name: String, adapter: LowRankAdapter)] = []
  private var generator: SplitMix64

  init(
    model: DecoderModel, stack: [ScaledLowRankUpdate], recipe: TrainingRecipe,
    pool: WorkerPool
  ) {
    self.model = model
    self.stack = stack
    self.recipe = recipe
    self.pool = pool
    generator = SplitMix64(seed: recipe.seed)
  }

  func weight(_ shape: LinearShape) -> TrainableWeight {
    let weight = model.weight(shape)
    let frozen = FrozenWeight(weight, stack: stack)
    guard recipe.method == .full else { return .frozen(frozen) }
    let parameter = Parameter(
      name: weight.name, rows: weight.outputs, columns: weight.inputs, value: frozen.loadAll(pool))
    // Not read again before the result is written.
    model.checkpoint.adviseDontNeed(weight.name)
    parameters.append(parameter)
    return .trained(parameter)
  }

  func norm(_ shape: NormShape) -> RMSNorm {
    RMSNorm(shape, gain: vector(shape.tensor, model.gain(shape)))
  }

  func linear(_ shape: LinearShape) -> TrainableLinear {
    var adapter: LowRankAdapter?
    if recipe.method == .lora, recipe.targets.contains(shape.kind) {
      let created = LowRankAdapter(
        name: shape.module, outputs: shape.outputs, inputs: shape.inputs, index: adapters.count,
        recipe: recipe, generator: &generator)
      adapters.append((shape.weightName, created))
      parameters += [created.a, created.b]
      adapter = created
    }
    return TrainableLinear(
      weight: weight(shape), bias: model.bias(shape).map { vector(shape.biasName, $0) },
      adapter: adapter)
  }

  private func vector(_ name: String, _ values: [Float]) -> TrainableVector {
    guard recipe.method == .full else { return TrainableVector(constant: values) }
    let vector = TrainableVector(name: name, trained: values)
    if let parameter = vector.parameter { parameters.append(parameter) }
    return vector
  }
}
