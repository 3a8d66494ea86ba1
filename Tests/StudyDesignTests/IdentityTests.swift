import Foundation
import StudyDesign
import Testing

@Suite struct IdentityTests {
  private static let lox = Treatment.Arm(
    method: Treatment.Method(rawValue: "lox"), parameters: ["rank": .integer(6)])

  private static func attack(_ label: String, recipe: String = "a") -> AttackID {
    AttackID(label: label, method: .imported, recipe: recipe)
  }

  private static func id(
    _ treatment: Treatment = .none, _ attack: AttackID = .none, _ prompt: PromptAttack = .none,
    _ dataset: String = "set"
  ) -> CellID {
    CellID(treatment: treatment, attack: attack, promptAttack: prompt, dataset: dataset)
  }

  /// Joined by hyphens, attack `a` on set `b-c` and attack `a-b` on set `c` read alike.
  @Test func namesWithTheSameTextJoinedAreOtherCells() {
    #expect(
      Self.id(.none, Self.attack("a"), .none, "b-c")
        != Self.id(.none, Self.attack("a-b"), .none, "c"))
  }

  @Test func everyFactorTellsCellsApart() {
    let cells = [
      Self.id(), Self.id(Self.lox.treatment(at: 1)), Self.id(Self.lox.treatment(at: 1.25)),
      Self.id(.none, Self.attack("x")), Self.id(.none, Self.attack("x", recipe: "b")),
      Self.id(.none, .none, PromptAttack(method: .init(rawValue: "prefill"))),
      Self.id(.none, .none, .none, "other"),
    ]
    #expect(Set(cells).count == cells.count)
  }

  /// A part of an attack at some scale is another attack; one without a direction keeps the id it always had.
  @Test func aDirectionTellsCellsApart() throws {
    func part(_ scale: Double, rank: Int = 6) -> AttackID {
      var attack = Self.attack("x")
      attack.direction = AttackID.Direction(
        scale: scale,
        orthogonalTo: Treatment.Arm(method: .lox, parameters: ["rank": .integer(rank)]))
      return attack
    }
    let ids = [
      Self.id(.none, Self.attack("x")), Self.id(.none, part(0.5)), Self.id(.none, part(1)),
      Self.id(.none, part(1, rank: 3)),
    ]
    #expect(Set(ids).count == ids.count)
    // As the releases before directions wrote it.
    #expect(ids[0].rawValue == "a0-x-set~c6ac78607780")
    let file = Data(#"{"label":"x","method":"imported","recipe":"a"}"#.utf8)
    let old = try JSONDecoder().decode(AttackID.self, from: file)
    #expect(old == Self.attack("x") && old.direction == nil)
    for attack in [old, part(0.5)] {
      let copy = try JSONDecoder().decode(AttackID.self, from: JSONEncoder().encode(attack))
      #expect(copy == attack)
    }
    #expect(!String(decoding: try JSONEncoder().encode(old), as: UTF8.self).contains("direction"))
  }

  /// An attack that happens to be called none is one.
  @Test func anAttackCalledNoneIsNotNone() {
    #expect(!Self.attack("none").isNone)
    #expect(Self.id(.none, Self.attack("none")) != Self.id())
  }

  @Test func aStrengthOfZeroIsNoTreatmentWhateverTheMethod() {
    #expect(Self.lox.treatment(at: 0) == .none)
    #expect(Self.lox.treatment(at: 0).isNone)
    #expect(!Self.lox.treatment(at: -1).isNone)
  }

  @Test func treatmentsReadAsTheyAreWritten() throws {
    for treatment in [Treatment.none, Self.lox.treatment(at: 0.5)] {
      let data = try JSONEncoder().encode(treatment)
      #expect(try JSONDecoder().decode(Treatment.self, from: data) == treatment)
    }
    let contradiction = #"{"method":"lox","parameters":{"rank":6},"strength":0,"stage":"before"}"#
    #expect(throws: DecodingError.self) {
      try JSONDecoder().decode(Treatment.self, from: Data(contradiction.utf8))
    }
  }
}
