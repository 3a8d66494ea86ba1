package import Foundation
import LinearAlgebra

extension Checkpoint {
  /// Writes a copy with a stack of scaled updates merged into the weights: W + Σ s · left · right,
  /// summed in float64 and rounded once to each tensor's element type.
  ///
  /// - Parameters:
  ///   - stack: updates of this checkpoint's tensors.
  ///   - folder: it appears only when complete.
  ///   - additionalFiles: further files by name; they replace copied ones.
  /// - Throws: `CheckpointError`: a tensor that an update names is missing or of another shape, or
  ///   the folder cannot be written.
  package func writeMerged(
    _ stack: [ScaledLowRankUpdate], to folder: URL,
    additionalFiles: [String: Data] = [:]
  ) throws {
    let changed = Set(stack.flatMap { $0.update.tensors.keys })
    for name in changed.sorted() where tensor(named: name) == nil {
      throw CheckpointError.tensor(name: name, file: self.folder.path, .missing)
    }
    let writer = try CheckpointWriter(
      to: folder, like: self, additionalFiles: additionalFiles)
    for name in shards.flatMap({ $0.tensors.map(\.name) }) {
      guard changed.contains(name) else {
        try writer.copy(name, from: self)
        continue
      }
      let shape = tensor(named: name)?.shape ?? []
      for factors in stack.compactMap({ $0.update.tensors[name] })
      where factors.rank > 0 && factors.shape != shape {
        throw CheckpointError.tensor(
          name: name, file: self.folder.path, .notAMatrix(shape: factors.shape))
      }
      var values = try floats(named: name)
      var span = values.mutableSpan
      LowRankSum(stack, of: name).add(rows: 0..<(shape.first ?? 0), to: &span)
      try writer.write(values, of: name)
    }
    try requireUnchanged()
    try writer.finish()
  }
}
