package import StudyDesign
import Support

// How defences are called wherever a person reads of them. A defence of its own needs no line here:
// it is called by its method and parameters, and its strength "strength".

extension Treatment.Method {
  package var title: String { self == .lox ? "LoX" : rawValue }

  /// Whether it follows the alignment's leading directions, so that rank and α say all of it.
  package var isNamedByRank: Bool { [.none, .lox, .projection].contains(self) }
}

extension Treatment.Arm {
  /// What tells it from others in a table: LoX by its rank, other defences by all they are.
  package var title: String {
    if method.isNamedByRank, let rank = parameters["rank"] { return rank.text }
    return fullTitle
  }

  /// By all it is, whatever it is compared with: `LoX rank=6`, `expo`.
  package var fullTitle: String {
    method.title + (parameters.isEmpty ? "" : " \(parameters.text)")
  }

  /// The same within a sentence: `rank 6`; nil where there is nothing to say.
  package var place: String? {
    if method.isNamedByRank { return parameters["rank"].map { Self.name(rank: $0.text) } }
    return title
  }

  package static func name(rank: String) -> String { rank == "full" ? "full rank" : "rank \(rank)" }
}

extension Treatment {
  /// `α = 1.25`; of other defences than LoX `strength 0.5`.
  package var strengthText: String {
    let value = Number.text(strength)
    return method.isNamedByRank ? "α = \(value)" : "strength \(value)"
  }

  /// `LoX at rank 6 and α = 1.25`; of other defences all their parameters.
  package var title: String {
    if isNone { return "no defence" }
    if method == .lox, let place = arm.place { return "LoX at \(place) and \(strengthText)" }
    let settings = parameters.isEmpty ? "" : " (\(parameters.text))"
    return "\(method.title)\(settings) at \(strengthText)"
  }

  /// As one asks for it: `α = 1.25 at rank 6`.
  package var request: String {
    if method == .lox { return strengthText + (arm.place.map { " at \($0)" } ?? "") }
    return title
  }
}

/// How a study speaks of its defences together: of LoX by name where it has no other.
package struct DefenceWording: Equatable {
  private let methods: Set<Treatment.Method>

  init(_ treatments: some Sequence<Treatment>) {
    methods = Set(treatments.lazy.filter { !$0.isNone }.map(\.method))
  }

  private var isByRank: Bool { methods.allSatisfy(\.isNamedByRank) }

  /// How an arm is called among the study's others.
  package func title(_ arm: Treatment.Arm) -> String { isByRank ? arm.title : arm.fullTitle }

  /// The strength's name in tables and on axes.
  package var strength: String { isByRank ? "α" : "strength" }

  /// The arms' column.
  package var arm: String { isByRank ? "rank" : "defence" }

  /// What there is to choose.
  package var one: String { isByRank ? "α" : "defence" }

  /// What the choice is of, as a heading.
  package var choice: String { isByRank ? "α" : "a defence" }

  package var undefended: String { isByRank ? "without LoX" : "undefended" }

  /// The x axis.
  package var axis: String {
    isByRank
      ? "α, the strength of the extrapolation (0: without LoX)"
      : "the defence's strength (0: undefended)"
  }

  /// What else than the untreated model there is to choose.
  package var any: String { isByRank ? "α > 0" : "defence" }

  /// At a strength: `α = 1.25`.
  package func at(_ strength: Double) -> String {
    (isByRank ? "α = " : "strength ") + Number.text(strength)
  }
}
