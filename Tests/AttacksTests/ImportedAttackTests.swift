import Checkpoints
import Foundation
import LinearAlgebra
import StudyDesign
import TestSupport
import Testing
import TinyModel

@testable import Attacks

/// Adapters of others as attacks, and the list that names attacks.
@Suite struct ImportedAttackTests {
  private static func adapter(
    _ name: String, in folder: TemporaryFolder, left: [Float]
  ) throws -> URL {
    let place = folder.url.appending(path: name)
    try LowRankUpdate(tensors: [
      "w.weight": LowRankUpdate.Factors(
        left: Matrix(rows: 30, columns: 1, elements: left),
        right: Matrix(rows: 1, columns: 20, elements: [Float](repeating: 1, count: 20)))
    ]).writePEFT(to: place)
    return place
  }

  @Test func whatChangesNothingOrIsNoNumberIsRefusedByName() throws {
    let folder = try TemporaryFolder()
    let model = try SyntheticAttackTests.model(in: folder)
    for (name, value, naming) in [
      ("zero", 0, "changes nothing"), ("nan", .nan, "no numbers"),
      ("infinite", .infinity, "no numbers"),
    ] as [(String, Float, String)] {
      let place = try Self.adapter(
        name, in: folder, left: [Float](repeating: value, count: 30))
      let attack = try ImportedAttack(folder: place)
      for work in [
        { try attack.check(on: model.checkpoint) },
        { _ = try attack.make(from: model, AttackContext(threads: 1)) },
      ] as [() throws -> Void] {
        let error = #expect(throws: CheckpointError.self) { try work() }
        #expect(error?.description.contains(place.path) == true)
        #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
      }
    }
    let sound = try ImportedAttack(
      folder: Self.adapter("sound", in: folder, left: [Float](repeating: 1, count: 30)))
    try sound.check(on: model.checkpoint)
  }

  @Test func anAdapterThatIsWrittenMeanwhileIsNoticed() throws {
    let folder = try TemporaryFolder()
    let model = try SyntheticAttackTests.model(in: folder)
    let place = try Self.adapter("a", in: folder, left: [Float](repeating: 1, count: 30))
    let attack = try ImportedAttack(folder: place)
    try FileManager.default.removeItem(at: place)
    _ = try Self.adapter("a", in: folder, left: [Float](repeating: 2, count: 30))
    #expect(throws: AttackError.changedAdapter(path: place.path)) {
      _ = try attack.make(from: model, AttackContext(threads: 1))
    }
  }

  @Test(.timeLimit(.minutes(1))) func aPipeIsNotWaitedFor() throws {
    let folder = try TemporaryFolder()
    let place = try Self.adapter("a", in: folder, left: [Float](repeating: 1, count: 30))
    let weights = place.appending(path: "adapter_model.safetensors")
    try OddFile.makePipe(at: weights)
    let error = #expect(throws: AttackError.self) { _ = try ImportedAttack(folder: place) }
    #expect(error?.description.contains("found a pipe") == true)
  }

  @Test func pathsWithCommasAndColonsAreOneAttack() throws {
    let folder = try TemporaryFolder()
    let specification = AttackSpecification(seed: 0) { URL(filePath: "/none/\($0)") }
    let path = folder.url.path
    for name in ["a,b", "a:2"] {
      _ = try Self.adapter(name, in: folder, left: [Float](repeating: 1, count: 30))
    }
    for text in [
      "import:\(path)/a,b,none,import:\(path)/a:2", "import:\"\(path)/a,b\",import:\(path)/a:2",
    ] {
      let attacks = try specification.parse(text).compactMap { $0 as? ImportedAttack }
      #expect(attacks.map(\.folder.lastPathComponent) == ["a,b", "a:2"])
    }
    #expect(throws: AttackError.self) { _ = try specification.parse("import:\(path)/a,c") }
  }
}
