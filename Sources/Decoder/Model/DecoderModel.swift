package import Checkpoints
import Support

/// A decoder whose weights stay in the mapped checkpoint, in their own element type.
///
/// Immutable, so any number of threads may share it. `ForwardPass` computes with it, and
/// `TrainableDecoder` learns from it.
package final class DecoderModel: Sendable {
  package let shape: DecoderShape
  /// Kept so that the mapping outlives every `Weight`.
  package let checkpoint: Checkpoint
  /// Ids that end a reply.
  package let endOfSequenceIDs: [Int]

  /// By tensor name: every matrix, bias and gain of the shape.
  private let weights: [String: Weight]
  private let vectors: [String: [Float]]

  /// Reads the folder's `config.json` and finds every tensor that it calls for.
  ///
  /// - Throws: `DecoderError` where the family is unknown, a setting is not computed, or a tensor is
  ///   missing or of another shape.
  package convenience init(checkpoint: Checkpoint) throws {
    try self.init(
      checkpoint: checkpoint, shape: Self.shape(of: checkpoint),
      endOfSequenceIDs: ModelConfiguration(folder: checkpoint.folder).endOfSequenceIDs())
  }

  /// What a checkpoint is a model of, under the names that it has.
  ///
  /// - Throws: as `init(checkpoint:)`, but for tensors, which are not looked at.
  package static func shape(of checkpoint: Checkpoint) throws(DecoderError) -> DecoderShape {
    try DecoderFamily.shape(of: ModelConfiguration(folder: checkpoint.folder))
      .stored(in: checkpoint)
  }

  /// - Parameter shape: what the checkpoint is a model of.
  init(checkpoint: Checkpoint, shape: DecoderShape, endOfSequenceIDs: [Int] = []) throws {
    self.shape = shape
    self.checkpoint = checkpoint
    self.endOfSequenceIDs = endOfSequenceIDs
    let reader = WeightReader(checkpoint: checkpoint)
    var weights: [String: Weight] = [:]
    var vectors: [String: [Float]] = [:]
    for matrix in shape.matrices {
      weights[matrix.weightName] = try reader.weight(matrix)
      if let bias = try reader.bias(matrix) { vectors[matrix.biasName] = bias }
    }
    for norm in shape.norms { vectors[norm.tensor] = try reader.gain(norm) }
    self.weights = weights
    self.vectors = vectors
  }

  /// - Parameter matrix: one of the shape's.
  func weight(_ matrix: LinearShape) -> Weight {
    guard let weight = weights[matrix.weightName] else {
      preconditionFailure("\(matrix.weightName) is not part of the shape that was opened")
    }
    return weight
  }

  /// - Parameter linear: one of the shape's layers; nil where it has no bias.
  func bias(_ linear: LinearShape) -> [Float]? { vectors[linear.biasName] }

  /// - Parameter norm: one of the shape's.
  func gain(_ norm: NormShape) -> [Float] {
    guard let gain = vectors[norm.tensor] else {
      preconditionFailure("\(norm.tensor) is not part of the shape that was opened")
    }
    return gain
  }

  /// Every weight that takes part in a product or a look-up, and may therefore carry an update.
  var matrices: [Weight] { shape.matrices.map(weight) }

  /// Bytes that the weights of other types than bfloat16 take in that.
  var narrowedByteCount: Int {
    matrices.reduce(0) { $0 + ($1.isNarrow ? 0 : 2 * $1.outputs * $1.inputs) }
  }

  /// Whether weights that take so many bytes in bfloat16 are rounded to it once, to a copy that lies beside the mapped
  /// ones while they are served in that arithmetic. Larger ones are rounded for each product.
  package static func isNarrowedOnce(byteCount: Int) -> Bool {
    !MachineMemory.isFilled(by: byteCount)
  }
}
