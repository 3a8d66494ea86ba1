import LinearAlgebra

extension LowRankUpdate {
  /// A stack of scaled updates as one: Σ s · left · right is `[s₁ left₁ | s₂ left₂ …] · [right₁;
  /// right₂; …]`, so ranks add up and nothing is rounded but the scaled left factors.
  package init(stack: [ScaledLowRankUpdate]) {
    var parts: [String: [(factors: Factors, scale: Double)]] = [:]
    for layer in stack {
      for (name, factors) in layer.update.tensors where factors.rank > 0 {
        parts[name, default: []].append((factors, layer.scale))
      }
    }
    self.init(tensors: parts.mapValues(Self.concatenated))
  }

  /// - Parameter parts: at least one, all of one shape.
  private static func concatenated(_ parts: [(factors: Factors, scale: Double)]) -> Factors {
    let rank = parts.reduce(0) { $0 + $1.factors.rank }
    let rows = parts[0].factors.left.rows
    var left = Matrix(rows: rows, columns: rank)
    var first = 0
    for (factors, scale) in parts {
      for row in 0..<rows {
        for column in 0..<factors.rank {
          left[row, first + column] = Float(Double(factors.left[row, column]) * scale)
        }
      }
      first += factors.rank
    }
    let right = Matrix(
      rows: rank, columns: parts[0].factors.right.columns,
      elements: parts.flatMap(\.factors.right.elements))
    return Factors(left: left, right: right)
  }

  /// Whether it changes nothing: every product has a factor of zeros.
  package var isZero: Bool {
    tensors.values.allSatisfy { factors in
      factors.left.elements.allSatisfy { $0 == 0 } || factors.right.elements.allSatisfy { $0 == 0 }
    }
  }
}
