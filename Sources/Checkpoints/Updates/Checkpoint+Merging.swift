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
    for name in changed.sorted() {
      guard let shape = tensor(named: name)?.shape else {
        throw CheckpointError.tensor(name: name, file: self.folder.path, .missing)
      }
      for factors in stack.compactMap({ $0.update.tensors[name] })
      where factors.rank > 0 && factors.shape != shape {
        throw CheckpointError.tensor(
          name: name, file: self.folder.path, .notAMatrix(shape: factors.shape))
      }
    }
    let writer = try CheckpointWriter(
      to: folder, like: self, additionalFiles: additionalFiles)
    for tensor in shards.flatMap(\.tensors) {
      let matrices = matrices(in: tensor)
      guard matrices.contains(where: changed.contains) else {
        try writer.copy(tensor.name, from: self)
        continue
      }
      // One of an experts' tensor's matrices at a time.
      let size = tensor.elementCount / matrices.count
      try writer.write(tensor.name, inPiecesOf: max(1, size), most: size) { range, piece in
        let name = matrices[range.lowerBound / max(1, size)]
        var values = try floats(named: name)
        var span = values.mutableSpan
        let rows = self.tensor(named: name)?.shape.first ?? 0
        LowRankSum(stack, of: name).add(rows: 0..<rows, to: &span)
        for index in values.indices { piece[index] = values[index] }
      }
    }
    try requireUnchanged()
    try writer.finish()
  }

  /// The names by which updates change what a stored tensor holds: its own, those of its matrices where it
  /// holds experts, the embedding's where it is a head that is the embedding.
  package func matrices(in tensor: TensorDescription) -> [String] {
    if tensor.holdsExperts { return TensorSlice.names(of: tensor) }
    guard let tied = tiedHead, tied.copy == tensor.name else { return [tensor.name] }
    return [tied.name]
  }
}
