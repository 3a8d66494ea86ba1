package import Checkpoints
import Foundation
package import LinearAlgebra

/// A base model and the aligned model made from it: ΔW = W_aligned − W_base, tensor by tensor.
package struct AlignmentPair: Sendable {
  package let base: Checkpoint
  package let aligned: Checkpoint
  package let targets: Targets
  /// The tensors that the method changes, sorted by name.
  package let targetNames: [String]

  /// Checks that every target exists in both models with the same shape.
  package init(base: Checkpoint, aligned: Checkpoint, targets: Targets) throws(LoXError) {
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
      // A vocabulary may have grown by added tokens: their rows have no counterpart.
      let hasGrown = Self.isVocabulary(name) && other.shape.dropFirst() == tensor.shape.dropFirst()
      guard other.shape == tensor.shape || hasGrown else {
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

  /// Whether a tensor has a row for each token.
  private static func isVocabulary(_ name: String) -> Bool {
    ["embed_tokens.weight", "lm_head.weight"].contains { name == $0 || name.hasSuffix(".\($0)") }
  }

  /// Tensors whose vocabularies differ in size: rows of added tokens are left as they are.
  package var grownVocabularies: [(name: String, base: Int, aligned: Int)] {
    targetNames.compactMap { name in
      guard let old = base.tensor(named: name)?.shape.first,
        let new = aligned.tensor(named: name)?.shape.first, old != new
      else { return nil }
      return (name, old, new)
    }
  }

  /// Every parameter that can be subtracted, sorted: stored as numbers in both models, of one shape but for
  /// the number of tokens.
  package var comparableTensors: [String] {
    aligned.tensorNames.filter { name in
      guard let new = aligned.tensor(named: name), let old = base.tensor(named: name),
        new.dtype.elementType != nil, old.dtype.elementType != nil
      else { return false }
      return new.shape == old.shape
        || (Self.isVocabulary(name) && new.shape.dropFirst() == old.shape.dropFirst())
    }
  }

  /// Checks that the files of both models are those that were opened, and were not written since.
  ///
  /// - Throws: `CheckpointError.fileSystem` with `changed`.
  package func requireUnchanged() throws(CheckpointError) {
    for checkpoint in [base, aligned] { try checkpoint.requireUnchanged() }
  }

  /// Decomposes one tensor's ΔW.
  ///
  /// - Parameter exact: by a full SVD instead of the leading triplets alone.
  package func decompose(
    _ name: String, rank: Rank, exact: Bool = false
  ) throws -> SingularValueDecomposition {
    do {
      let svd: SingularValueDecomposition
      if let count = rank.most, !exact {
        let shape = try commonRows(of: name)
        // A small matrix is decomposed in float64, and then deserves its differences in float64 too.
        let isTruncated = Matrix<Float>.isWorthTruncating(
          rows: shape.rows, columns: shape.columns, count: count)
        svd =
          isTruncated
          ? try floatDifference(of: name).leadingSingularTriplets(count)
          : try difference(of: name).leadingSingularTriplets(count)
      } else {
        svd = try difference(of: name).singularValueDecomposition()
      }
      return svd.truncated(to: rank.kept(of: svd))
        .withRows(aligned.tensor(named: name)?.shape.first)
    } catch let error as LinearAlgebraError {
      throw LoXError.decomposition(name: name, reason: "\(error)")
    }
  }
}
