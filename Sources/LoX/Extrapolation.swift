import Checkpoints
public import Foundation
import LinearAlgebra

extension AlignmentPair {
  /// Writes W_LoX = W_aligned + α · Proj_k(ΔW) as a checkpoint with the aligned model's shards,
  /// element types and side files (LoX, arXiv 2506.15606, section 4).
  ///
  /// The sum is taken in float64 and rounded once to the tensor's element type. At full rank it is
  /// W_aligned + α · ΔW, without a decomposition.
  ///
  /// - Parameters:
  ///   - output: a folder that does not exist yet.
  ///   - progress: called after each target with how many of how many are done.
  public func writeExtrapolated(
    rank: Rank, alpha: Double, exact: Bool = false, to output: URL,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    let names = Set(targetNames)
    var done = 0
    let writer = try CheckpointWriter(to: output, like: aligned)
    for name in aligned.shards.flatMap({ $0.tensors.map(\.name) }) {
      let isTarget = names.contains(name)
      if isTarget, let values = try extrapolated(name, rank: rank, alpha: alpha, exact: exact) {
        try writer.write(values, of: name)
      } else {
        try writer.copy(name, from: aligned)
      }
      for checkpoint in [base, aligned] { checkpoint.adviseDontNeed(name) }
      if isTarget {
        done += 1
        progress(done, names.count)
      }
    }
    try writer.finish()
  }

  /// One tensor of the extrapolated model, row-major; nil where the alignment did not change it.
  func extrapolated(
    _ name: String, rank: Rank, alpha: Double, exact: Bool
  ) throws -> [Float]? {
    let change: DoubleMatrix
    switch rank {
    case .full:
      change = try difference(of: name)
      guard change.elements.contains(where: { $0 != 0 }) else { return nil }
    case .leading:
      let svd = try decompose(name, rank: rank, exact: exact)
      guard svd.rank > 0 else { return nil }
      change = svd.scaledLeft(rank: svd.rank).multiplied(by: svd.right)
    }
    return zip(try aligned.floats(named: name), change.elements).map {
      Float(Double($0) + alpha * $1)
    }
  }
}
