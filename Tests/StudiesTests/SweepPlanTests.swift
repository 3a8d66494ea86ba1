import Attacks
import Checkpoints
import Decoder
import Defences
import Foundation
import LoX
import ModelAccess
import Runs
import StudyDesign
import Support
import Synchronization
import TestSupport
import Testing

@testable import Studies

/// An attack that adds a fixed update, and counts how often it is made.
final class FixedAttack: Attack {
  let labels: [String]
  let isMadeFromEachModel: Bool
  let recipe: String
  let isKept = true
  let seed: UInt64? = nil
  let remark: String? = nil
  let method = AttackID.Method.lora
  private let update: LowRankUpdate
  private let earlier: String?
  private let made = Mutex(0)

  init(
    _ labels: [String], fromEach: Bool = false, recipe: String = "fixed",
    update: LowRankUpdate = LowRankUpdate(), earlier: String? = nil
  ) {
    self.labels = labels
    self.earlier = earlier
    isMadeFromEachModel = fromEach
    self.recipe = recipe
    self.update = update
  }

  var count: Int { made.withLock { $0 } }

  func earlierRecipe(on model: AttackedModel) -> String? { earlier }

  func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    made.withLock { $0 += 1 }
    return AttackResult(update: update)
  }
}

@Suite struct SweepPlanTests {
  static func plan(
    _ attacks: [any Attack], ranks: [Rank] = [.leading(6)], alphas: [Double] = [0, 1],
    datasets: [String] = ["set"]
  ) -> SweepPlan {
    SweepPlan(
      model: "m", targets: "all",
      defences: ranks.map { LoXDefence(rank: $0, strengths: alphas) }, attacks: attacks,
      datasets: datasets)
  }

  @Test func everyTreatmentMeetsEveryAttackOnEverySet() {
    let plan = Self.plan(
      [FixedAttack(["one"]), FixedAttack(["two"])], ranks: [.leading(3), .leading(6)],
      datasets: ["a", "b"])
    #expect(plan.cells.count == 2 * 3 * 3)
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
    for cell in plan.cells {
      #expect((cell.baseline == nil) == cell.treatment.isNone)
      let baseline = plan.cells.first { $0.id == cell.baseline }
      #expect(cell.treatment.isNone || baseline?.attack == cell.attack)
      #expect(cell.treatment.isNone || baseline?.dataset == cell.dataset)
    }
  }

