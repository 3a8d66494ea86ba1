package import LinearAlgebra

/// What scaled low-rank changes add to one weight, W + Σ s · left · right, some of its rows at a time.
///
/// The one place below the decoder that forms the sum. `LowRankSum<Double>` computes in float64 and
/// rounds each value once. `LowRankSum<Float>` computes in float32: for outputs of 8 or 11 bits that
/// moves a result by less than 1e-4 of a unit in its last place.
package struct LowRankSum<Element: BinaryFloatingPoint & Sendable>: Sendable {
  /// s · left · right.
  package struct Term: Sendable {
    /// out × rank.
    let left: Matrix<Element>
    /// rank × in.
    let right: Matrix<Element>
    let scale: Element

    /// - Precondition: `left.columns == right.rows`.
    package init(left: Matrix<Element>, right: Matrix<Element>, scale: Element) {
      precondition(left.columns == right.rows)
      self.left = left
      self.right = right
      self.scale = scale
    }
  }

  private let terms: [Term]

  /// - Precondition: all terms have the weight's shape.
  package init(_ terms: [Term]) {
    self.terms = terms
  }
}

extension LowRankSum<Double> {
  /// What a stack of updates adds to the weight of one name.
  package init(_ stack: [ScaledLowRankUpdate], of name: String) {
    self.init(
      stack.compactMap { layer in
        guard let factors = layer.update.tensors[name], factors.rank > 0 else { return nil }
        return Term(
          left: Matrix<Double>(factors.left), right: Matrix<Double>(factors.right),
          scale: layer.scale)
      })
  }

  /// values += Σ s · left · right, each value rounded once.
  ///
  /// - Parameters:
  ///   - rows: rows of the weight.
  ///   - values: what they hold, rows.count × in, row-major.
  package func add(rows: Range<Int>, to values: inout MutableSpan<Float>) {
    guard !terms.isEmpty else { return }
    var sums = [Double](capacity: values.count) { output in
      for index in values.indices { output.append(Double(values[index])) }
    }
    var span = sums.mutableSpan
    add(rows: rows, to: &span)
    for index in values.indices { values[index] = Float(span[index]) }
  }

  /// The same in float64, without rounding.
  package func add(rows: Range<Int>, to sums: inout MutableSpan<Double>) {
    for term in terms {
      let change = term.left.rows(rows).multiplied(by: term.right).elements
      precondition(change.count == sums.count)
      for index in sums.indices { sums[index] += term.scale * change[index] }
    }
  }
}

extension LowRankSum<Float> {
  /// values += Σ s · left · right, in float32.
  ///
  /// - Parameters:
  ///   - rows: rows of the weight.
  ///   - values: what they hold, rows.count × in, row-major.
  package func add(rows: Range<Int>, to values: inout MutableSpan<Float>) {
    for term in terms {
      term.left.addProduct(rows: rows, by: term.right, scale: term.scale, to: &values)
    }
  }
}
