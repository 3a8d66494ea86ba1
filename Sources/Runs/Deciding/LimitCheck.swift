import ModelAccess
import Scoring
package import StudyDesign

/// One limit on one cell, by one judge.
package struct LimitCheck: Hashable, Sendable {
  package var rule: GateRule
  package var limit: Double
  package var cell: CellID
  package var judge: String

  package init(rule: GateRule, limit: Double, cell: CellID, judge: String) {
    self.rule = rule
    self.limit = limit
    self.cell = cell
    self.judge = judge
  }
}

extension RunManifest.Plan {
  /// The cells that differ in what is asked of whom.
  package var distinctCells: [Cell] {
    var seen: Set<CellID> = []
    return cells.filter { seen.insert($0.id).inserted }
  }

  /// What a gate checks of a run by itself: every model with a defence, or the one model where there is
  /// none; attack success on harmful sets before and after every attack, over-refusal and utility on
  /// benign ones before any.
  package func checks(_ limits: GateLimits) -> [LimitCheck] {
    let isDefended = cells.contains { !$0.treatment.isNone }
    let chosen = distinctCells.filter { !isDefended || !$0.treatment.isNone }
    let rules: [GateRule] = [
      .maximumSuccessRate, .maximumIncrease, .maximumOverRefusal, .minimumUtility,
    ]
    return rules.flatMap { rule -> [LimitCheck] in
      guard let limit = limits[rule] else { return [] }
      return chosen.compactMap { cell in
        judge(of: rule, on: cell).map {
          LimitCheck(rule: rule, limit: limit, cell: cell.id, judge: $0)
        }
      }
    }
  }

  /// Whose verdict a limit rests on; nil where the cell does not measure it.
  private func judge(of rule: GateRule, on cell: Cell) -> String? {
    let judges = judges(of: cell.dataset)
    let isBenign = datasets[cell.dataset]?.kind == .benign
    switch rule {
    case .maximumSuccessRate, .maximumIncrease: return isBenign ? nil : judges.first
    case .maximumOverRefusal:
      return isBenign && cell.attack.isNone
        ? judges.first { $0 != ExactMatchJudge.name } : nil
    case .minimumUtility:
      return isBenign && cell.attack.isNone
        ? judges.first { $0 == ExactMatchJudge.name } : nil
    default: return nil
    }
  }
}
