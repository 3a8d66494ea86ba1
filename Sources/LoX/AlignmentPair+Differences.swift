package import Checkpoints
import Foundation
package import LinearAlgebra

extension AlignmentPair {
  /// ΔW of one tensor, subtracted in float64 (exact for values of the three element types).
  package func difference(of name: String) throws -> Matrix<Double> {
    let shape = try commonRows(of: name)
    let old = try base.floats(named: baseNames[name])
    let new = try aligned.floats(named: name)
    let count = shape.rows * shape.columns
    return Matrix<Double>(
      rows: shape.rows, columns: shape.columns,
      elements: zip(new[..<count], old[..<count]).map { Double($0) - Double($1) })
  }

  /// ΔW of one tensor, subtracted in float32: to half a unit in its last place.
  ///
  /// The two tensors are read a stretch at a time, so that what is in memory is ΔW.
  ///
  /// - Parameter weights: the aligned model's, where somebody reads them again afterwards: they stay in memory too. Those
  ///   of a tensor of experts are read for each.
  package func floatDifference(
    of name: String, _ weights: WeightStream? = nil
  ) throws -> FloatMatrix {
    let shape = try commonRows(of: name)
    let own = weights.flatMap { $0.name == name ? $0 : nil }
    own?.keepAll()
    let new = try own ?? WeightStream(name, in: aligned)
    let old = try WeightStream(baseNames[name], in: base)
    let count = shape.rows * shape.columns
    return unsafe try FloatMatrix(rows: shape.rows, columns: shape.columns) { target in
      try unsafe new.subtract(old, in: 0..<count, into: target)
    }
  }

  /// The shape of ΔW: where one vocabulary has more rows than the other, those of the smaller.
  func commonRows(of name: String) throws(LoXError) -> (rows: Int, columns: Int) {
    let (new, old) = (
      aligned.tensor(named: name)?.shape ?? [], base.tensor(named: baseNames[name])?.shape ?? []
    )
    guard new.count == 2, old.count == 2, new[1] == old[1] else {
      throw .shapeMismatch(name: name, base: old, aligned: new)
    }
    return (min(new[0], old[0]), new[1])
  }

  /// Whether both models hold the same bytes, so that there is nothing to extrapolate.
  /// Refuses a pair of the same model twice, whose every extrapolation would be that model.
  package func requireChange() throws {
    guard try targetNames.allSatisfy({ try isUnchanged($0) }) else { return }
    throw LoXError.noChange(base: base.folder.path, aligned: aligned.folder.path)
  }

  func isUnchanged(_ name: String) throws -> Bool {
    guard let old = base.tensor(named: baseNames[name]), let new = aligned.tensor(named: name),
      old.shape == new.shape
    else { return false }
    return try WeightStream(name, in: aligned).holdsTheBytes(
      of: WeightStream(baseNames[name], in: base), count: new.elementCount)
  }
}
