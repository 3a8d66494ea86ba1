import LoX
import StudyDesign
import Testing

@testable import Defences

@Suite struct DefenceListTests {
  private static let defaults = DefenceList.Defaults(
    ranks: [.leading(3), .full], strengths: [0, 1])

  @Test func whatAnItemLeavesOutTheDefaultsSay() throws {
    let defences = try DefenceList.parse("lox", Self.defaults)
    #expect(defences.map(\.arm.parameters) == [["rank": .integer(3)], ["rank": .text("full")]])
    #expect(defences.map(\.strengths) == [[0, 1], [0, 1]])
    #expect(defences.map(\.label) == ["lox-r3", "lox-rfull"])
  }

  @Test func settingsOfAnItemAreItsOwn() throws {
    let defences = try DefenceList.parse("lox:rank=6,lox:rank=12", Self.defaults)
    #expect(defences.map(\.label) == ["lox-r6", "lox-r12"])
  }

  @Test(arguments: [
    ("", "found \"\""), ("loks", "found \"loks\""), ("lox:rank", "found \"rank\""),
    ("lox:ranks=6", "found \"ranks=6\""), ("lox:rank=6,lox:rank=06", "lox-r6 again"),
    ("lox:rank=6:rank=7", "each once"),
  ])
  func badListsAreRefused(text: String, naming: String) {
    let error = #expect(throws: DefenceError.self) {
      _ = try DefenceList.parse(text, Self.defaults)
    }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }
}
