import Checkpoints
package import Foundation
import LinearAlgebra
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

  package init() {}
}

extension AlignmentPair {
  /// Writes W_LoX = W_aligned + α · Proj_k(ΔW) as a checkpoint with the aligned model's shards,
  /// element types and side files (LoX, arXiv 2506.15606, section 4).
  ///
  /// Tensors are taken one by one, as many at a time as there are threads and memory for; none stays
  /// in memory, so the checkpoint may be larger than it. A tensor that is no target, or that the
  /// alignment did not change, is copied byte for byte. Sums are rounded once to the tensor's element
  /// type (to nearest even). At full rank the result is W_aligned + α · ΔW, without a decomposition.
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
    let writer = try CheckpointWriter(
      to: output, like: aligned,
      continuation: CheckpointWriter.Continuation(
        key: continuationKey(rank: rank, alpha: alpha, exact: options.exact),
        resumes: options.resumes))
    let remaining = Set(writer.remaining)
    let names = aligned.shards.flatMap { $0.tensors.map(\.name) }.filter(remaining.contains)
    let queue = TensorQueue(names: names, memory: options.memory) { name in
      self.targets(in: name).first.map { self.workingSet(of: $0) } ?? 0
    }
    let total = aligned.tensorNames.count
    let counter = TensorCounter(done: total - names.count)
    var isDone = false
    defer { if !isDone { writer.abandon() } }
    // OpenBLAS computes on each of these threads by itself.
    try BLAS.withOneThread {
      try queue.run(threads: options.threads + Self.threadsThatWait) { name in
        defer { for checkpoint in [base, aligned] { checkpoint.adviseDontNeed(name) } }
        try writeExtrapolated(name, rank: rank, alpha: alpha, exact: options.exact, to: writer)
        try counter.countOne { try progress($0, total) }
      }
    }
    try requireUnchanged()
    try writer.finish()
    isDone = true
  }

  /// Threads beyond those that compute: while some read and write, the others keep the processors busy.
  /// On a 7B pair two more bring 50 s down to 31 s.
  private static let threadsThatWait = 2

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

  /// The targets that a stored tensor consists of; none where it is left alone.
  private func targets(in name: String) -> [String] {
    guard let tensor = aligned.tensor(named: name) else { return [] }
    return aligned.matrices(in: tensor).filter(isTarget.contains)
  }

  private func writeExtrapolated(
    _ name: String, rank: Rank, alpha: Double, exact: Bool, to writer: CheckpointWriter
  ) throws {
    let targets = targets(in: name)
    guard try targets.contains(where: { try !isUnchanged($0) }) else {
      try writer.copy(name, from: aligned)
      return
    }
    let weights = try MappedWeights(name, in: aligned)
    let shape = aligned.tensor(named: targets[0])?.shape ?? []
    let (rows, columns) = (shape[0], shape[1])
    // One change at a time is in memory: pieces end where matrices do.
    var current: (target: Int, change: WeightChange?)?
    try writer.write(
      name, inPiecesOf: columns,
      most: targets.count == 1 ? nil : columns * Self.rowsAtATime(of: rows, columns: columns)
    ) { range, piece in
      weights.widen(range, into: &piece)
      let target = range.lowerBound / (rows * columns)
      if current?.target != target {
        current = nil
        current = (
          target,
          try isUnchanged(targets[target])
            ? nil : change(of: targets[target], rank: rank, alpha: alpha, exact: exact)
        )
      }
      let first = range.lowerBound / columns - target * rows
      current?.change?.add(rows: first..<first + range.count / columns, to: &piece)
      weights.letGo(range)
    }
  }

  /// The most rows of a matrix, about a million values of them, that it consists of a whole number of.
  private static func rowsAtATime(of rows: Int, columns: Int) -> Int {
    let most = max(1, min(rows, (1 << 20) / max(1, columns)))
    return (1...most).last { rows % $0 == 0 } ?? 1
  }
}
