import Foundation
import LoX
import StudyDesign
import TestSupport
import Testing

@testable import Defences

@Suite struct DefenceKindTests {
  private static let defaults = DefenceKind.Defaults(
    ranks: [.leading(3), .full], strengths: [0, 1])

  @Test func whatAnItemLeavesOutTheDefaultsSay() throws {
    let defences = try DefenceKind.parse("lox", Self.defaults)
    #expect(defences.map(\.arm.parameters) == [["rank": .integer(3)], ["rank": .text("full")]])
    #expect(defences.map(\.strengths) == [[0, 1], [0, 1]])
    #expect(defences.map(\.label) == ["lox-r3", "lox-rfull"])
  }

  @Test func settingsOfAnItemAreItsOwn() throws {
    let defences = try DefenceKind.parse("lox:rank=6,lox:rank=12", Self.defaults)
    #expect(defences.map(\.label) == ["lox-r6", "lox-r12"])
  }

  @Test func itemsOfOneDefenceAreItsStrengths() throws {
    let defences = try DefenceKind.parse(
      "expo:alpha=0.5,expo:alpha=0.3,wise-ft,safe-lora:tau=0.4,safe-lora", Self.defaults)
    #expect(defences.map(\.label) == ["expo", "wise-ft", "safe-lora-t0.4", "safe-lora-n10"])
    #expect(defences.map(\.strengths) == [[0.3, 0.5], [0.5], [1], [1]])
    #expect(defences.map(\.isRepair) == [false, true, true, true])
  }

  @Test func aFileSaysWhatAnItemSays() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "expo.json")
    try Data(#"{"method": "expo", "alpha": [0.3, 0.5]}"#.utf8).write(to: file)
    let defences = try DefenceKind.parse("\(file.path),lox:rank=2:alpha=-1", Self.defaults)
    #expect(defences.map(\.label) == ["expo", "lox-r2"])
    #expect(defences.map(\.strengths) == [[0.3, 0.5], [-1]])
  }

  @Test(arguments: [
    ("{", "not JSON"), ("[]", "found no \"method\""),
    (#"{"method": "expo", "alpha": {}}"#, "alpha"),
    (#"{"method": "expo", "alpha": [0.5, 0.5]}"#, "alpha"),
    (#"{"method": "expo", "beta": 1}"#, "beta=1"),
  ])
  func badFilesAreRefused(text: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "defence.json")
    try Data(text.utf8).write(to: file)
    let error = #expect(throws: DefenceError.self) {
      _ = try DefenceKind.parse(file.path, Self.defaults)
    }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  @Test(arguments: [
    ("", "found \"\""), ("loks", "found \"loks\""), ("lox:rank", "found \"rank\""),
    ("lox:ranks=6", "found \"ranks=6\""), ("lox:rank=6,lox:rank=06", "lox-r6 again"),
    ("lox:rank=6:rank=7", "each once"), ("expo:alpha=x", "found \"x\""),
    ("expo:alpha=1e9", "alpha"), ("wise-ft:alpha=1.5", "alpha"), ("random:seed=-1", "seed"),
    ("safe-lora:number=5:tau=0.5", "tau"), ("expo:alpha=", "alpha="), ("tail:rank=full", "full"),
    ("missing.json", "missing.json"),
  ])
  func badListsAreRefused(text: String, naming: String) {
    let error = #expect(throws: DefenceError.self) {
      _ = try DefenceKind.parse(text, Self.defaults)
    }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }
}
