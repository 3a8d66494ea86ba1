import Checkpoints
import LinearAlgebra
import LoX
import Synchronization

/// Safe LoRA's map of one tensor's fine-tuning into the alignment, C T with C = ΔW ΔWᵀ / ‖ΔW‖_F.
///
/// C is no projection: it weights each direction of the alignment by its squared singular value, over the
/// norm. That is as published.
enum SafetyProjection {
  /// cos(C T, T), in the sense of ⟨X, Y⟩ = tr(XᵀY), and C L, for T = L R; the cosine is 0 where either is
  /// zero. In float32, which moves results by some 1e-6 of their size.
  ///
  /// - Parameter change: ΔW.
  static func map(
    _ change: FloatMatrix, _ tuning: LowRankUpdate.Factors
  ) -> (cosine: Double, image: Matrix<Float>) {
    let norm = change.squaredFrobeniusNorm.squareRoot()
    guard norm > 0 else {
      return (0, Matrix<Float>(rows: tuning.left.rows, columns: tuning.rank))
    }
    let image = change.multiplied(by: change.multiplied(by: tuning.left, transposingSelf: true))
      .scaled(by: 1 / norm)
    // ⟨X R, Y R⟩ = tr(XᵀY · R Rᵀ), of rank × rank matrices.
    let right = Matrix<Double>(tuning.right)
    let gram = right.multiplied(by: right, transposingOther: true)
    let (mapped, own) = (Matrix<Double>(image), Matrix<Double>(tuning.left))
    func inner(_ x: Matrix<Double>, _ y: Matrix<Double>) -> Double {
      let overlap = x.multiplied(by: y, transposingSelf: true)
      return zip(overlap.elements, gram.elements).reduce(0) { $0 + $1.0 * $1.1 }
    }
    return (cosine(inner(mapped, own), inner(mapped, mapped), inner(own, own)), image)
  }

  /// The same of a T of full rank, in float64: cos(C T, T) and C T.
  static func map(
    _ change: Matrix<Double>, _ tuning: Matrix<Double>
  ) -> (cosine: Double, image: Matrix<Double>) {
    let norm = change.squaredFrobeniusNorm.squareRoot()
    guard norm > 0 else { return (0, Matrix<Double>(rows: tuning.rows, columns: tuning.columns)) }
    var image = change.multiplied(by: change.multiplied(by: tuning, transposingSelf: true))
    for index in image.elements.indices { image.elements[index] /= norm }
    let product = zip(image.elements, tuning.elements).reduce(0) { $0 + $1.0 * $1.1 }
    return (cosine(product, image.squaredFrobeniusNorm, tuning.squaredFrobeniusNorm), image)
  }

  private static func cosine(_ product: Double, _ first: Double, _ second: Double) -> Double {
    first > 0 && second > 0 ? product / (first * second).squareRoot() : 0
  }
}

extension DefenceMaterial {
  /// The matrices of the blocks' linear layers that fine-tuning changed, sorted by name: what repairs by
  /// layer look at. Paired by name: pairing by order goes wrong where biases lie between.
  private func tunedMatrices(_ attack: WeightUpdate) -> [String] {
    attack.tensorNames.filter { name in
      guard name.contains("layers."), let aligned = pair.aligned.tensor(named: name)?.shape,
        aligned.count == 2, pair.base.tensor(named: name)?.shape == aligned
      else { return false }
      return attack.lowRank?.tensors[name]?.rank != 0
    }
  }

  /// T of one tensor of full rank, in float64.
  private func tuning(_ attack: WeightUpdate, of name: String) throws -> Matrix<Double> {
    let shape = pair.aligned.tensor(named: name)?.shape ?? [0, 0]
    var values = Matrix<Double>(rows: shape[0], columns: shape[1])
    let change = try pair.aligned.change(of: name, by: [ScaledWeightUpdate(attack, scale: 1)])
    var span = values.elements.mutableSpan
    try change?.addExactly(0..<span.count, to: &span)
    return values
  }

  /// C T of one tensor of full rank, and T.
  func projection(
    _ attack: WeightUpdate, of name: String
  ) throws -> (cosine: Double, image: Matrix<Double>, tuning: Matrix<Double>) {
    let tuning = try tuning(attack, of: name)
    let (cosine, image) = SafetyProjection.map(try pair.difference(of: name), tuning)
    return (cosine, image, tuning)
  }

  /// cos(C T, T) of every linear layer that fine-tuning changed, and C L of those that it changed by a
  /// product.
  func agreement(
    of attack: WeightUpdate
  ) throws -> [String: (cosine: Double, image: Matrix<Float>?)] {
    let found = Mutex<[String: (cosine: Double, image: Matrix<Float>?)]>([:])
    let names = tunedMatrices(attack)
    let queue = TensorQueue(names: names, memory: 1 << 30, readAhead: pair.adviseWillNeed) {
      [aligned = pair.aligned] name in
      // In float32, or five matrices in float64.
      (aligned.tensor(named: name)?.elementCount ?? 0) * (attack.isDense ? 40 : 4)
    }
    let threads = TensorQueue.threads(computing: WorkerPool.processorCount, on: pair.aligned)
    try queue.run(threads: threads) { name in
      defer { pair.adviseDontNeed(name) }
      if let factors = attack.lowRank?.tensors[name] {
        let (cosine, image) = SafetyProjection.map(
          try pair.floatDifference(of: name), factors)
        found.withLock { $0[name] = (cosine, image) }
      } else {
        let cosine = try projection(attack, of: name).cosine
        found.withLock { $0[name] = (cosine, nil) }
      }
    }
    return found.withLock { $0 }
  }
}
