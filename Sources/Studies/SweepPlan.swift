import Attacks
import Defences
import ModelAccess
package import Runs
import StudyDesign

/// What a sweep will measure and what it must make for it, known before anything is made.
package struct SweepPlan {
  /// A defence's update, made once and scaled for every strength.
  struct PlannedDefence {
    let defence: any Defence
    let name: UpdateName
  }

  /// An attack on one model of the study.
  struct PlannedAttack {
    let attack: any Attack
    let id: AttackID
    let name: UpdateName
    /// The defences on the model that it starts from.
    let stack: [ScaledUpdate]
  }

  let defences: [PlannedDefence]
  let attacks: [PlannedAttack]
  /// The rows of the study's table: the untreated model first, under each attack and on each set.
  package let cells: [Cell]
  /// What readers must know of an attack, by its label.
  let remarks: [String: String]

  init(
    model: String, targets: String, defences: [any Defence], attacks: [any Attack],
    datasets: [String]
  ) {
    var namer = UpdateNamer()
    let planned = defences.map {
      PlannedDefence(defence: $0, name: namer.name(resembling: $0.label))
    }
    // Every treatment with the stack that makes it.
    var treatments: [(treatment: Treatment, stack: [ScaledUpdate])] = [(.none, [])]
    var seen: Set<Treatment> = [.none]
    for entry in planned {
      for strength in entry.defence.strengths {
        let treatment = entry.defence.arm.treatment(at: strength)
        guard seen.insert(treatment).inserted else { continue }
        treatments.append((treatment, [ScaledUpdate(name: entry.name, scale: strength)]))
      }
    }

    let labels = StudyLabels.unique(attacks.map(\.labels), reserved: [AttackID.none.label])
    var made: [PlannedAttack] = []
    // By attack, then as the treatments.
    var attacked: [(id: AttackID, updates: [UpdateName])] = []
    var remarks: [String: String] = [:]
    for (attack, label) in zip(attacks, labels) {
      let id = attack.id(label: label)
      remarks[label] = attack.remark
      func plan(_ name: String, _ stack: [ScaledUpdate]) -> UpdateName {
        let name = namer.name(resembling: name)
        made.append(PlannedAttack(attack: attack, id: id, name: name, stack: stack))
        return name
      }
      if attack.isMadeFromEachModel {
        attacked.append(
          (id, treatments.map { plan("\(label)@\($0.treatment.slug)", $0.stack) }))
      } else {
        let name = plan(label, [])
        attacked.append((id, treatments.map { _ in name }))
      }
    }

    self.defences = planned
    self.attacks = made
    self.remarks = remarks
    cells = datasets.flatMap { dataset -> [Cell] in
      func cell(_ index: Int, _ attack: AttackID, _ updates: [UpdateName]) -> Cell {
        Cell(
          model: model, targets: targets, treatment: treatments[index].treatment, attack: attack,
          dataset: dataset,
          variant: treatments[index].stack + updates.map { ScaledUpdate(name: $0, scale: 1) })
      }
      return treatments.indices.map { cell($0, .none, []) }
        + attacked.flatMap { attack in
          treatments.indices.map { cell($0, attack.id, [attack.updates[$0]]) }
        }
    }
  }
}
