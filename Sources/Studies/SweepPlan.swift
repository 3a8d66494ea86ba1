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
    /// Of a repair that depends on it, the attack that it repairs.
    var attack: UpdateName?
  }

  /// An attack on one model of the study.
  struct PlannedAttack {
    let attack: any Attack
    let id: AttackID
    let name: UpdateName
    /// The defences on the model that it starts from.
    let stack: [ScaledUpdate]

    /// Whether both are points of one training.
    func isTaken(fromTheTrainingOf other: PlannedAttack) -> Bool {
      id.step != nil && other.id.step != nil && id.method == other.id.method
        && id.recipe == other.id.recipe && stack == other.stack
    }
  }

  /// Before the attacks.
  private(set) var defences: [PlannedDefence]
  private(set) var attacks: [PlannedAttack]
  /// After them; those that change an attack's scale alone are not among them.
  private(set) var repairs: [PlannedDefence]
  /// The rows of the study's table: the untreated model first, under each attack and on each set.
  package private(set) var cells: [Cell]
  /// What readers must know of an attack, by its label.
  let remarks: [String: String]

  init(
    model: String, targets: String, defences: [any Defence], attacks: [any Attack],
    datasets: [String], promptAttacks: [PromptAttack] = [], on promptAttacked: Set<String> = []
  ) {
    var namer = UpdateNamer()
    let planned = defences.filter { !$0.isRepair }.map {
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
    var attacked: [(id: AttackID, variants: [[ScaledUpdate]])] = []
    var remarks: [String: String] = [:]
    for (attack, label) in zip(attacks, labels) {
      let id = attack.id(label: label)
      remarks[label] = attack.remark
      func plan(_ name: String, _ stack: [ScaledUpdate]) -> [ScaledUpdate] {
        let name = namer.name(resembling: name)
        made.append(PlannedAttack(attack: attack, id: id, name: name, stack: stack))
        return [ScaledUpdate(name: name, scale: 1)]
      }
      if attack.isMadeFromEachModel {
        attacked.append(
          (
            id,
            treatments.map { treatment, stack in
              attack.stack(of: stack) ?? stack + plan("\(label)@\(treatment.slug)", stack)
            }
          ))
      } else {
        let update = plan(label, [])
        attacked.append((id, treatments.map { $0.stack + update }))
      }
    }

    // Repairs mend the attack on the untreated model, as whoever has no base model at hand before the
    // attack would.
    let mended = attacked.compactMap { attack -> (id: AttackID, update: UpdateName)? in
      // What does nothing to the untreated model has nothing to be mended.
      guard let stack = attack.variants.first, stack.count == 1 else { return nil }
      return (attack.id, stack[0].name)
    }
    var repairs = RepairPlan()
    for defence in defences where defence.isRepair {
      for (id, attack) in mended { repairs.add(defence, of: attack, id, &namer) }
    }

    self.defences = planned
    self.attacks = made
    self.repairs = repairs.updates
    self.remarks = remarks
    let repaired = repairs.models
    cells = datasets.flatMap { dataset -> [Cell] in
      func cell(
        _ index: Int, _ attack: AttackID, _ prompt: PromptAttack, _ variant: [ScaledUpdate]
      ) -> Cell {
        Cell(
          model: model, targets: targets, treatment: treatments[index].treatment, attack: attack,
          promptAttack: prompt, dataset: dataset, variant: variant)
      }
      return ([.none] + (promptAttacked.contains(dataset) ? promptAttacks : [])).flatMap { prompt in
        treatments.indices.map { cell($0, .none, prompt, treatments[$0].stack) }
          + attacked.flatMap { attack in
            treatments.indices.map { cell($0, attack.id, prompt, attack.variants[$0]) }
              + repaired.filter { $0.attack == attack.id }.map {
                Cell(
                  model: model, targets: targets, treatment: $0.treatment, attack: $0.attack,
                  promptAttack: prompt, dataset: dataset, variant: $0.stack)
              }
          }
      }
    }
  }
}

extension SweepPlan {
  /// The plan of some of its cells, with what must be made for them and nothing else.
  func part(of cells: [Cell]) -> SweepPlan {
    var part = self
    part.cells = cells
    var needed = Set(cells.flatMap { $0.variant.map(\.name) })
    part.repairs = repairs.filter { needed.contains($0.name) }
    needed.formUnion(part.repairs.compactMap(\.attack))
    part.attacks = attacks.filter { needed.contains($0.name) }
    needed.formUnion(part.attacks.flatMap { $0.stack.map(\.name) })
    part.defences = defences.filter { needed.contains($0.name) }
    return part
  }
}

/// What repairs add to a plan.
private struct RepairPlan {
  struct Model {
    let treatment: Treatment
    let attack: AttackID
    let stack: [ScaledUpdate]
  }

  private(set) var updates: [SweepPlan.PlannedDefence] = []
  private(set) var models: [Model] = []
  /// Updates that serve every attack, by their defence.
  private var shared: [Treatment.Arm: UpdateName] = [:]

  /// A repair of one attacked model, at each of its strengths.
  mutating func add(
    _ defence: any Defence, of attack: UpdateName, _ id: AttackID, _ namer: inout UpdateNamer
  ) {
    // Whether it has an update of its own shows at any strength: WiSE-FT scales the attack's.
    var own: UpdateName?
    if defence.attackScale(at: 1) == 1 {
      own = shared[defence.arm]
      if own == nil {
        let label = defence.dependsOnAttack ? "\(defence.label)@\(attack)" : defence.label
        let name = namer.name(resembling: label)
        updates.append(
          SweepPlan.PlannedDefence(
            defence: defence, name: name, attack: defence.dependsOnAttack ? attack : nil))
        if !defence.dependsOnAttack { shared[defence.arm] = name }
        own = name
      }
    }
    for strength in defence.strengths where strength != 0 {
      var stack: [ScaledUpdate] = []
      let kept = defence.attackScale(at: strength)
      if kept != 0 { stack.append(ScaledUpdate(name: attack, scale: kept)) }
      if let own { stack.append(ScaledUpdate(name: own, scale: strength)) }
      models.append(
        Model(treatment: defence.arm.treatment(at: strength), attack: id, stack: stack))
    }
  }
}
