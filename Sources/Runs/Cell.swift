package import ModelAccess
package import StudyDesign

/// One model of a study on one dataset: a row of its table.
package struct Cell: Codable, Hashable, Sendable {
  /// Its key in the journal.
  package var id: CellID
  /// The aligned checkpoint's name.
  package var model: String
  /// Which tensors defences change; empty where none is in question.
  package var targets: String
  package var treatment: Treatment
  package var attack: AttackID
  package var promptAttack: PromptAttack
  package var dataset: String
  /// The updates that make up the model.
  package var variant: [ScaledUpdate]
  /// What it is compared with: the untreated model under the same attack, on the same prompts. nil for
  /// that model itself.
  package var baseline: CellID?

  enum CodingKeys: String, CodingKey {
    case id, model, targets, treatment, attack, dataset, variant, baseline
    case promptAttack = "prompt_attack"
  }

  package init(
    model: String, targets: String, treatment: Treatment, attack: AttackID,
    promptAttack: PromptAttack = .none, dataset: String, variant: [ScaledUpdate]
  ) {
    self.id = CellID(
      treatment: treatment, attack: attack, promptAttack: promptAttack, dataset: dataset)
    self.model = model
    self.targets = targets
    self.treatment = treatment
    self.attack = attack
    self.promptAttack = promptAttack
    self.dataset = dataset
    self.variant = variant
    baseline =
      treatment.isNone
      ? nil
      : CellID(treatment: .none, attack: attack, promptAttack: promptAttack, dataset: dataset)
  }

  /// Whether the id is the one that the cell's factors give: those of runs begun under schema 1 are not.
  var hasDerivedID: Bool {
    id
      == CellID(
        treatment: treatment, attack: attack, promptAttack: promptAttack, dataset: dataset)
  }

  /// What the model and the prompts went through, for people.
  package var attackLabel: String {
    PromptAttack.label(attack: attack.label, promptAttack: promptAttack.text)
  }

  /// Whether nothing was done to it but the treatment.
  package var isUnattacked: Bool { attack.isNone && promptAttack.isNone }

  /// Names the model alone, whatever it is asked, for people and for files: `r6-a1.25-identity-shift`.
  package var modelLabel: String { "\(treatment.slug)-\(attack.label)" }
}
