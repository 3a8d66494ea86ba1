import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import Decoder

/// Whole trainings of a small model of every family beside PyTorch and PEFT, and their results in
/// transformers and PEFT.
@Suite struct TrainingPeerTests {
  struct Training: Decodable {
    var batches: [[[Int]]]
    var full: [Double]
    var lora: [Double]
    var targets: [String]
    var rate: Double
    var decay: Double
    var rank: Int
    var labelFrom: Int

    enum CodingKeys: String, CodingKey {
      case batches, full, lora, targets, rate, decay, rank
      case labelFrom = "label_from"
    }

    func recipe(_ method: TrainingRecipe.Method) -> TrainingRecipe {
      var recipe = TrainingRecipe()
      recipe.method = method
      recipe.weightDecay = decay
      (recipe.rank, recipe.alpha, recipe.targets) = (rank, Double(2 * rank), targets)
      return recipe
    }

    /// Losses of so many steps.
    func run(_ trainer: Trainer, steps: Int) throws -> [Double] {
      try (0..<steps).map { step in
        let examples = batches[step % batches.count].map { ids in
          TrainingExample(tokens: ids, isLabel: ids.indices.map { $0 >= labelFrom })
        }
        return try trainer.step(examples, rate: rate).loss
      }
    }
  }

  static let peers = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Peers")

  @Test(
    .tags(.peer),
    .enabled(
      if: PeerPython.executable(with: "peft") != nil,
      "needs Python with peft and transformers: pip install peft, or set LOXEVAL_PYTHON"))
  func twentyStepsAgreeAndResultsAreRead() throws {
    let folder = try TemporaryFolder()
    try PeerPython.run(
      Self.peers.appending(path: "training.py"), with: "peft", [folder.url.path])
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    try #require(names.count >= 15)
    for name in names {
      do {
        try Self.train(folder.url.appending(path: name), name)
      } catch {
        Issue.record(error, "\(name)")
      }
    }
    let read = try PeerPython.run(
      Self.peers.appending(path: "trained.py"), with: "peft", [folder.url.path])
    #expect(read.split(separator: "\n").count == 3 * names.count)
  }

  static func train(_ folder: URL, _ name: String) throws {
    let training = try JSONDecoder().decode(
      Training.self, from: Data(contentsOf: folder.appending(path: "training.json")))
    let checkpoint = try Checkpoint(folder: folder)
    let model = try DecoderModel(checkpoint: checkpoint)
    func check(_ found: [Double], _ expected: [Double], _ method: String) {
      let furthest = zip(found, expected).map { abs($0 - $1) }.max() ?? .infinity
      #expect(furthest < Tolerance.trainingLoss, "\(name), \(method)")
      #expect(expected.count == found.count)
    }

    let full = try Trainer(model: model, recipe: training.recipe(.full), threads: 2)
    check(try training.run(full, steps: training.full.count), training.full, "full")
    try full.writeCheckpoint(to: folder.appending(path: "full"), widensTrained: false)

    let lora = try Trainer(model: model, recipe: training.recipe(.lora), threads: 2)
    // B is 0 in it, and A as PEFT began.
    let start = try LowRankUpdate(
      peftFolder: folder.appending(path: "lora-initial"), checkpoint: checkpoint)
    #expect(Set(start.tensors.keys) == Set(lora.decoder.adapters.map(\.name)), "\(name)")
    for (tensor, adapter) in lora.decoder.adapters {
      let factors = try #require(start.tensors[tensor], "\(name), \(tensor)")
      FiniteDifference.fill(adapter.a.value, factors.right.elements)
    }
    check(try training.run(lora, steps: training.lora.count), training.lora, "lora")
    try lora.adapter.update.writePEFT(
      to: folder.appending(path: "adapter"), scale: lora.adapter.scale,
      tiesHead: checkpoint.hasTiedHead, naming: checkpoint.naming)
    try checkpoint.writeMerged(
      [ScaledWeightUpdate(lora.adapter)], to: folder.appending(path: "merged"))

    let ids = training.batches[0][0]
    func logits(_ part: String) throws -> [[Float]] {
      try ForwardTests.logits(
        of: ids, model: DecoderModel(checkpoint: Checkpoint(folder: folder.appending(path: part))))
    }
    let values: [String: Any] = [
      "ids": ids, "full": try logits("full").map { $0.map(Double.init) },
      "merged": try logits("merged").map { $0.map(Double.init) },
    ]
    try JSONSerialization.data(withJSONObject: values)
      .write(to: folder.appending(path: "logits.json"))
    // Served beside the model, the adapter gives what the merged model gives.
    let served = try ForwardTests.logits(
      of: ids, model: model, updates: [lora.adapter.update], scales: [Float(lora.adapter.scale)])
    for (row, merged) in zip(served, try logits("merged")) {
      #expect(zip(row, merged).allSatisfy { abs($0 - $1) < Tolerance.familyLogits }, "\(name)")
    }
  }
}
