import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import TestSupport
import Testing

@testable import Defences

/// Results that numpy computed in float64, before they are rounded to a file's element type.
@Suite(
  .enabled(if: SharedMaterial.has("golden/defences"), "needs shared/golden/defences")
) struct GoldenDefenceTests {
  private struct Golden: Decodable {
    struct Tensor: Decodable {
      var norm: Double
      var sample: [Double]
    }

    var alpha: Double?
    var gamma: Double?
    var rank: Int?
    var number: Int?
    var threshold: Double?
    var eta: Double?
    var cosines: [String: Double]?
    var projected: [String]?
    var ranks: [String: Int]?
    var result: [String: Tensor]

    var strength: Double { alpha ?? gamma ?? 1 }
  }

  private struct Anything: Decodable {}

  private let folder = SharedMaterial.folder.appending(path: "golden/defences")
  private let golden: [String: Golden]
  private let pair: AlignmentPair
  private let attack: LowRankUpdate

  init() throws {
    let data = try Data(contentsOf: folder.appending(path: "golden.json"))
    golden = try JSONDecoder().decode([String: Golden].self, from: data)
    pair = try AlignmentPair(
      base: Checkpoint(folder: folder.appending(path: "base")),
      aligned: Checkpoint(folder: folder.appending(path: "aligned")), targets: .all)
    attack = try LowRankUpdate(
      peftFolder: folder.appending(path: "attack"), checkpoint: pair.aligned)
  }

  private func defence(_ name: String, _ golden: Golden) -> any Defence {
    switch name {
    case "expo": ExPODefence()
    case "lox": LoXDefence(rank: .leading(golden.rank ?? 0), strengths: [])
    case "tail": TailControl(count: golden.rank ?? 0, strengths: [])
    case "task-vector": TaskVectorRepair()
    case "wise-ft": WiSEFTRepair()
    case "safe-lora": SafeLoRARepair(.number(golden.number ?? 0))
    case "safe-merge": SafeMERGERepair(threshold: golden.threshold ?? 0)
    default: LSSF(share: golden.eta ?? 0)
    }
  }

  private func material(_ defence: any Defence, _ attack: WeightUpdate) throws -> DefenceMaterial {
    DefenceMaterial(
      pair: pair,
      alignment: defence.rank == .leading(0)
        ? .empty : try Decomposition(of: pair, rank: defence.rank),
      attack: attack, identity: "golden")
  }

  @Test(arguments: [
    "expo", "lox", "tail", "task-vector", "wise-ft", "safe-lora", "safe-merge", "lssf",
  ])
  func resultsAreThoseOfNumpy(name: String) throws {
    let golden = try #require(golden[name])
    let defence = defence(name, golden)
    var stack: [ScaledWeightUpdate] = []
    if defence.isRepair {
      stack.append(
        ScaledWeightUpdate(.lowRank(attack), scale: defence.attackScale(at: golden.strength)))
    }
    if let update = try defence.update(from: material(defence, .lowRank(attack))) {
      stack.append(ScaledWeightUpdate(update, scale: golden.strength))
    }
    for (tensor, expected) in golden.result {
      try expect(tensor, of: stack, expected)
    }
  }

  /// The same repairs of the attacked model as a whole: T of full rank gives what its factors give.
  @Test(arguments: ["task-vector", "wise-ft", "safe-lora", "safe-merge", "lssf"])
  func repairsOfACheckpointAreThoseOfItsAdapter(name: String) throws {
    let golden = try #require(golden[name])
    let dense = DenseUpdate(
      identity: "attack",
      tensors: attack.tensors.mapValues { [.product($0, scale: 1)] })
    let defence = defence(name, golden)
    var stack = [
      ScaledWeightUpdate(.dense(dense), scale: defence.attackScale(at: golden.strength))
    ]
    if let update = try defence.update(from: material(defence, .dense(dense))) {
      stack.append(ScaledWeightUpdate(update, scale: golden.strength))
    }
    for (tensor, expected) in golden.result {
      try expect(tensor, of: stack, expected)
    }
  }

  private func expect(
    _ name: String, of stack: [ScaledWeightUpdate], _ expected: Golden.Tensor
  ) throws {
    var values = try pair.aligned.floats(named: name).map(Double.init)
    let change = try pair.aligned.change(of: name, by: stack)
    var span = values.mutableSpan
    try change?.addExactly(0..<span.count, to: &span)
    let largest = values.map(abs).max() ?? 0
    let step = max(1, values.count / 24)
    let sample = stride(from: 0, to: values.count, by: step).prefix(24).map { values[$0] }
    expectClose(sample, expected.sample, tolerance: 1e-5 * largest, "\(name)")
    let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
    expectClose(norm, expected.norm, tolerance: 1e-5 * expected.norm, "\(name)")
  }

  @Test func layersAreChosenByTheirCosines() throws {
    let golden = try #require(golden["safe-lora"])
    let repair = SafeLoRARepair(.number(golden.number ?? 0))
    let material = try material(repair, .lowRank(attack))
    let found = try material.agreement(of: .lowRank(attack))
    let expected = try #require(golden.cosines)
    #expect(Set(found.keys) == Set(expected.keys))
    for (name, cosine) in expected {
      expectClose(found[name]?.cosine ?? .nan, cosine, tolerance: 1e-5, "\(name)")
    }
    let update = try #require(try repair.update(from: material))
    #expect(Set(update.tensorNames) == Set(golden.projected ?? []))
  }

  @Test func ranksOfTheSafetySubspaceAreThoseOfItsEntropy() throws {
    let golden = try #require(golden["lssf"])
    let subspace = SafetySubspace(share: golden.eta ?? 0)
    let expected = try #require(golden.ranks)
    for (name, rank) in expected {
      let svd = try pair.difference(of: name).singularValueDecomposition()
      #expect(subspace.rank(of: svd.singularValues) == rank, "\(name)")
    }
  }
}
