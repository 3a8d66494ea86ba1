import Attacks
import Defences
import LoX
import ModelAccess
import Runs
import StudyDesign
import Testing

@testable import Studies

/// How a sweep is divided among shards, and what each makes.
@Suite struct SweepDivisionTests {
  private static func plan() -> SweepPlan {
    SweepPlan(
      model: "m", targets: "all",
      defences: [
        LoXDefence(rank: .leading(6), strengths: [0, 1, 2]), WiSEFTRepair(strengths: [0.25]),
        SafeLoRARepair(),
      ],
      attacks: [FixedAttack(["each"], fromEach: true), FixedAttack(["once"])],
      datasets: ["a", "b"])
  }

  private static func shards(
    _ plan: SweepPlan, _ count: Int, _ holds: (Cell) -> Bool
  ) throws -> Set<Int> {
    let division = try plan.division(into: count) { _ in 10 }
    return Set(zip(plan.cells, division.cells).filter { holds($0.0) }.map(\.1))
  }

  /// The data sets of a model, and the repairs of an attack, are done where the attack is made.
  @Test(arguments: 1...9)
  func eachTrainingFromEachModelIsMadeInOneShard(count: Int) throws {
    let plan = Self.plan()
    for name in ["each@a0", "each@r6-a1", "each@r6-a2"] {
      let found = try Self.shards(plan, count) { $0.variant.contains { $0.name.text == name } }
      #expect(found.count == 1, "\(name)")
    }
    for cell in plan.cells {
      let found = try Self.shards(plan, count) {
        $0.treatment == cell.treatment && $0.attack == cell.attack
      }
      #expect(found.count == 1)
    }
    #expect(try Set((1...count).flatMap { [$0] }) == Self.shards(plan, count) { _ in true })
  }

  /// An attack from each of three models, and one that is made once; what nothing needs costs nothing.
  @Test func whatIsMadeIsCounted() {
    let plan = Self.plan()
    #expect(
      plan.cost == StudyCost(decompositions: 1, trainings: 4, trainingDialogues: 4_000))
    let bare = plan.part(of: plan.cells.filter(\.variant.isEmpty))
    #expect(bare.cost == StudyCost(decompositions: 0, trainings: 0, trainingDialogues: 0))
  }

  /// What is trained once serves models that are asked anywhere.
  @Test func modelsUnderATransferredAttackAreDivided() throws {
    let found = try Self.shards(Self.plan(), 11) { $0.attack.label == "once" }
    #expect(found.count > 1)
    #expect(throws: Division.Failure.tooMany(shards: 12, units: 11)) {
      _ = try Self.plan().division(into: 12) { _ in 10 }
    }
  }

  /// Nothing is made that no cell of the part needs, and all that one needs is.
  @Test func aPartMakesWhatItsCellsNeed() throws {
    let plan = Self.plan()
    let division = try plan.division(into: 5) { _ in 10 }
    for shard in 1...5 {
      let part = plan.part(of: division.places(of: shard).map { plan.cells[$0] })
      let made = Set(
        part.defences.map(\.name) + part.attacks.map(\.name) + part.repairs.map(\.name))
      let asked = Set(part.cells.flatMap { $0.variant.map(\.name) })
      #expect(asked.isSubset(of: made))
      let below = Set(
        part.attacks.flatMap { $0.stack.map(\.name) } + part.repairs.compactMap(\.attack))
      #expect(below.isSubset(of: made))
      #expect(made == asked.union(below))
    }
    let bare = plan.part(of: plan.cells.filter(\.variant.isEmpty))
    #expect(bare.defences.isEmpty && bare.attacks.isEmpty && bare.repairs.isEmpty)
  }

  /// Models have the same ids in every part, by which servers' files are called.
  @Test func idsOfModelsAreTheStudys() throws {
    let plan = Self.plan()
    let all = ModelsToServe.variants(of: plan.cells)
    let some = Array(plan.cells.reversed().prefix(7))
    let found = ModelsToServe.variants(of: some, among: plan.cells)
    #expect(Set(found.map(\.stack)) == Set(some.map(\.variant)))
    for variant in found {
      #expect(all.contains { $0.id == variant.id && $0.stack == variant.stack })
    }
  }
}
