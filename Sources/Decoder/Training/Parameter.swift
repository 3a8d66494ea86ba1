import CKernels
import LinearAlgebra

/// Numbers that training changes, with their gradient and AdamW's two running means.
final class Parameter {
  /// The checkpoint's tensor name, or that of an adapter's factor.
  let name: String
  let rows: Int
  let columns: Int
  let value: FloatBuffer
  /// Summed over a step; `ParameterSet` clears it.
  let gradient: FloatBuffer
  let firstMoment: FloatBuffer
  let secondMoment: FloatBuffer
  /// Whether it is a norm's gain or a bias.
  let isVector: Bool

  var count: Int { rows * columns }

  init(name: String, rows: Int, columns: Int, value: FloatBuffer, isVector: Bool = false) {
    precondition(value.count == rows * columns)
    self.name = name
    self.rows = rows
    self.columns = columns
    self.value = value
    gradient = FloatBuffer(count: value.count)
    firstMoment = FloatBuffer(count: value.count)
    secondMoment = FloatBuffer(count: value.count)
    self.isVector = isVector
  }

  var matrix: Matrix<Float> {
    unsafe Matrix<Float>(
      rows: rows, columns: columns,
      elements: Array(UnsafeBufferPointer(start: value.start, count: count)))
  }
}

/// All parameters of a training, and the optimiser's step over them.
struct ParameterSet {
  let parameters: [Parameter]
  let pool: WorkerPool
  private var step = 0

  init(_ parameters: [Parameter], pool: WorkerPool) {
    self.parameters = parameters
    self.pool = pool
    chunks = parameters.flatMap { parameter in
      stride(from: 0, to: parameter.count, by: Self.chunkSize).map { begin in
        Chunk(
          parameter: parameter, begin: begin,
          count: min(Self.chunkSize, parameter.count - begin))
      }
    }
  }

  /// A stretch of one parameter: what one thread works on at a time.
  private struct Chunk {
    let parameter: Parameter
    let begin: Int
    let count: Int
  }

  private static let chunkSize = 1 << 16
  private let chunks: [Chunk]

  func clearGradients() {
    pool.run(count: chunks.count) { index, _ in
      let chunk = chunks[index]
      unsafe (chunk.parameter.gradient.start + chunk.begin)
        .update(repeating: 0, count: chunk.count)
    }
  }

  /// The norm of all gradients together.
  func gradientNorm() -> Double {
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
    step += 1
    let correction1 = Float(1 - pow(recipe.beta1, step))
    let correction2 = Float(1 - pow(recipe.beta2, step))
    let vectorDecay = recipe.decaysNormsAndBiases == true ? Float(recipe.weightDecay) : 0
    pool.run(count: chunks.count) { index, _ in
      let chunk = chunks[index]
      let parameter = chunk.parameter
      let decay = parameter.isVector ? vectorDecay : Float(recipe.weightDecay)
      unsafe loxeval_adamw(
        parameter.value.start + chunk.begin, parameter.gradient.start + chunk.begin,
        parameter.firstMoment.start + chunk.begin, parameter.secondMoment.start + chunk.begin,
        chunk.count, Float(gradientScale), Float(rate), decay,
        Float(recipe.beta1), Float(recipe.beta2), Float(recipe.epsilon), correction1, correction2)
    }
  }

  private func pow(_ base: Double, _ exponent: Int) -> Double {
    (0..<exponent).reduce(1) { product, _ in product * base }
  }
}
