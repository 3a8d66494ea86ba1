package import Checkpoints
package import LinearAlgebra
import Synchronization

/// The singular triplets of every target's ΔW: computed once, sliced to any smaller rank.
package struct Decomposition: Sendable {
  /// By tensor name.
  package let tensors: [String: SingularValueDecomposition]
  package let rank: Rank

  /// Of nothing: for studies that ask for no directions.
  package static let empty = Decomposition()

  private init() {
    tensors = [:]
    rank = .leading(0)
  }

  /// - Parameters:
  ///   - rank: the largest that will be asked for.
  ///   - exact: by full SVDs.
  ///   - threads: tensors that are computed on at a time, about.
  ///   - memory: bytes that those may take together; a larger one goes alone.
  ///   - progress: called after each tensor with how many of how many are done, by one thread at a
  ///     time; what it throws ends the work.
  package init(
    of pair: AlignmentPair, rank: Rank, exact: Bool = false,
    threads: Int = WorkerPool.processorCount, memory: Int = 1 << 30,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    let found = Found()
    let total = pair.targetNames.count
    let triplets = try Triplets(of: pair, rank: rank, exact: exact)
    let queue = TensorQueue(
      names: pair.targetNames, memory: memory,
      readAhead: triplets.areStored ? nil : pair.adviseWillNeed,
      workingSet: { pair.workingSet(of: $0) })
    try queue.run(threads: TensorQueue.threads(computing: threads, on: pair.aligned)) { name in
      let svd = try triplets.of(name)
      pair.adviseDontNeed(name)
      try found.tensors.withLock { found in
        found[name] = svd
        try progress(found.count, total)
      }
    }
    try pair.requireUnchanged()
    triplets.keep()
    tensors = found.tensors.withLock { $0 }
    self.rank = rank
  }

  /// What the threads have found so far.
  private final class Found: Sendable {
    let tensors = Mutex<[String: SingularValueDecomposition]>([:])
  }

  /// The low-rank update Proj_k(ΔW) = U_k S_k V_kᵀ: LoX at α is this update at scale α.
  ///
  /// Tensors that the alignment did not change have no factors.
  package func update(rank: Rank) -> LowRankUpdate {
    var update = LowRankUpdate()
    for (name, svd) in tensors {
      let kept = rank.kept(of: svd)
      guard kept > 0 else { continue }
      update.tensors[name] = LowRankUpdate.Factors(
        left: svd.scaledLeft(rank: kept).rounded, right: svd.right.prefix(rows: kept).rounded)
    }
    return update
  }
}
