/// What is added to one tensor, a few of its rows at a time: low-rank products, and differences
/// between checkpoints that are never held whole.
package struct TensorChange: Sendable {
  package enum Term: Sendable {
    /// A product in float32, for outputs of two bytes.
    case rounded(LowRankSum<Float>)
    /// A product in float64.
    case product(LowRankSum<Double>)
    /// scale · (new − old), up to the values that both have: where one vocabulary has more rows than
    /// the other, the first ones.
    case difference(scale: Double, new: WeightStream, old: WeightStream)
    /// scale · values, as many as the tensor has.
    case values([Double], scale: Double)
  }

  /// Values in a row; for a tensor of one dimension all of them.
  package let columns: Int
  private let terms: [Term]

  package init(_ terms: [Term], columns: Int) {
    self.terms = terms
    self.columns = max(1, columns)
  }

  /// values += change, over a range of whole rows; where all is not of float32 products, summed in
  /// float64 and rounded once.
  ///
  /// - Throws: `CheckpointError.fileSystem` where a checkpoint cannot be read.
  package func add(
    _ range: Range<Int>, to values: inout MutableSpan<Float>
  ) throws(CheckpointError) {
    let rows = range.lowerBound / columns..<range.upperBound / columns
    var (isExact, hasProduct) = (false, false)
    for term in terms {
      switch term {
      case .rounded(let sum): sum.add(rows: rows, to: &values)
      case .product: (isExact, hasProduct) = (true, true)
      case .difference, .values: isExact = true
      }
    }
    guard isExact else { return }
    // A few rows at a time: memory for all of them would be taken from the system, and given back, with every piece.
    // Products take all at once, as more rows do in less time.
    let group = hasProduct ? max(1, rows.count) : max(1, Self.valuesAtATime / columns)
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: group) {
      let some = first * columns..<min(first + group, rows.upperBound) * columns
      let offset = some.lowerBound - range.lowerBound
      var sums = [Double](capacity: some.count) { output in
        for index in 0..<some.count { output.append(Double(values[offset + index])) }
      }
      var span = sums.mutableSpan
      try addExactly(some, to: &span)
      for index in 0..<some.count { values[offset + index] = Float(span[index]) }
    }
  }

  /// Values whose sums, in float64, stay in a processor's cache.
  private static let valuesAtATime = 1 << 13

  /// sums += all of the change that is not of float32 products, without rounding.
  package func addExactly(
    _ range: Range<Int>, to sums: inout MutableSpan<Double>
  ) throws(CheckpointError) {
    let rows = range.lowerBound / columns..<range.upperBound / columns
    for term in terms {
      switch term {
      case .rounded: continue
      case .product(let sum): sum.add(rows: rows, to: &sums)
      case .difference(let scale, let new, let old):
        let common = range.clamped(to: 0..<min(new.count, old.count))
        guard common.lowerBound == range.lowerBound, !common.isEmpty else { continue }
        let (newer, older) = (try new.floats(common), try old.floats(common))
        for index in 0..<common.count {
          sums[index] += scale * (Double(newer[index]) - Double(older[index]))
        }
      case .values(let values, let scale):
        for index in 0..<range.count {
          sums[index] += scale * values[range.lowerBound + index]
        }
      }
    }
  }
}
