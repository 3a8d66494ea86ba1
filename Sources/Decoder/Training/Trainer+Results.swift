package import Checkpoints
package import Foundation
import LinearAlgebra

extension Trainer {
  /// The adapters that were trained, B · A at scale 1, and the scale (alpha / rank) at which they
  /// are part of the model.
  package var adapter: ScaledLowRankUpdate {
    var update = LowRankUpdate()
    for (name, adapter) in decoder.adapters {
      update.tensors[name] = LowRankUpdate.Factors(
        left: adapter.b.matrix, right: adapter.a.matrix)
    }
    return ScaledLowRankUpdate(update, scale: recipe.scale)
  }

  /// What a low-rank update leaves of a full training.
  package struct Truncation: Codable, Hashable, Sendable {
    /// The largest rank of any tensor.
    package var rank: Int
    /// The share of ‖ΔW‖² that is kept, over all parameters; biases and norms are not part of a
    /// low-rank update and count as lost.
    package var energy: Double
  }

  /// The change of a full training as truncated singular value decompositions.
  ///
  /// - Parameters:
  ///   - energy: each matrix keeps the smallest rank that reaches this share of its ‖ΔW‖².
  ///   - maximumRank: and no more than this; nil sets no limit.
  package func truncatedChange(
    energy: Double, maximumRank: Int?,
    progress: (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws -> (update: LowRankUpdate, truncation: Truncation) {
    var update = LowRankUpdate()
    var (kept, total, largest) = (0.0, 0.0, 0)
    let initial = initialWeights
    let matrices = Set(model.shape.matrices.map(\.weightName))
    for (index, parameter) in decoder.parameters.enumerated() {
      let before = try initial(parameter.name)
      let after = parameter.matrix.elements
      let change = Matrix<Double>(
        rows: parameter.rows, columns: parameter.columns,
        elements: zip(after, before).map { Double($0) - Double($1) })
      let squared = change.squaredFrobeniusNorm
      total += squared
      if matrices.contains(parameter.name), squared > 0 {
        let svd = try change.leadingSingularTriplets(
          min(maximumRank ?? .max, change.rows, change.columns))
        var (rank, share) = (0, 0.0)
        while rank < svd.rank, share < energy * squared {
          share += svd.singularValues[rank] * svd.singularValues[rank]
          rank += 1
        }
        kept += share
        largest = max(largest, rank)
        update.tensors[parameter.name] = LowRankUpdate.Factors(
          left: svd.scaledLeft(rank: rank).rounded, right: svd.right.prefix(rows: rank).rounded)
      }
      try progress(index + 1, decoder.parameters.count)
    }
    return (update, Truncation(rank: largest, energy: total > 0 ? kept / total : 1))
  }

  /// Writes a fully trained model with the layout of the one it came from.
  ///
  /// - Parameter widensTrained: whether what was trained is written in float32, as it was trained, in place of the
  ///   types of the model it came from. Rounding to bfloat16 takes back every step that is less than half the
  ///   distance of two numbers there: with small learning rates most of them.
  package func writeCheckpoint(
    to folder: URL, widensTrained: Bool, additionalFiles: [String: Data] = [:]
  ) throws {
    let trained = Dictionary(uniqueKeysWithValues: decoder.parameters.map { ($0.name, $0) })
    let checkpoint = model.checkpoint
    let writer = try CheckpointWriter(
      to: folder, like: checkpoint,
      widening: widensTrained ? checkpoint.tensors { trained[$0] != nil } : [],
      additionalFiles: additionalFiles)
    for tensor in checkpoint.shards.flatMap(\.tensors) {
      let matrices = checkpoint.matrices(in: tensor)
      guard matrices.contains(where: { trained[$0] != nil }) else {
        try writer.copy(tensor.name, from: checkpoint)
        continue
      }
      let width = tensor.shape.last ?? 1
      let rows = tensor.elementCount / matrices.count / max(1, width)
      var untrained: (name: String, values: [Float])?
      // Row by row from where it was trained: of the largest matrix no copy is made.
      try writer.write(tensor.name, inPiecesOf: width) { range, piece in
        for begin in stride(from: range.lowerBound, to: range.upperBound, by: width) {
          let row = begin / width
          let name = matrices[row / rows]
          let (place, start) = (row % rows * width, begin - range.lowerBound)
          if let parameter = trained[name] {
            for index in 0..<width {
              unsafe piece[start + index] = parameter.value.start[place + index]
            }
          } else {
            if untrained?.name != name {
              untrained = (name, try checkpoint.floats(named: name))
            }
            for index in 0..<width {
              piece[start + index] = untrained?.values[place + index] ?? 0
            }
          }
        }
      }
    }
    try model.checkpoint.requireUnchanged()
    try writer.finish()
  }

  /// A tensor as training began, the stack included.
  private var initialWeights: (String) throws -> [Float] {
    let frozen = Dictionary(
      model.matrices.map { ($0.name, FrozenWeight($0, stack: stack)) },
      uniquingKeysWith: { first, _ in first })
    return { [pool, checkpoint = model.checkpoint] name in
      guard let weight = frozen[name] else { return try checkpoint.floats(named: name) }
      let all = weight.loadAll(pool)
      return unsafe Array(UnsafeBufferPointer(start: all.start, count: all.count))
    }
  }
}
