import Foundation
import LinearAlgebra
import Support

/// One tensor of a checkpoint.
package struct StoredTensor: Sendable {
  package let name: String
  package let checkpoint: Checkpoint

  package init(_ name: String, in checkpoint: Checkpoint) {
    self.name = name
    self.checkpoint = checkpoint
  }
}

/// A change of full rank to some of a checkpoint's tensors: for each a sum of differences between
/// checkpoints and of low-rank products.
///
/// Nothing of it is held but where it comes from; it is formed a few rows at a time where it is added.
/// ExPO is the difference of a pair, a full fine-tuning that of its result and its start.
package struct DenseUpdate: Sendable {
  package enum Term: Sendable {
    /// scale · (new − old).
    case difference(new: StoredTensor, old: StoredTensor, scale: Double)
    case product(LowRankUpdate.Factors, scale: Double)
    /// Values that are computed when they are needed, row-major; none for no change.
    case computed(scale: Double, values: @Sendable () throws -> [Double])
  }

  /// By the checkpoint's own tensor name; vectors are among them.
  package let tensors: [String: [Term]]
  /// What identifies it: `sha256:` and 64 hexadecimal digits.
  package let digest: String

  /// - Parameter identity: all that decides the values, such as digests of the checkpoints; it stands
  ///   for them, so that nobody reads them to tell two updates apart.
  package init(identity: String, tensors: [String: [Term]]) {
    self.tensors = tensors
    digest = Digest.sha256(Data("dense\n\(identity)".utf8))
  }
}

extension DenseUpdate {
  /// What turns one checkpoint into another of the same tensors.
  ///
  /// - Throws: `CheckpointError.tensor` where one of them has a tensor that the other has not, or of another
  ///   shape.
  package init(
    from start: Checkpoint, to end: Checkpoint, identity: String = ""
  ) throws(CheckpointError) {
    var tensors: [String: [Term]] = [:]
    for (one, other) in [(start, end), (end, start)] {
      for name in one.tensorNames {
        guard let shape = other.tensor(named: name)?.shape else {
          throw .tensor(name: name, file: other.folder.path, .missing)
        }
        guard let own = one.tensor(named: name), own.shape == shape else {
          throw .tensor(
            name: name, file: other.folder.path,
            .otherShape(expected: one.tensor(named: name)?.shape ?? [], found: shape))
        }
        guard own.dtype.elementType != nil else { continue }
        for matrix in one.matrices(in: own) {
          tensors[matrix] = [
            .difference(
              new: StoredTensor(matrix, in: end), old: StoredTensor(matrix, in: start), scale: 1)
          ]
        }
      }
    }
    self.init(identity: identity, tensors: tensors)
  }
}

extension DenseUpdate {
  /// What turns a checkpoint with a stack of updates on it into another checkpoint: end − start − Σ scale ·
  /// update, so that with the stack it gives the end's weights, whatever they are rounded to.
  ///
  /// - Throws: as `init(from:to:identity:)`.
  package init(
    from start: Checkpoint, with stack: [ScaledWeightUpdate], to end: Checkpoint, identity: String
  ) throws(CheckpointError) {
    var tensors = try DenseUpdate(from: start, to: end).tensors
    for layer in stack {
      for name in layer.update.tensorNames {
        tensors[name, default: []] += layer.update.terms(of: name, scale: -layer.scale)
      }
    }
    self.init(identity: identity, tensors: tensors)
  }
}

/// A change of weights in either form.
package enum WeightUpdate: Sendable {
  /// Served as an adapter, at any scale.
  case lowRank(LowRankUpdate)
  /// Served merged into a checkpoint of its own.
  case dense(DenseUpdate)

  /// The names of the tensors that it changes.
  package var tensorNames: [String] {
    switch self {
    case .lowRank(let update): update.tensors.keys.sorted()
    case .dense(let update): update.tensors.keys.sorted()
    }
  }

  package func digest() -> String {
    switch self {
    case .lowRank(let update): update.digest()
    case .dense(let update): update.digest
    }
  }

  /// nil where it is of full rank.
  package var lowRank: LowRankUpdate? {
    if case .lowRank(let update) = self { update } else { nil }
  }

  package var isDense: Bool { lowRank == nil }

  /// What it is of one tensor, at a scale; empty where it leaves it alone.
  package func terms(of name: String, scale: Double) -> [DenseUpdate.Term] {
    switch self {
    case .lowRank(let update):
      update.tensors[name].map { [.product($0, scale: scale)] } ?? []
    case .dense(let update):
      (update.tensors[name] ?? []).map { term in
        switch term {
        case .difference(let new, let old, let own):
          .difference(new: new, old: old, scale: own * scale)
        case .product(let factors, let own): .product(factors, scale: own * scale)
        case .computed(let own, let values): .computed(scale: own * scale, values: values)
        }
      }
    }
  }
}

/// An update at a scale: one layer of the stack that makes a model of a study out of its checkpoint.
package struct ScaledWeightUpdate: Sendable {
  package var update: WeightUpdate
  package var scale: Double

  package init(_ update: WeightUpdate, scale: Double) {
    self.update = update
    self.scale = scale
  }

  package init(_ scaled: ScaledLowRankUpdate) {
    self.init(.lowRank(scaled.update), scale: scaled.scale)
  }
}

extension Checkpoint {
  /// What a stack of updates adds to one tensor; nil where nothing does.
  ///
  /// - Throws: `CheckpointError.tensor` where an update names a tensor that is missing or of another
  ///   shape; what computing values throws.
  package func change(
    of name: String, by stack: [ScaledWeightUpdate]
  ) throws -> TensorChange? {
    var terms: [TensorChange.Term] = []
    let shape = tensor(named: name)?.shape
    for layer in stack {
      for term in layer.update.terms(of: name, scale: layer.scale) {
        guard let shape else {
          throw CheckpointError.tensor(name: name, file: folder.path, .missing)
        }
        switch term {
        case .difference(let new, let old, let scale):
          terms.append(
            .difference(
              scale: scale, new: try WeightStream(new.name, in: new.checkpoint),
              old: try WeightStream(old.name, in: old.checkpoint)))
        case .product(let factors, let scale):
          guard factors.rank > 0 else { continue }
          guard factors.shape == shape else {
            throw CheckpointError.tensor(
              name: name, file: folder.path, .notAMatrix(shape: factors.shape))
          }
          terms.append(
            .product(
              LowRankSum([
                .init(
                  left: Matrix<Double>(factors.left), right: Matrix<Double>(factors.right),
                  scale: scale)
              ])))
        case .computed(let scale, let values):
          let values = try values()
          if !values.isEmpty { terms.append(.values(values, scale: scale)) }
        }
      }
    }
    return terms.isEmpty ? nil : TensorChange(terms, columns: shape?.last ?? 1)
  }
}
