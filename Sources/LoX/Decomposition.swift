public import Checkpoints
public import LinearAlgebra

/// The singular triplets of every target's ΔW: computed once, sliced to any smaller rank.
public struct Decomposition: Sendable {
  /// By tensor name.
  public let tensors: [String: SingularValueDecomposition]
  public let rank: Rank

  /// - Parameters:
  ///   - rank: the largest that will be asked for.
  ///   - exact: by full SVDs.
  ///   - progress: called after each tensor with how many of how many are done.
  public init(
    of pair: AlignmentPair, rank: Rank, exact: Bool = false,
    progress: (_ done: Int, _ total: Int) -> Void = { _, _ in }
  ) throws {
    var tensors: [String: SingularValueDecomposition] = [:]
    for (index, name) in pair.targetNames.enumerated() {
      tensors[name] = try pair.decompose(name, rank: rank, exact: exact)
      progress(index + 1, pair.targetNames.count)
    }
    self.tensors = tensors
    self.rank = rank
  }

  /// The low-rank update Proj_k(ΔW) = U_k S_k V_kᵀ: LoX at α is this update at scale α.
  ///
  /// Tensors that the alignment did not change have no factors.
  public func update(rank: Rank) -> LowRankUpdate {
    var update = LowRankUpdate()
    for (name, svd) in tensors {
      let kept: Int
      switch rank {
      case .leading(let count): kept = min(count, svd.rank)
      case .full: kept = svd.rank
      }
      guard kept > 0 else { continue }
      update.tensors[name] = LowRankUpdate.Factors(
        left: svd.scaledLeft(rank: kept).rounded, right: svd.right.prefix(rows: kept).rounded)
    }
    return update
  }
}
