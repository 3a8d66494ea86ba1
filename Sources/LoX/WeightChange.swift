import Checkpoints
import LinearAlgebra

/// What LoX adds to one tensor at one α, a few rows at a time.
enum WeightChange {
  /// α · Proj_k(ΔW) with factors rounded to float32, for outputs of two bytes.
  case rounded(LowRankSum<Float>)
  /// α · Proj_k(ΔW) in float64, for float32 outputs.
  case exact(LowRankSum<Double>)
  /// α · ΔW, up to the rows that both models have.
  case full(alpha: Double, aligned: MappedWeights, base: MappedWeights, rows: Int, columns: Int)

  /// values += change, for some rows.
  func add(rows: Range<Int>, to values: inout MutableSpan<Float>) {
    switch self {
    case .rounded(let sum): sum.add(rows: rows, to: &values)
    case .exact(let sum): sum.add(rows: rows, to: &values)
    case .full(let alpha, let aligned, let base, let common, let columns):
      let count = rows.clamped(to: 0..<common).count * columns
      guard count > 0 else { return }
      let range = rows.lowerBound * columns..<rows.lowerBound * columns + count
      let (new, old) = (aligned.floats(range), base.floats(range))
      for index in 0..<count {
        let difference = Double(new[index]) - Double(old[index])
        values[index] = Float(Double(values[index]) + alpha * difference)
      }
      base.letGo(range)
    }
  }
}

extension AlignmentPair {
  /// α · Proj_k(ΔW) of one tensor, or α · ΔW.
  func change(of name: String, rank: Rank, alpha: Double, exact: Bool) throws -> WeightChange {
    guard rank != .full else {
      let shape = try commonRows(of: name)
      return .full(
        alpha: alpha, aligned: try MappedWeights(name, in: aligned),
        base: try MappedWeights(baseNames[name], in: base), rows: shape.rows, columns: shape.columns
      )
    }
    let svd = try decompose(name, rank: rank, exact: exact)
    let left = svd.scaledLeft(rank: svd.rank)
    if aligned.tensor(named: name)?.dtype.elementType == .float32 {
      return .exact(LowRankSum([.init(left: left, right: svd.right, scale: alpha)]))
    }
    return .rounded(
      LowRankSum([
        .init(left: left.rounded, right: svd.right.rounded, scale: Float(alpha))
      ]))
  }
}
