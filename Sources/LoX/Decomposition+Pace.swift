import Checkpoints
import LinearAlgebra
package import Support
import Synchronization

extension Decomposition {
  /// About how many seconds decomposing all of a pair takes, from some tensors of each shape.
  ///
  /// They are decomposed side by side as all would be, and what comes out is forgotten.
  ///
  /// - Parameters:
  ///   - rank, threads, memory: as for the decomposition itself.
  ///   - time: by which it is measured.
  package static func seconds(
    of pair: AlignmentPair, rank: Rank, threads: Int = WorkerPool.processorCount,
    memory: Int = 1 << 30, by time: any TimeSource = SystemTime()
  ) throws -> Double {
    struct Group {
      var names: [String] = []
    }
    var groups: [[Int]: Group] = [:]
    for name in pair.targetNames {
      let shape = try pair.commonRows(of: name)
      groups[[shape.rows, shape.columns], default: Group()].names.append(name)
    }
    // The largest go first, as long as there are several threads for those behind them.
    let sample = groups.sorted { $0.key[0] * $0.key[1] > $1.key[0] * $1.key[1] }
      .flatMap { $0.value.names.prefix(max(1, threads)) }
    let took = Took()
    let queue = TensorQueue(
      names: sample, memory: memory, readAhead: pair.adviseWillNeed,
      workingSet: { pair.workingSet(of: $0) })
    try queue.run(threads: threads) { name in
      let begin = time.now
      _ = try pair.decompose(name, rank: rank)
      pair.adviseDontNeed(name)
      let seconds = (time.now - begin).inSeconds
      took.seconds.withLock { $0[name] = seconds }
    }
    let seconds = took.seconds.withLock { $0 }
    var total = 0.0
    var longest = 0.0
    for group in groups.values {
      let measured = group.names.compactMap { seconds[$0] }
      guard !measured.isEmpty else { continue }
      let mean = measured.reduce(0, +) / Double(measured.count)
      let room = group.names.first.map { memory / max(1, pair.workingSet(of: $0)) } ?? 1
      total += mean * Double(group.names.count) / Double(max(1, min(threads, room)))
      longest = max(longest, mean)
    }
    return max(total, longest)
  }

  private final class Took: Sendable {
    let seconds = Mutex<[String: Double]>([:])
  }
}
