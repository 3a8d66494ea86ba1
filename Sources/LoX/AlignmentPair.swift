package import Checkpoints
import Foundation
package import LinearAlgebra

/// A base model and the aligned model made from it: ΔW = W_aligned − W_base, tensor by tensor.
package struct AlignmentPair: Sendable {
  package let base: Checkpoint
  package let aligned: Checkpoint
  package let targets: Targets
  /// The tensors that the method changes, sorted by name.
  ///
  /// A matrix that is both embedding and head is one of them, and of a tensor of three dimensions each matrix
  /// is (`TensorSlice`).
  package let targetNames: [String]
  let isTarget: Set<String>
  /// What the base calls the aligned model's tensors.
  let baseNames: BaseNames
  /// Where decompositions are kept from one command to the next; nil keeps none.
  package var decompositions: DecompositionStore?

  /// Checks that every target exists in both models with the same shape.
  package init(base: Checkpoint, aligned: Checkpoint, targets: Targets) throws(LoXError) {
    self.base = base
    self.aligned = aligned
    self.targets = targets
    let baseNames = BaseNames(base: base, aligned: aligned)
    self.baseNames = baseNames
    var names: [String] = []
    for tensor in aligned.tensorNames.compactMap(aligned.tensor(named:)) {
      // One matrix is edited once, whatever names it has.
      guard tensor.shape.count >= 2, targets.includes(tensor.name),
        tensor.name != aligned.tiedHead?.copy
      else { continue }
      guard tensor.shape.count == 2 || tensor.holdsExperts else {
        throw .tooManyDimensions(name: tensor.name, shape: tensor.shape)
      }
      guard let other = base.tensor(named: baseNames[tensor.name]) else {
        throw .missingFromBase(name: tensor.name, folder: base.folder.path)
      }
      // A vocabulary may have grown by added tokens: their rows have no counterpart.
      let hasGrown =
        Self.isVocabulary(tensor.name) && other.shape.dropFirst() == tensor.shape.dropFirst()
      guard other.shape == tensor.shape || hasGrown else {
        throw .shapeMismatch(name: tensor.name, base: other.shape, aligned: tensor.shape)
      }
      for type in [tensor.dtype, other.dtype] where type.elementType == nil {
        throw .notNumeric(name: tensor.name, elementType: type.name)
      }
      // Each expert's matrix is decomposed by itself.
      names += tensor.holdsExperts ? TensorSlice.names(of: tensor) : [tensor.name]
    }
    let counterparts = Set(aligned.tensorNames.map { baseNames[$0] })
    for name in base.tensorNames where !counterparts.contains(name) {
      guard let shape = base.tensor(named: name)?.shape, shape.count >= 2, targets.includes(name)
      else { continue }
      // Of a matrix that is both embedding and head the aligned model may store either name.
      if let tied = base.tiedHead, [tied.name, tied.copy].contains(name), aligned.hasTiedHead {
        continue
      }
      throw .missingFromAligned(name: name, folder: aligned.folder.path)
    }
    guard !names.isEmpty else { throw .noTargets(targets: "\(targets)") }
    targetNames = names
    isTarget = Set(names)
  }

  /// Whether a tensor has a row for each token.
  private static func isVocabulary(_ name: String) -> Bool {
    ["embed_tokens.weight", "lm_head.weight"].contains { name == $0 || name.hasSuffix(".\($0)") }
  }

  /// Tensors whose vocabularies differ in size: rows of added tokens are left as they are.
  package var grownVocabularies: [(name: String, base: Int, aligned: Int)] {
    targetNames.compactMap { name in
      guard let old = base.tensor(named: baseNames[name])?.shape.first,
        let new = aligned.tensor(named: name)?.shape.first, old != new
      else { return nil }
      return (name, old, new)
    }
  }

  /// Every parameter that can be subtracted, sorted: stored as numbers in both models, of one shape but for
  /// the number of tokens. Experts' matrices are parameters each, and a matrix of two names is one.
  package var comparableTensors: [String] {
    let stored = aligned.tensorNames.compactMap(aligned.tensor(named:)).filter { new in
      guard let old = base.tensor(named: baseNames[new.name]), new.dtype.elementType != nil,
        old.dtype.elementType != nil
      else { return false }
      return new.shape == old.shape
        || (Self.isVocabulary(new.name) && new.shape.dropFirst() == old.shape.dropFirst())
    }
    return Set(stored.flatMap(aligned.matrices(in:))).sorted()
  }

  /// Checks that the files of both models are those that were opened, and were not written since.
  ///
  /// - Throws: `CheckpointError.fileSystem` with `changed`.
  package func requireUnchanged() throws(CheckpointError) {
    for checkpoint in [base, aligned] { try checkpoint.requireUnchanged() }
  }

  /// Asks the kernel to read a tensor of both models ahead.
  package func adviseWillNeed(_ name: String) {
    base.adviseWillNeed(baseNames[name])
    aligned.adviseWillNeed(name)
  }

  /// Lets the kernel drop a tensor's pages of both models.
  package func adviseDontNeed(_ name: String) {
    base.adviseDontNeed(baseNames[name])
    aligned.adviseDontNeed(name)
  }

  /// Decomposes one tensor's ΔW.
  ///
  /// - Parameter exact: by a full SVD instead of the leading triplets alone.
  package func decompose(
    _ name: String, rank: Rank, exact: Bool = false
  ) throws -> SingularValueDecomposition {
    cut(try triplets(of: name, most: rank.most, exact: exact), of: name, to: rank)
  }

  /// The leading triplets of one tensor's ΔW.
  ///
  /// - Parameters:
  ///   - most: how many; nil for all.
  ///   - weights: the aligned model's, where somebody reads them again afterwards.
  func triplets(
    of name: String, most: Int?, exact: Bool, _ weights: WeightStream? = nil
  ) throws -> SingularValueDecomposition {
    do {
      guard let most else { return try difference(of: name).singularValueDecomposition() }
      if exact {
        return try difference(of: name).singularValueDecomposition().truncated(to: most)
      }
      let shape = try commonRows(of: name)
      // A small matrix is decomposed in float64, and then deserves its differences in float64 too.
      return FloatMatrix.isWorthTruncating(rows: shape.rows, columns: shape.columns, count: most)
        ? try floatDifference(of: name, weights).leadingSingularTriplets(most)
        : try difference(of: name).leadingSingularTriplets(most)
    } catch let error as LinearAlgebraError {
      throw LoXError.decomposition(name: name, reason: "\(error)")
    }
  }

  /// Of a tensor's triplets those that a rank keeps, with rows of zeros for tokens that the base does not have.
  func cut(
    _ triplets: SingularValueDecomposition, of name: String, to rank: Rank
  ) -> SingularValueDecomposition {
    triplets.truncated(to: rank.kept(of: triplets))
      .withRows(aligned.tensor(named: name)?.shape.first)
  }
}

/// What the base of a pair calls the aligned model's tensors: the same under its own prefixes, but for a
/// matrix that is both embedding and head, which either may store under either name.
struct BaseNames: Sendable {
  private let base, aligned: Checkpoint.Naming
  private let others: [String: String]

  init(base: Checkpoint, aligned: Checkpoint) {
    (self.base, self.aligned) = (base.naming, aligned.naming)
    let (embedding, head) = ("model.embed_tokens.weight", "lm_head.weight")
    var others: [String: String] = [:]
    if let tied = base.tiedHead {
      for name in [embedding, head] {
        let own = self.base.stored(name)
        others[self.aligned.stored(name)] = base.tensor(named: own) == nil ? tied.name : own
      }
    } else if let tied = aligned.tiedHead {
      // Of a base with two matrices, the embedding.
      others[tied.name] = self.base.stored(embedding)
    }
    self.others = others
  }

  subscript(_ name: String) -> String {
    others[name] ?? (base == aligned ? name : base.stored(aligned.plain(name)))
  }
}
