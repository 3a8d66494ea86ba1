import Foundation

extension Checkpoint {
  /// The tensors whose values are numbers of a type that is read.
  private var weightNames: [String] {
    tensorNames.filter { tensor(named: $0)?.dtype.elementType != nil }
  }

  /// Whether every weight has the bytes that it has in another checkpoint of the same tensors, whatever
  /// their configurations say. Reads up to the first that differs.
  ///
  /// - Throws: `CheckpointError.tensor` where the other lacks one.
  package func holdsTheWeights(of other: Checkpoint) throws(CheckpointError) -> Bool {
    for name in weightNames {
      let own = try WeightStream(name, in: self)
      let others = try WeightStream(name, in: other)
      guard own.count == others.count, try own.holdsTheBytes(of: others, count: own.count) else {
        return false
      }
    }
    return true
  }

  /// Refuses weights that are no numbers, as a training leaves that diverged. Reads all of them once.
  ///
  /// - Throws: `CheckpointError.tensor` that names the first such tensor.
  package func requireNumbers() throws(CheckpointError) {
    for name in weightNames {
      let weights = try WeightStream(name, in: self)
      var (count, first): (Int, Float?) = (0, nil)
      for start in stride(from: 0, to: weights.count, by: WeightStream.stretch) {
        let range = start..<min(start + WeightStream.stretch, weights.count)
        for value in try weights.floats(range) where !value.isFinite {
          count += 1
          first = first ?? value
        }
      }
      if let first {
        throw .tensor(
          name: name, file: folder.path,
          .notFinite(found: "\(first)", count: count, of: weights.count))
      }
    }
  }
}
