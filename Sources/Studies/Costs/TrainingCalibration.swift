import Attacks
import Checkpoints
import Decoder
import Defences
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import StudyDesign
import Support

/// Measures steps of a study's trainings, of each kind one.
struct TrainingCalibration {
  /// Trainings whose steps take about equally long for each token.
  private struct Kind: Hashable {
    let method: TrainingRecipe.Method
    let objective: TrainingRecipe.Objective
    let rank: Int
    let targets: [String]
    let arithmetic: Arithmetic?
    let optimizer: TrainingRecipe.Optimizer?
    let isCheckpointed: Bool

    init(_ recipe: TrainingRecipe) {
      (method, objective) = (recipe.method, recipe.objective)
      rank = method == .lora ? recipe.rank : 0
      targets = method == .lora ? recipe.targets : []
      (arithmetic, optimizer) = (recipe.arithmetic, recipe.optimizer)
      isCheckpointed = recipe.gradientCheckpointing == true
    }
  }

  let sweep: Sweep
  let plan: SweepPlan
  /// Bytes that are read and digested in a second.
  let digestRate: Double

  /// Measures, and adds what the trainings take.
  ///
  /// - Returns: the names of updates that are there already.
  func measure(_ calibration: inout StudyCalibration) throws -> Set<UpdateName> {
    let store = sweep.measurement.attackStore(sweep.attackStore)
    let model = AttackedModel(
      checkpoint: sweep.pair.aligned, chatFormat: sweep.chatFormat, targets: sweep.pair.targets)
    var digest: String?
    func originDigest() -> String {
      let found = digest ?? sweep.origin.digest()
      digest = found
      return found
    }
    // Of points along a training the last costs all of it.
    var last: [String: SweepPlan.PlannedAttack] = [:]
    var order: [String] = []
    var there: Set<UpdateName> = []
    for planned in plan.attacks where planned.attack.isKept {
      let recipe = try (planned.attack as? TrainedAttack)?.recordedRecipe(on: model)
      if store.seemsToHold(planned.attack, named: planned.name, recipe: recipe, on: originDigest) {
        there.insert(planned.name)
        continue
      }
      guard let known = last[planned.training] else {
        order.append(planned.training)
        last[planned.training] = planned
        continue
      }
      if planned.attack.passes > known.attack.passes { last[planned.training] = planned }
    }
    if !there.isEmpty {
      calibration.leaveOut(
        "\(there.count) of the attacks, which \(store.folder.relativePath) has by name, recipe and checkpoint"
      )
    }
    try add(order.compactMap { last[$0] }, model, &calibration)
    return there
  }

  private func add(
    _ trainings: [SweepPlan.PlannedAttack], _ model: AttackedModel,
    _ calibration: inout StudyCalibration
  ) throws {
    var paces: [Kind: TrainedAttack.Pace] = [:]
    var lengths: [String: Double] = [:]
    var (seconds, tokens, count) = (0.0, 0.0, 0)
    var others: [String] = []
    let memory = try MemoryEstimate(sweep.pair.aligned)
    for planned in trainings {
      guard let attack = planned.attack as? TrainedAttack else {
        others.append(planned.id.label)
        continue
      }
      let kind = Kind(attack.trainingRecipe)
      let length = try lengths[attack.set.digest] ?? attack.tokensOfADialogue(on: model)
      lengths[attack.set.digest] = length
      if paces[kind] == nil {
        calibration.events(.step("measuring steps of the training \(planned.id.label)"))
        paces[kind] = try attack.pace(
          on: model, threads: sweep.measurement.threads,
          within: StudyCalibration.trainingSeconds,
          check: { try Task.checkCancellation() })
      }
      guard let pace = paces[kind] else { continue }
      let all = length * Double(attack.dialoguesRead)
      seconds += pace.secondsToBegin + all * pace.secondsPerToken
      tokens += all
      count += 1
      if attack.isDense {
        // The checkpoint is written, and read once more for its digest.
        seconds += 2 * Double(model.checkpoint.byteCount) / digestRate
      } else if attack.trainingRecipe.method == .full {
        others.append("\(planned.id.label)'s cut to a low rank")
      }
      calibration.needs(
        memory.training(attack.trainingRecipe, longest: Int(2 * length)))
    }
    if count > 0 {
      calibration.add(
        .trainings, seconds: seconds,
        "\(count) training\(count == 1 ? "" : "s") over about \(Number.grouped(Int(tokens))) tokens, "
          + "\(Int((tokens / seconds).rounded())) a second")
    }
    if !others.isEmpty {
      let names = Set(others).sorted().joined(separator: ", ")
      calibration.leaveUntimed("\(others.count) attacks that nobody measures ahead: \(names)")
    }
  }
}
