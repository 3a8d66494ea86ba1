package import Checkpoints
import LinearAlgebra

/// The low-rank updates that are loaded beside a model, laid out for the forward pass.
///
/// Each request chooses its own scale for each of them, so one loaded checkpoint serves every cell
/// of a study. An update that a row does not use (scale 0) does not touch that row.
package final class ServedUpdates: Sendable {
  /// One update's factors for one weight.
  struct Factors: Sendable {
    /// Which of the loaded updates this belongs to.
    let update: Int
    let rank: Int
    /// rank × inputs.
    let right: FloatBuffer
    let left: Left
  }

  /// A left factor as the kernel for its rank reads it.
  enum Left: Sendable {
    /// rank × outputs, for few ranks: each row of a batch is added to on its own.
    case narrow(FloatBuffer)
    /// outputs × rank, for many: multiplied like a weight, by the whole batch at once.
    case wide(FloatBuffer)

    /// Ranks up to here are narrow. The choice must not depend on the batch, which would change bits.
    static let narrowLimit = 32

    /// Element (output, rank) of a factor of so many outputs and ranks.
    func element(output: Int, rank: Int, outputs: Int, ranks: Int) -> Float {
      switch self {
      case .narrow(let buffer): unsafe buffer.start[rank * outputs + output]
      case .wide(let buffer): unsafe buffer.start[output * ranks + rank]
      }
    }
  }

  /// How many updates are loaded; a request gives a scale for each.
  package let count: Int
  private let factors: [String: [Factors]]

  /// - Throws: `DecoderError` where an update names a weight the model does not multiply by,
  ///   or has another shape.
  package init(_ updates: [LowRankUpdate], for model: DecoderModel) throws(DecoderError) {
    count = updates.count
    let weights = Dictionary(
      model.shape.matrices.map { ($0.weightName, [$0.outputs, $0.inputs]) },
      uniquingKeysWith: { first, _ in first })
    var factors: [String: [Factors]] = [:]
    for (index, update) in updates.enumerated() {
      for (name, change) in update.tensors.sorted(by: { $0.key < $1.key }) {
        guard let shape = weights[name] else { throw .updateForUnknownTensor(name: name) }
        guard shape == change.shape else {
          throw .updateOfUnexpectedShape(name: name, expected: shape, found: change.shape)
        }
        guard change.rank > 0 else { continue }
        factors[name, default: []].append(
          Factors(
            update: index, rank: change.rank, right: FloatBuffer(change.right.elements),
            left: change.rank <= Left.narrowLimit
              ? .narrow(Self.transposed(change.left)) : .wide(FloatBuffer(change.left.elements))))
      }
    }
    self.factors = factors
  }

  func factors(of weight: Weight) -> [Factors] { factors[weight.name] ?? [] }

  private static func transposed(_ matrix: Matrix<Float>) -> FloatBuffer {
    let result = FloatBuffer(count: matrix.rows * matrix.columns)
    for row in 0..<matrix.rows {
      for column in 0..<matrix.columns {
        unsafe result.start[column * matrix.rows + row] =
          matrix.elements[row * matrix.columns + column]
      }
    }
    return result
  }
}
