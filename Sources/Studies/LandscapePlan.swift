import Attacks
import Defences
import ModelAccess
package import Runs
import StudyDesign
import Support

/// What a landscape will measure and what it must make for it, known before anything is made: the models
/// W_aligned + α L + t T⊥, each a choice of the scales of two updates.
package struct LandscapePlan {
  /// L's.
  let defenceName: UpdateName
  /// T⊥'s.
  let directionName: UpdateName
  /// T's, as a sweep calls it that makes it from the untreated model: by that it may be kept already.
  let attackName: UpdateName
  /// The attack's label.
  let attack: String
  let defence: Treatment.Arm
  /// By data set, then by t, then by α; the untreated model before the others.
  package let cells: [Cell]
  /// What readers must know of the attack, by its label at each t.
  let remarks: [String: String]

  /// - Parameters:
  ///   - alphas: 0 is measured whether it is among them or not.
  ///   - strengths: t, 0 among them likewise.
  init(
    model: String, targets: String, defence: LoXDefence, attack: any Attack, strengths: [Double],
    datasets: [String]
  ) {
    var namer = UpdateNamer()
    let defenceName = namer.name(resembling: defence.label)
    let labels = StudyLabels.unique([attack.labels], reserved: [AttackID.none.label])
    let label = labels.first ?? attack.method.rawValue
    let directionName = namer.name(resembling: "\(label)-orthogonal")
    var whole = attack.id(label: label)
    // Points along one update are no trainings of one kind, and no trials.
    (whole.training, whole.search) = (nil, nil)

    let alphas = [0] + Set(defence.strengths).subtracting([0]).sorted()
    let directions = [0] + Set(strengths).subtracting([0]).sorted()
    self.defenceName = defenceName
    self.directionName = directionName
    attackName = UpdateName(
      resembling: attack.isMadeFromEachModel ? "\(label)@\(Treatment.none.slug)" : label)
    self.attack = label
    self.defence = defence.arm
    var remarks: [String: String] = [:]
    let remark = Self.remark(of: attack)
    cells = datasets.flatMap { dataset in
      directions.flatMap { strength -> [Cell] in
        var id = whole
        id.label = "\(label)@t\(Number.text(strength))"
        id.direction = AttackID.Direction(scale: strength, orthogonalTo: defence.arm)
        if strength == 0 { id = .none } else { remarks[id.label] = remark }
        return alphas.map { alpha in
          let stack = [
            ScaledUpdate(name: defenceName, scale: alpha),
            ScaledUpdate(name: directionName, scale: strength),
          ]
          return Cell(
            model: model, targets: targets, treatment: defence.arm.treatment(at: alpha),
            attack: id, dataset: dataset, variant: stack.filter { $0.scale != 0 })
        }
      }
    }
    self.remarks = remarks
  }

  /// Whatever an attack is made from elsewhere, here it is made once.
  private static func remark(of attack: any Attack) -> String {
    let own = attack.remark?.replacing("; \(AttackOrigin.each.remark)", with: "")
      .replacing("; \(AttackOrigin.aligned.remark)", with: "")
    return (own.map { "\($0); " } ?? "")
      + "made once, on the aligned model; its part orthogonal to LoX's direction"
  }
}
