import CKernels
import LinearAlgebra

/// All parameters of a training, and the optimiser's step over them.
struct ParameterSet {
  let parameters: [Parameter]
  let pool: WorkerPool
  private let means: [RunningMeans]
  private var step = 0

  init(
    _ parameters: [Parameter], optimizer: TrainingRecipe.Optimizer = .adamw, pool: WorkerPool
  ) {
    self.parameters = parameters
    self.pool = pool
    means = parameters.map { RunningMeans(of: $0.count, for: optimizer) }
    var numbered: UInt32 = 0
    for (place, parameter) in parameters.enumerated() {
      for begin in stride(from: 0, to: parameter.count, by: Self.chunkSize) {
        chunks.append(
          Chunk(
            parameter: parameter, means: place, begin: begin,
            count: min(Self.chunkSize, parameter.count - begin),
            number: numbered &+ UInt32(truncatingIfNeeded: begin)))
      }
      numbered &+= UInt32(truncatingIfNeeded: parameter.count)
    }
  }

  /// A stretch of one parameter: what one thread works on at a time.
  private struct Chunk {
    let parameter: Parameter
    /// The place of its parameter's means.
    let means: Int
    let begin: Int
    let count: Int
    /// Of its first number among those of all parameters.
    let number: UInt32
  }

  /// Whole blocks of 8-bit means.
  private static let chunkSize = 1 << 16
  private var chunks: [Chunk] = []

  func clearGradients() {
    for parameter in parameters { parameter.clearGradient() }
  }

  /// Where nothing was added zeros are written, before threads read parts of them.
  private func completeGradients() {
    for parameter in parameters { _ = parameter.gradient }
  }

  /// The norm of all gradients together.
  func gradientNorm() -> Double {
    completeGradients()
    var squares = [Double](repeating: 0, count: chunks.count)
    unsafe squares.withUnsafeMutableBufferPointer { squares in
      // Each piece writes its own element.
      pool.run(count: chunks.count) { index, _ in
        let chunk = chunks[index]
        unsafe squares[index] = loxeval_squared_norm(
          chunk.parameter.gradient.start + chunk.begin, chunk.count)
      }
    }
    return squares.reduce(0, +).squareRoot()
  }

  /// One step of AdamW with the gradients scaled by `gradientScale`.
  mutating func update(rate: Double, gradientScale: Double, recipe: TrainingRecipe) {
    completeGradients()
    step += 1
    let correction1 = Float(1 - pow(recipe.beta1, step))
    let correction2 = Float(1 - pow(recipe.beta2, step))
    let vectorDecay = recipe.decaysNormsAndBiases == true ? Float(recipe.weightDecay) : 0
    // Tells a step's roundings from another's.
    let key = UInt32(truncatingIfNeeded: step) &* 0x9E37_79B9
    for parameter in parameters { parameter.dither = UInt16(key >> 16) }
    pool.run(count: chunks.count) { index, _ in
      let chunk = chunks[index]
      let parameter = chunk.parameter
      let decay = parameter.isVector ? vectorDecay : Float(recipe.weightDecay)
      let (values, gradient) = unsafe (
        parameter.value.start + chunk.begin, parameter.gradient.start + chunk.begin
      )
      switch means[chunk.means] {
      case .float32(let first, let second):
        unsafe loxeval_adamw(
          values, gradient, first.start + chunk.begin, second.start + chunk.begin, chunk.count,
          Float(gradientScale), Float(rate), decay, Float(recipe.beta1), Float(recipe.beta2),
          Float(recipe.epsilon), correction1, correction2)
      case .eightBit(let coded):
        unsafe loxeval_adamw_8bit(
          values, gradient, coded.first + chunk.begin, coded.second + chunk.begin,
          coded.scales.start + chunk.begin / EightBitMeans.block * 2, chunk.count, key,
          chunk.number, Float(gradientScale), Float(rate), decay, Float(recipe.beta1),
          Float(recipe.beta2), Float(recipe.epsilon), correction1, correction2)
      }
    }
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}