  @Test func repairsMendTheAttackOnTheUntreatedModel() throws {
    let plan = SweepPlan(
      model: "m", targets: "all",
      defences: [
        LoXDefence(rank: .leading(6), strengths: [0, 1]), WiSEFTRepair(strengths: [0.25, 1]),
        SafeLoRARepair(), TaskVectorRepair(),
      ],
      attacks: [FixedAttack(["each"], fromEach: true), FixedAttack(["once"])], datasets: ["set"])
    #expect(plan.attacks.map(\.name.text) == ["each@a0", "each@r6-a1", "once"])
    // WiSE-FT needs no update of its own; Safe LoRA's is one for each attack, the task vector's is not.
    #expect(
      plan.repairs.map(\.name.text) == [
        "safe-lora-n10@each@a0", "safe-lora-n10@once", "task-vector",
      ])
    #expect(plan.repairs.map { $0.attack?.text } == ["each@a0", "once", nil])
    func stack(_ method: Treatment.Method, _ strength: Double, _ attack: String) -> [ScaledUpdate]?
    {
      plan.cells.first {
        $0.treatment.method == method && $0.treatment.strength == strength
          && $0.attack.label == attack
      }?.variant
    }
    #expect(stack("wise-ft", 0.25, "each") == [ScaledUpdate(name: "each@a0", scale: 0.75)])
    #expect(stack("wise-ft", 1, "each") == [])
    #expect(
      stack("safe-lora", 1, "once") == [
        ScaledUpdate(name: "once", scale: 1), ScaledUpdate(name: "safe-lora-n10@once", scale: 1),
      ])
    #expect(
      stack("task-vector", 0.5, "each") == [
        ScaledUpdate(name: "each@a0", scale: 1), ScaledUpdate(name: "task-vector", scale: 0.5),
      ])
    // There is nothing to repair before an attack, and no repair of what LoX was done to.
    #expect(plan.cells.count == 2 * 3 + 2 * 4)
    #expect(plan.cells.allSatisfy { $0.treatment.stage == .beforeAttack || !$0.attack.isNone })
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
  }

  @Test func anAttackFromEachModelIsMadeForEachTreatment() {
    let plan = Self.plan(
      [FixedAttack(["each"], fromEach: true), FixedAttack(["once"])], alphas: [0, 1, 2])
    #expect(
      plan.attacks.map(\.name.text) == ["each@a0", "each@r6-a1", "each@r6-a2", "once"])
    #expect(plan.attacks[1].stack == [ScaledUpdate(name: "lox-r6", scale: 1)])
  }

  /// Full fine-tunings are measured whole, but where servers take adapters alone, and in a run that an earlier
  /// release began with their leading part.
  @Test func fullTrainingsAreWholeWhereTheyCanBe() throws {
    let folder = try TemporaryFolder()
    let line = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
    let set = try TrainingSet(file: folder.write(line, "set.jsonl"))
    let attacks = [TrainingRecipe.Method.full, .lora].map { method in
      var recipe = TrainingRecipe()
      recipe.method = method
      return TrainedAttack(labels: [method.rawValue], recipe: recipe, set: set)
    }
    func whole(_ takesCheckpoints: Bool, _ begun: Set<String> = []) -> [Bool] {
      Sweep.served(attacks, takesCheckpoints: takesCheckpoints, begun: begun).map(\.isDense)
    }
    #expect(whole(true) == [true, false])
    #expect(whole(false) == [false, false])
    let earlier = try #require(attacks[0].asLowRank).id(label: "full").recipe
    #expect(whole(true, [earlier]) == [false, false])
    #expect(whole(true, [attacks[0].id(label: "full").recipe]) == [true, false])
    #expect(EmbeddedServer().takesCheckpoints)
    let command = CommandTemplate("serve {model} --port {port}")
    #expect(StartedServer(command: command, connection: ServerConnection()).takesCheckpoints)
    let adapters = CommandTemplate("vllm serve {model} --enable-lora --port {port}")
    #expect(!StartedServer(command: adapters, connection: ServerConnection()).takesCheckpoints)
  }

  /// Undoing makes nothing: it changes the scales of what is there, and leaves the undefended model alone.
  @Test func undoChangesScalesAlone() throws {
    let plan = Self.plan([UndoAttack(), UndoAttack(strength: 2)], alphas: [0, 1.25])
    #expect(plan.attacks.isEmpty)
    let variants = plan.cells.filter { !$0.attack.isNone }.map(\.variant)
    #expect(variants == [[], [], [], [ScaledUpdate(name: "lox-r6", scale: -1.25)]])
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
  }

  /// Every name that a cell uses is planned, and no name is planned twice, whatever attacks are called.
  @Test(arguments: [
    [["lox-r6"], ["none"], ["a", "x/a"], ["a", "y/a"], ["a", "y/a"]],
    [["each@a0"], ["each"], [".."], ["-"], ["sp ace"], ["sp-ace"]],
  ])
  func namesAreUniqueAndKnown(labels: [[String]]) {
    let plan = Self.plan(labels.map { FixedAttack($0, fromEach: $0 == ["each"]) })
    let names = plan.defences.map(\.name) + plan.attacks.map(\.name)
    #expect(Set(names).count == names.count)
    #expect(Set(plan.cells.flatMap { $0.variant.map(\.name) }).isSubset(of: Set(names)))
    let attacks = plan.cells.filter { $0.dataset == "set" && $0.treatment.isNone }.map(\.attack)
    #expect(Set(attacks.map(\.label)).count == labels.count + 1)
    #expect(attacks.filter { $0.label == "none" } == [.none])
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
  }

  @Test func labelsAreAsShortAsTheyMayBe() {
    #expect(
      StudyLabels.unique([["c", "a/c", "r/a/c"], ["c", "b/c"], ["d", "a/d"]])
        == ["a/c", "b/c", "d"])
    #expect(StudyLabels.unique([["c"], ["c"], ["c"]]) == ["c", "c~2", "c~3"])
    #expect(StudyLabels.unique([["none", "x/none"]], reserved: ["none"]) == ["x/none"])
    #expect(StudyLabels.unique([["none"]], reserved: ["none"]) == ["none~2"])
  }

  @Test func anUpdateThatIsNotThereIsAnError() throws {
    let updates = try StudyUpdates([NamedUpdate(name: "one", update: LowRankUpdate())])
    #expect(throws: StudyError.unknownUpdate("two", known: ["one"])) {
      _ = try updates.stack([ScaledUpdate(name: "two", scale: 1)])
    }
    #expect(throws: StudyError.duplicateUpdate("one")) {
      _ = try StudyUpdates([
        NamedUpdate(name: "one", update: LowRankUpdate()),
        NamedUpdate(name: "one", update: LowRankUpdate()),
      ])
    }
  }
}
