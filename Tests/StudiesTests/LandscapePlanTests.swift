import Attacks
import Checkpoints
import Defences
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import Runs
import StudyDesign
import Support
import TestSupport
import Testing
import TinyModel

@testable import Studies

/// What a landscape measures: its models, what they are called, and their weights.
@Suite struct LandscapePlanTests {
  static func plan(
    _ attack: any Attack = FixedAttack(["shift"]), alphas: [Double] = [0, 1],
    strengths: [Double] = [0.5, 1],
    datasets: [String] = ["set"]
  ) -> LandscapePlan {
    LandscapePlan(
      model: "m", targets: "all", defence: LoXDefence(rank: .leading(6), strengths: alphas),
      attack: attack, strengths: strengths, datasets: datasets)
  }

  @Test func everyModelIsAChoiceOfTwoScales() {
    let plan = Self.plan(alphas: [1, -0.5], strengths: [0.5, 1], datasets: ["a", "b"])
    #expect(plan.cells.count == 2 * 3 * 3)
    #expect(Set(plan.cells.map(\.id)).count == plan.cells.count)
    #expect(Set(plan.cells.flatMap(\.variant).map(\.name)) == ["lox-r6", "shift-orthogonal"])
    for cell in plan.cells {
      let (alpha, t) = (cell.treatment.strength, cell.attack.direction?.scale ?? 0)
      #expect(cell.variant.first { $0.name == "lox-r6" }?.scale ?? 0 == alpha)
      #expect(cell.variant.first { $0.name == "shift-orthogonal" }?.scale ?? 0 == t)
      #expect(cell.attack.isNone == (t == 0))
      #expect((cell.baseline == nil) == (alpha == 0))
    }
    // The untreated, unattacked model comes first, whatever was asked for.
    #expect(plan.cells[0].variant.isEmpty)
    #expect(
      Set(plan.cells.map { $0.attack.direction?.scale ?? 0 }) == [0, 0.5, 1])
    #expect(Set(plan.cells.map(\.treatment.strength)) == [-0.5, 0, 1])
  }

  /// An attack that a sweep trains from each α's model is made once here, under the name by which the sweep keeps
  /// it for the untreated model, and said to be.
  @Test func theAttackIsMadeOnce() {
    #expect(Self.plan().attackName == "shift")
    #expect(Self.plan(FixedAttack(["shift"], fromEach: true)).attackName == "shift@a0")
    let remarks = Self.plan(UndoAttack(strength: 0.5)).remarks
    #expect(remarks.values.allSatisfy { $0.contains("made once, on the aligned model") })
    #expect(Set(Self.plan().cells.map(\.attack.label)) == ["none", "shift@t0.5", "shift@t1"])
  }

  /// A point of the grid is no cell of a sweep, though both are of LoX and the same attack.
  @Test func cellsDifferFromThoseOfASweep() {
    let sweep = SweepPlanTests.plan([FixedAttack(["shift"])])
    let grid = Self.plan(strengths: [1])
    let common = Set(sweep.cells.map(\.id)).intersection(grid.cells.map(\.id))
    // Before the attack they are the same models asked the same.
    #expect(common == Set(sweep.cells.filter(\.attack.isNone).map(\.id)))
    let further = Self.plan(alphas: [0, 1], strengths: [0.25, 1])
    #expect(Set(grid.cells.map(\.id)).isSubset(of: Set(further.cells.map(\.id))))
    let other = LandscapePlan(
      model: "m", targets: "all", defence: LoXDefence(rank: .leading(3), strengths: [0]),
      attack: FixedAttack(["shift"]), strengths: [1], datasets: ["set"])
    // Orthogonal to another rank's direction it is another one.
    #expect(!Set(grid.cells.map(\.id)).contains(other.cells.last?.id ?? CellID(rawValue: "")))
  }

  @Test(arguments: [
    ("0..1.5", [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5]), ("0..1:0.5", [0, 0.5, 1]), ("1,0.5", [0.5, 1]),
  ])
  func strengthsAreRead(text: String, values: [Double]) throws {
    #expect(try StrengthList(parsing: text).values == values)
  }

  @Test(arguments: ["-1..1", "0", "101", "x", "", "1..0"])
  func strengthsAreRefusedByName(text: String) {
    let error = #expect(throws: StudyError.self) { try StrengthList(parsing: text) }
    #expect(error?.description.contains("--strength") == true, "\(error as Any)")
  }

  @Test func gridsAreSpread() {
    let size = GridSize(parsing: "3x4")
    #expect(size?.alphas == 3 && size?.strengths == 4)
    for text in ["3", "1x3", "3x", "axb", "3x3x3", "1000x3", "-3x3"] {
      #expect(GridSize(parsing: text) == nil, "\(text)")
    }
    #expect(GridSize.spread([0, 0.3, 2], count: 3) == [0, 1, 2])
    #expect(GridSize.spread([-1, 1], count: 7)[1] == -0.666667)
  }

  // MARK: - Weights

  private static func random(_ names: [String], rank: Int, seed: UInt64, in checkpoint: Checkpoint)
    -> LowRankUpdate
  {
    var generator = SplitMix64(seed: seed)
    return LowRankUpdate(
      tensors: Dictionary(
        uniqueKeysWithValues: names.map { name in
          let shape = checkpoint.tensor(named: name)?.shape ?? []
          return (
            name,
            LowRankUpdate.Factors(
              left: Matrix<Double>.gaussian(shape[0], rank, &generator).rounded,
              right: Matrix<Double>.gaussian(rank, shape[1], &generator).rounded)
          )
        }))
  }

  /// The weights of a model of the grid are A + α L + t (T − c L), computed whole in float64.
  @Test func modelsAreWhatTheFormulaSays() throws {
    let folder = try TemporaryFolder()
    for (name, seed, origin) in [
      ("base", 1 as UInt64, nil), ("aligned", 2, (seed: 1 as UInt64, scale: 0.1)),
    ] {
      try TinyModel.write(to: folder.url.appending(path: name), seed: seed, from: origin)
    }
    let pair = try AlignmentPair(
      base: Checkpoint(folder: folder.url.appending(path: "base")),
      aligned: Checkpoint(folder: folder.url.appending(path: "aligned")), targets: .all)
    let defence = try Decomposition(of: pair, rank: .leading(3)).update(rank: .leading(3))
    // Some of LoX's tensors and not others.
    let names = pair.targetNames.filter { $0.contains("layers.1") }
    let attack = Self.random(names, rank: 2, seed: 7, in: pair.aligned)
    let (direction, geometry) = try Landscape.direction(
      of: attack, orthogonalTo: defence, named: "shift")

    func dense(_ update: LowRankUpdate, _ name: String) -> [Double] {
      update.tensors[name].map {
        Matrix<Double>($0.left).multiplied(by: Matrix<Double>($0.right)).elements
      } ?? []
    }
    var (products, squares) = (0.0, 0.0)
    for name in pair.targetNames {
      let (l, t) = (dense(defence, name), dense(attack, name))
      products += zip(l, t).reduce(0) { $0 + $1.0 * $1.1 }
      squares += l.reduce(0) { $0 + $1 * $1 }
    }
    let c = products / squares
    #expect(abs(geometry.along - c) < 1e-9)
    #expect(abs(geometry.defenceNorm - squares.squareRoot()) < 1e-9 * squares)

    let updates = try StudyUpdates([
      NamedUpdate(name: "lox-r6", update: defence),
      NamedUpdate(name: "shift-orthogonal", update: direction),
    ])
    let cell = try #require(
      Self.plan(alphas: [1.25], strengths: [0.5]).cells.first { $0.variant.count == 2 })
    let stack = try updates.stack(cell.variant)
    for name in pair.targetNames {
      let own = try WeightStream(name, in: pair.aligned)
      let before = try own.floats(0..<own.count)
      var values = Array(before)
      if let change = try pair.aligned.change(of: name, by: stack) {
        var span = values.mutableSpan
        try change.add(0..<own.count, to: &span)
      }
      let (l, t) = (dense(defence, name), dense(attack, name))
      for index in values.indices {
        let along = l.isEmpty ? 0 : l[index]
        let whole = t.isEmpty ? 0 : t[index]
        let expected = Double(before[index]) + 1.25 * along + 0.5 * (whole - c * along)
        #expect(abs(Double(values[index]) - expected) < 1e-5)
      }
    }
  }

  @Test func whatHasNoDirectionIsRefused() throws {
    let folder = try TemporaryFolder()
    try TinyModel.write(to: folder.url.appending(path: "m"), seed: 1)
    let checkpoint = try Checkpoint(folder: folder.url.appending(path: "m"))
    let defence = Self.random(
      ["model.layers.0.self_attn.q_proj.weight"], rank: 2, seed: 1, in: checkpoint)
    let along = LowRankUpdate(stack: [ScaledLowRankUpdate(defence, scale: -2)])
    for (attack, defence, reason) in [
      (LowRankUpdate(), defence, "changes nothing"), (along, defence, "own direction alone"),
      (defence, LowRankUpdate(), "LoX's own update"),
    ] {
      let error = #expect(throws: StudyError.self) {
        try Landscape.direction(of: attack, orthogonalTo: defence, named: "shift")
      }
      #expect(error?.description.contains(reason) == true, "\(error as Any)")
    }
  }
}
