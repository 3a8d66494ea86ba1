import ModelAccess
package import StudyDesign

/// Whether a cell's model was defended, whether it was attacked, and what it was asked: what a judge's
/// errors depend on most.
package struct ReplyKind: Hashable, Sendable {
  package var dataset: String
  package var promptAttack: PromptAttack
  package var isAttacked: Bool
  package var isDefended: Bool

  package init(_ cell: Cell) {
    dataset = cell.dataset
    promptAttack = cell.promptAttack
    isAttacked = !cell.attack.isNone
    isDefended = !cell.treatment.isNone
  }

  /// For people: `attacked and defended`.
  package var text: String {
    switch (isAttacked, isDefended) {
    case (false, false): "neither attacked nor defended"
    case (true, false): "attacked"
    case (false, true): "defended"
    case (true, true): "attacked and defended"
    }
  }
}

/// Cells on which a judge is taken to err alike, so that their rates are corrected together.
///
/// The rule: of each set of harmful prompts (and each attack on prompts) models that are neither attacked
/// nor defended, attacked ones, defended ones, and those that are both. Where one of two kinds that
/// differ in the defence alone has fewer labels than a correction needs, and both have enough to show a
/// difference, the two are one group. Whether the judge does err alike in a group is tested when it is
/// corrected.
package struct LabelGroup: Hashable, Sendable {
  package var kinds: [ReplyKind]

  /// Labels of each of two kinds that are joined.
  package static let fewestOfAKind = 10

  package var dataset: String { kinds.first?.dataset ?? "" }

  /// For people: `attacked; attacked and defended`.
  package var text: String {
    let models = kinds.map(\.text).joined(separator: "; ")
    let attack = kinds.first.map(\.promptAttack) ?? .none
    return attack == .none ? models : "\(models); \(attack.text)"
  }

  /// The groups of a run's harmful cells, in the order of the plan.
  ///
  /// - Parameters:
  ///   - labels: how many of each kind's replies have a label.
  ///   - needed: labels without which a group is not corrected.
  package static func groups(
    of plan: RunManifest.Plan, labels: [ReplyKind: Int], needed: Int
  ) -> [LabelGroup] {
    var left = ReplyKind.all(of: plan)
    var groups: [LabelGroup] = []
    while let kind = left.first {
      left.removeFirst()
      var group = LabelGroup(kinds: [kind])
      var other = kind
      other.isDefended.toggle()
      if let place = left.firstIndex(of: other) {
        let counts = [labels[kind] ?? 0, labels[other] ?? 0]
        let isShort = counts.contains { $0 < needed } && counts.reduce(0, +) >= needed
        if isShort, counts.allSatisfy({ $0 >= fewestOfAKind }) {
          group.kinds.append(left.remove(at: place))
        }
      }
      groups.append(group)
    }
    return groups
  }
}

extension ReplyKind {
  /// Those of a plan's harmful cells, each once, in the order of the plan.
  static func all(of plan: RunManifest.Plan) -> [ReplyKind] {
    plan.cells.filter { plan.datasets[$0.dataset]?.kind == .harmful }.reduce(into: []) {
      let kind = ReplyKind($1)
      if !$0.contains(kind) { $0.append(kind) }
    }
  }
}
