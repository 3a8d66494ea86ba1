import LinearAlgebra

extension LowRankUpdate {
  /// A stack of scaled updates as one: Σ s · left · right is `[s₁ left₁ | s₂ left₂ …] · [right₁;
  /// right₂; …]`, so ranks add up and nothing is rounded but the scaled left factors.
  package init(stack: [ScaledLowRankUpdate]) {
    var parts: [String: [Factors]] = [:]
    for layer in stack {
      for (name, factors) in layer.update.tensors where factors.rank > 0 {
        parts[name, default: []].append(
          Factors(left: factors.left.scaled(by: layer.scale), right: factors.right))
      }
    }
    self.init(
      tensors: parts.mapValues { parts in
        Factors(left: .sideBySide(parts.map(\.left)), right: .stacked(parts.map(\.right)))
      })
  }

  /// Whether it changes nothing: every product has a factor of zeros.
  package var isZero: Bool {
    tensors.values.allSatisfy { factors in
      factors.left.elements.allSatisfy { $0 == 0 } || factors.right.elements.allSatisfy { $0 == 0 }
    }
  }
}
