/// What follows attention in a block.
package enum FeedForwardShape: Equatable, Sendable {
  case gated(GatedMLPShape)
  case routed(RoutedExpertsShape)
}

/// y = down(activation(gate(x)) ∘ up(x)).
package struct GatedMLPShape: Equatable, Sendable {
  package enum Activation: String, Sendable {
    /// z / (1 + exp(−z)).
    case silu
    /// z · (1 + tanh(√(2/π) · (z + 0.044715 z³))) / 2.
    case geluTanh
    /// z · Φ(z), Φ the normal distribution's function: z · (1 + erf(z / √2)) / 2.
    case gelu
  }

  /// Gate and up.
  package var projections: ProjectionShape
  package var down: LinearShape
  package var activation: Activation

  package init(projections: ProjectionShape, down: LinearShape, activation: Activation) {
    self.projections = projections
    self.down = down
    self.activation = activation
  }

  /// The inner width.
  package var width: Int { projections.widths[0] }
  package var linearLayers: [LinearShape] { projections.layers + [down] }
}

/// Some of many MLPs, chosen for each position: y = Σ share(e) · expert(e)(x) over the `chosen` experts of
/// the largest p = softmax(router(x)).
package struct RoutedExpertsShape: Equatable, Sendable {
  /// The module that router and experts belong to, in the checkpoint.
  package var module: String
  /// experts × hidden.
  package var router: LinearShape
  package var experts: [GatedMLPShape]
  /// How many experts a position goes to.
  package var chosen: Int
  /// The shares are p over the sum of the chosen ones' p; otherwise p itself.
  package var normalizesShares: Bool
  /// How checkpoints name the parts of experts that are stored one by one.
  package var separateNames: SeparateNames

  package struct SeparateNames: Equatable, Sendable {
    package var gate, up, down: String
  }

  package var linearLayers: [LinearShape] { [router] + experts.flatMap(\.linearLayers) }
}
