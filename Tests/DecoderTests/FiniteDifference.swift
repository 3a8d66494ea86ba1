import Foundation
import LinearAlgebra
import Support
import Testing

@testable import Decoder

/// Finite differences: for L(x) = Σ c · f(x) and a random direction d,
/// (L(x + εd) − L(x − εd)) / 2ε must equal ∇L · d.
enum FiniteDifference {
  static let pool = WorkerPool(threadCount: 2)

  static func random(_ count: Int, seed: UInt64, scale: Double = 1) -> [Float] {
    var generator = SplitMix64(seed: seed)
    return (0..<count).map { _ in Float(generator.nextGaussian() * scale) }
  }

  static func values(_ buffer: FloatBuffer) -> [Float] {
    unsafe Array(UnsafeBufferPointer(start: buffer.start, count: buffer.count))
  }

  /// Puts other values in a buffer's place.
  static func fill(_ buffer: FloatBuffer, _ values: [Float]) {
    precondition(buffer.count == values.count)
    for (index, value) in values.enumerated() { unsafe buffer.start[index] = value }
  }

  /// - Precondition: as many of one as of the other.
  static func inner(_ a: [Float], _ b: [Float]) -> Double {
    precondition(a.count == b.count)
    return zip(a, b).reduce(0) { $0 + Double($1.0) * Double($1.1) }
  }

  /// - Parameters:
  ///   - gradient: of the loss at x.
  ///   - loss: computed anew at each point.
  static func check(
    _ x: [Float], gradient: [Float], _ what: Comment, epsilon: Float = 1e-2,
    sourceLocation: SourceLocation = #_sourceLocation, loss: ([Float]) -> Double
  ) {
    let direction = random(x.count, seed: 99)
    func moved(_ step: Float) -> [Float] { zip(x, direction).map { $0 + step * $1 } }
    let numeric = (loss(moved(epsilon)) - loss(moved(-epsilon))) / (2 * Double(epsilon))
    let analytic = inner(gradient, direction)
    let size = inner(gradient, gradient).squareRoot()
    #expect(size.isFinite, what, sourceLocation: sourceLocation)
    // A NaN on either side fails.
    #expect(
      abs(numeric - analytic) < 0.01 * max(size, 1e-3), what, sourceLocation: sourceLocation)
  }

  /// As `check`, for a parameter that is changed in its place.
  static func check(
    _ parameter: Parameter, _ what: Comment, epsilon: Float = 1e-2,
    sourceLocation: SourceLocation = #_sourceLocation, loss: () -> Double
  ) {
    let before = values(parameter.value)
    check(
      before, gradient: values(parameter.gradient), what, epsilon: epsilon,
      sourceLocation: sourceLocation
    ) { moved in
      fill(parameter.value, moved)
      defer { fill(parameter.value, before) }
      return loss()
    }
  }

  /// Sequences of so many rows, every one a label.
  static func batch(_ counts: [Int]) -> PackedBatch {
    PackedBatch(
      counts.map {
        TrainingExample(
          tokens: [Int](repeating: 0, count: $0 + 1),
          isLabel: [Bool](repeating: true, count: $0 + 1))
      })
  }
}
