package import Foundation
import LinearAlgebra

/// How a changed checkpoint is written.
package struct RewritingOptions: Sendable {
  /// Tensors that are computed on at a time, about.
  package var threads = 1
  /// Bytes that the tensors being worked on may take together; a larger one goes alone.
  package var memory = 1 << 30
  /// Further files by name; they replace copied ones.
  package var additionalFiles: [String: Data] = [:]
  /// Makes the work one that can be gone on with when the process is killed.
  package var continuation: CheckpointWriter.Continuation?

  package init() {}
}

extension Checkpoint {
  /// Writes a copy with changed tensors: the same shards, element types and side files.
  ///
  /// Tensors are taken one by one, as many at a time as there are threads and memory for; none stays
  /// in memory, so the checkpoint may be larger than it. A tensor without a change is copied byte for
  /// byte. Sums are rounded once to the tensor's element type (to nearest even).
  ///
  /// - Parameters:
  ///   - output: a folder that does not exist yet; until all is written it has another name.
  ///   - workingSet: bytes that forming a tensor's change takes.
  ///   - change: what is added to the tensor of a name; nil for nothing. Called by several threads.
  ///   - requireUnchanged: checks the other files that changes are formed of, at the end.
  ///   - progress: called after each tensor with how many of how many are done, by one thread at a
  ///     time; what it throws ends the work.
  package func writeChanged(
    to output: URL, options: RewritingOptions = RewritingOptions(),
    workingSet: @escaping (String) -> Int = { _ in 0 },
    change: @escaping @Sendable (_ name: String) throws -> TensorChange?,
    requireUnchanged requireOthers: () throws -> Void = {},
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    let writer = try CheckpointWriter(
      to: output, like: self, additionalFiles: options.additionalFiles,
      continuation: options.continuation)
    let remaining = Set(writer.remaining)
    let names = shards.flatMap { $0.tensors.map(\.name) }.filter(remaining.contains)
    let queue = TensorQueue(names: names, memory: options.memory, workingSet: workingSet)
    let total = tensorNames.count
    let counter = TensorCounter(done: total - names.count)
    var isDone = false
    defer { if !isDone { writer.abandon() } }
    // OpenBLAS computes on each of these threads by itself.
    try BLAS.withOneThread {
      try queue.run(threads: options.threads + Self.threadsThatWait) { name in
        defer { self.adviseDontNeed(name) }
        if let change = try change(name) {
          let weights = try MappedWeights(name, in: self)
          try writer.write(name, inPiecesOf: change.columns) { range, piece in
            weights.widen(range, into: &piece)
            change.add(range, to: &piece)
            weights.letGo(range)
          }
        } else {
          try writer.copy(name, from: self)
        }
        try counter.countOne { try progress($0, total) }
      }
    }
    try requireUnchanged()
    try requireOthers()
    try writer.finish()
    isDone = true
  }

  /// Threads beyond those that compute: while some read and write, the others keep the processors busy.
  /// On a 7B pair two more bring 50 s down to 31 s.
  private static let threadsThatWait = 2

  /// Writes a copy with a stack of scaled updates merged into the weights, summed in float64 and
  /// rounded once to each tensor's element type.
  ///
  /// - Throws: `CheckpointError`: a tensor that an update names is missing or of another shape, or
  ///   the folder cannot be written.
  package func writeMerged(
    _ stack: [ScaledWeightUpdate], to folder: URL, options: RewritingOptions = RewritingOptions(),
    progress: @escaping @Sendable (_ done: Int, _ total: Int) throws -> Void = { _, _ in }
  ) throws {
    for name in Set(stack.flatMap { $0.update.tensorNames }).sorted()
    where tensor(named: name) == nil {
      throw CheckpointError.tensor(name: name, file: self.folder.path, .missing)
    }
    try writeChanged(
      to: folder, options: options, change: { try self.change(of: $0, by: stack) },
      progress: progress)
  }
}
