import Checkpoints
import LinearAlgebra

/// What is added to one tensor, a few rows at a time.
enum WeightChange {
  /// left · right, with rounded factors: for outputs of 8 or 11 bits a float32 sum moves a result by
  /// less than 1e-4 of a unit in its last place.
  case lowRank(left: FloatBuffer, right: FloatBuffer, rank: Int, columns: Int)
  /// left · right in float64, for float32 outputs.
  case exactLowRank(left: DoubleMatrix, right: DoubleMatrix)
  /// The whole of ΔW, up to the rows that both models have.
  case full(aligned: MappedWeights, base: MappedWeights, rows: Int, columns: Int)

  /// values += scale · change, for some rows.
  func add(_ scale: Double, rows: Range<Int>, to values: UnsafeMutablePointer<Float>) {
    switch self {
    case .lowRank(let left, let right, let rank, let columns):
      unsafe BLAS.multiply(
        rows: rows.count, columns: columns, inner: rank, scale: Float(scale),
        MatrixView(left.start + rows.lowerBound * rank, stride: rank),
        MatrixView(right.start, stride: columns), into: values, stride: columns,
        accumulates: true)
    case .exactLowRank(let left, let right):
      let change = left.rows(rows).multiplied(by: right)
      for (index, element) in change.elements.enumerated() {
        unsafe values[index] = Float(Double(values[index]) + scale * element)
      }
    case .full(let aligned, let base, let common, let columns):
      let count = rows.clamped(to: 0..<common).count * columns
      guard count > 0 else { return }
      let range = rows.lowerBound * columns..<rows.lowerBound * columns + count
      let (new, old) = (FloatBuffer(count: count), FloatBuffer(count: count))
      unsafe aligned.widen(range, into: new.start)
      unsafe base.widen(range, into: old.start)
      for index in 0..<count {
        let difference = unsafe Double(new.start[index]) - Double(old.start[index])
        unsafe values[index] = Float(Double(values[index]) + scale * difference)
      }
      base.letGo(range)
    }
  }
}

extension AlignmentPair {
  /// Proj_k(ΔW) of one tensor, or ΔW.
  func change(of name: String, rank: Rank, exact: Bool) throws -> WeightChange {
    guard rank != .full else {
      let shape = try commonRows(of: name)
      return .full(
        aligned: try MappedWeights(name, in: aligned), base: try MappedWeights(name, in: base),
        rows: shape.rows, columns: shape.columns)
    }
    let svd = try decompose(name, rank: rank, exact: exact)
    let left = svd.scaledLeft(rank: svd.rank)
    if aligned.tensor(named: name)?.dtype.elementType == .float32 {
      return .exactLowRank(left: left, right: svd.right)
    }
    return .lowRank(
      left: FloatBuffer(left.rounded.elements), right: FloatBuffer(svd.right.rounded.elements),
      rank: svd.rank, columns: svd.right.columns)
  }
}
