import StudyDesign
import Testing

@testable import Analysis

@Suite struct TreatmentWordingTests {
  private func treatment(
    _ method: String, _ parameters: [String: Setting], _ strength: Double
  ) -> Treatment {
    Treatment.Arm(method: .init(rawValue: method), parameters: parameters)
      .treatment(at: strength)
  }

  @Test func loXIsCalledByItsRankAndAlpha() {
    let lox = treatment("lox", ["rank": .integer(6)], 1.25)
    #expect(lox.title == "LoX at rank 6 and α = 1.25")
    #expect(lox.request == "α = 1.25 at rank 6")
    #expect(lox.arm.title == "6")
    #expect(lox.arm.place == "rank 6")
    #expect(treatment("lox", ["rank": .text("full")], 1).arm.place == "full rank")
  }

  @Test func anotherDefenceIsCalledByAllItIs() {
    let repair = treatment("wise-ft", ["keep": .number(0.5)], 2)
    #expect(repair.title == "wise-ft (keep=0.5) at strength 2")
    #expect(repair.request == repair.title)
    #expect(repair.arm.title == "wise-ft keep=0.5")
    #expect(repair.arm.place == repair.arm.title)
    #expect(treatment("expo", [:], 0.5).title == "expo at strength 0.5")
  }

  @Test func theUntreatedModelHasNoDefence() {
    #expect(Treatment.none.title == "no defence")
    #expect(Treatment.none.arm.place == nil)
  }

  @Test func aStudySpeaksOfLoXOnlyWhereItHasNothingElse() {
    let lox = treatment("lox", ["rank": .integer(6)], 1)
    let alone = DefenceWording([.none, lox])
    #expect(alone.undefended == "without LoX")
    #expect(alone.at(0.5) == "α = 0.5")
    #expect(alone.any == "α > 0")
    let mixed = DefenceWording([.none, lox, treatment("expo", [:], 1)])
    #expect(mixed.undefended == "undefended")
    #expect(mixed.at(0.5) == "strength 0.5")
    #expect(mixed.any == "defence")
    #expect(mixed.arm == "defence")
    #expect(!mixed.axis.contains("α"))
  }
}
