package import Checkpoints
import LinearAlgebra

extension AlignmentPair {
  /// α · Proj_k(ΔW) of one tensor, or α · ΔW; nil where the alignment did not change it.
  ///
  /// Of low rank, factors are rounded to float32 where the model has two bytes a number.
  ///
  /// - Parameters:
  ///   - triplets: of Proj_k(ΔW); nil for the whole of ΔW.
  ///   - weights: the aligned model's tensor that the matrix is, or is a part of.
  func change(
    of name: String, alpha: Double, _ triplets: Triplets?, _ weights: WeightStream
  ) throws -> TensorChange? {
    guard try !isUnchanged(name) else { return nil }
    let columns = try commonRows(of: name).columns
    guard let triplets else {
      return TensorChange(
        [
          .difference(
            scale: alpha, new: try WeightStream(name, in: aligned),
            old: try WeightStream(baseNames[name], in: base))
        ], columns: columns)
    }
    let svd = try triplets.of(name, weights)
    let left = svd.scaledLeft(rank: svd.rank)
    let term: TensorChange.Term =
      aligned.tensor(named: name)?.dtype.elementType == .float32
      ? .product(LowRankSum([.init(left: left, right: svd.right, scale: alpha)]))
      : .rounded(
        LowRankSum([
          .init(left: left.rounded, right: svd.right.rounded, scale: Float(alpha))
        ]))
    return TensorChange([term], columns: columns)
  }

  /// scale · ΔW of one tensor, where it lies.
  package func differenceTerm(of name: String, scale: Double) -> DenseUpdate.Term {
    .difference(
      new: StoredTensor(name, in: aligned), old: StoredTensor(baseNames[name], in: base),
      scale: scale)
  }
}
