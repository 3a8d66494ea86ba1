package import Checkpoints
package import Foundation
import Support

/// How an extrapolated checkpoint is written.
package struct ExtrapolationOptions: Sendable {
  /// By full singular value decompositions in float64 instead of the leading triplets.
  package var exact = false
  /// Tensors that are computed on at a time, about.
  package var threads = 1
  /// Bytes that the tensors being worked on may take together; a larger one goes alone.
  package var memory = 1 << 30
  /// Goes on where a killed process stopped.
  package var resumes = false
  /// Whether changed tensors are written in float32, whatever their own type.
  package var widensChanged = false
  /// Told what rounding leaves of the change; nil where nobody asks.
  package var rounding: RoundingTally?

  package init() {}
}

extension AlignmentPair {
  /// Writes W_LoX = W_aligned + α · Proj_k(ΔW) as a checkpoint with the aligned model's shards,
  /// element types and side files (LoX, arXiv 2506.15606, section 4).
  ///
  /// Tensors are taken one by one, as many at a time as there are threads and memory for; none stays
  /// in memory, so the checkpoint may be larger than it. A tensor that is no target, or that the
  /// alignment did not change, is copied byte for byte. Sums are rounded once to the element type
  /// that is written (to nearest even). At full rank the result is W_aligned + α · ΔW, without a decomposition.
  ///
  /// - Parameters:
  ///   - output: a folder that does not exist yet; until all is written it has another name.
  ///   - progress: called after each tensor with how many of how many are done, by one thread at a
  ///     time; what it throws ends the work.
  package func writeExtrapolated(
    rank: Rank, alpha: Double, options: ExtrapolationOptions = ExtrapolationOptions(),
    to output: URL,
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    // A run that goes on with another's asks for what is left.
    let triplets =
      rank == .full
      ? nil
      : try Triplets(of: self, rank: rank, exact: options.exact, asksForAll: !options.resumes)
    let readsBase = !(triplets?.areStored ?? false)
    var rewriting = RewritingOptions()
    rewriting.threads = options.threads
    rewriting.memory = options.memory
    rewriting.widensChanged = options.widensChanged
    rewriting.rounding = options.rounding
    rewriting.continuation = CheckpointWriter.Continuation(
      key: continuationKey(rank: rank, alpha: alpha, exact: options.exact)
        + (options.widensChanged ? " in float32" : ""),
      resumes: options.resumes)
    try aligned.writeChanged(
      to: output, options: rewriting,
      workingSet: { name in
        guard readsBase, self.isTarget.contains(name) else { return 0 }
        // The aligned weights stay in memory while ΔW is decomposed.
        let kept = aligned.isReadUncached ? aligned.tensor(named: name)?.byteRange.count ?? 0 : 0
        return self.workingSet(of: name) + kept
      },
      isChanged: { try self.isTarget.contains($0) && !self.isUnchanged($0) },
      change: { name, weights in
        defer { base.adviseDontNeed(baseNames[name]) }
        return try change(of: name, alpha: alpha, triplets, weights)
      },
      readAhead: { if readsBase, isTarget.contains($0) { base.adviseWillNeed(baseNames[$0]) } },
      requireUnchanged: { try base.requireUnchanged() }, progress: progress)
    triplets?.keep()
  }

  /// What decides the output's bytes, on one line.
  private func continuationKey(rank: Rank, alpha: Double, exact: Bool) -> String {
    // The weights themselves are known by their files' sizes and times: digests would read them all.
    let files = [base, aligned].flatMap { checkpoint in
      checkpoint.shards.map { shard in
        let path = checkpoint.folder.appending(path: shard.fileName).path
        let attributes = try? FileManager.default.attributesOfItem(atPath: path)
        let time = (attributes?[.modificationDate] as? Date)?.timeIntervalSince1970 ?? 0
        return "\(path) \(attributes?[.size] ?? 0) \(time)"
      }
    }
    return "LoX rank \(rank) alpha \(alpha) targets \(targets) exact \(exact) "
      + Digest.sha256(Data(files.joined(separator: "\n").utf8))
  }

  /// Bytes that one tensor's extrapolation takes: ΔW in float32, or what full decompositions need.
  func workingSet(of name: String, exact: Bool = false) -> Int {
    let count = aligned.tensor(named: name)?.elementCount ?? 0
    // In float64: ΔW, LAPACK's copy and work space, and the singular vectors.
    return count * (exact ? 8 * 5 : 4)
  }
}
