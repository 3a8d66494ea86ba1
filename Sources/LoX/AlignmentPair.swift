public import Checkpoints
import Foundation
public import LinearAlgebra

/// A base model and the aligned model made from it: ΔW = W_aligned − W_base, tensor by tensor.
public struct AlignmentPair: Sendable {
  public let base: Checkpoint
  public let aligned: Checkpoint
  public let targets: Targets
  /// The tensors that the method changes, sorted by name.
  public let targetNames: [String]

  /// Checks that every target exists in both models with the same shape.
  public init(base: Checkpoint, aligned: Checkpoint, targets: Targets) throws(LoXError) {
    self.base = base
    self.aligned = aligned
    self.targets = targets
    var names: [String] = []
    for name in aligned.tensorNames {
      guard let tensor = aligned.tensor(named: name), tensor.shape.count >= 2,
        targets.includes(name)
      else { continue }
      guard tensor.shape.count == 2 else {
        throw .tooManyDimensions(name: name, shape: tensor.shape)
      }
      guard let other = base.tensor(named: name) else {
        throw .missingFromBase(name: name, folder: base.folder.path)
      }
      guard other.shape == tensor.shape else {
        throw .shapeMismatch(name: name, base: other.shape, aligned: tensor.shape)
      }
      for type in [tensor.dtype, other.dtype] where type.elementType == nil {
        throw .notNumeric(name: name, elementType: type.name)
      }
      names.append(name)
    }
    for name in base.tensorNames where aligned.tensor(named: name) == nil {
      guard let shape = base.tensor(named: name)?.shape, shape.count >= 2, targets.includes(name)
      else { continue }
      throw .missingFromAligned(name: name, folder: aligned.folder.path)
    }
    guard !names.isEmpty else { throw .noTargets(targets: "\(targets)") }
    targetNames = names
  }

  /// ΔW of one tensor, subtracted in float64 (exact for values of the three element types).
  public func difference(of name: String) throws -> DoubleMatrix {
    let old = try base.floats(named: name)
    let new = try aligned.floats(named: name)
    let shape = aligned.tensor(named: name)?.shape ?? []
    return DoubleMatrix(
      rows: shape[0], columns: shape[1],
      elements: zip(new, old).map { Double($0) - Double($1) })
  }

  /// Decomposes one tensor's ΔW.
  ///
  /// - Parameter exact: by a full SVD instead of the leading triplets alone.
  public func decompose(
    _ name: String, rank: Rank, exact: Bool = false
  ) throws -> SingularValueDecomposition {
    let difference = try difference(of: name)
    do {
      switch rank {
      case .leading(let count) where !exact:
        return try difference.leadingSingularTriplets(count)
      case .leading(let count):
        return try difference.singularValueDecomposition().truncated(to: count)
      case .full:
        return try difference.singularValueDecomposition()
      }
    } catch {
      throw LoXError.decomposition(name: name, reason: "\(error)")
    }
  }
}
