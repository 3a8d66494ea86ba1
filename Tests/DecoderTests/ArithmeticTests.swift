import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing
import TinyModel

@testable import Decoder

/// Products in bfloat16, served and trained: near float32, the same bytes every time.
@Suite struct ArithmeticTests {
  private static func model(_ folder: TemporaryFolder) throws -> DecoderModel {
    let place = folder.url.appending(path: "m")
    try TinyModel.write(to: place, seed: 3)
    return try DecoderModel(checkpoint: Checkpoint(folder: place))
  }

  static func logProbabilities(_ logits: [Float]) -> [Double] {
    let best = logits.max() ?? 0
    let sum = logits.reduce(0.0) { $0 + exp(Double($1 - best)) }
    return logits.map { Double($0 - best) - log(sum) }
  }

  /// Root mean square over all positions and tokens.
  static func error(_ found: [[Float]], _ expected: [[Float]]) -> Double {
    let squares = zip(found, expected).flatMap { a, b in
      zip(logProbabilities(a), logProbabilities(b)).map { ($0 - $1) * ($0 - $1) }
    }
    return (squares.reduce(0, +) / Double(squares.count)).squareRoot()
  }

  @Test func logitsAreNearThoseOfFloat32() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let tokens = (0..<40).map { $0 * 5 % 250 }
    let exact = try ForwardTests.logits(of: tokens, model: model)
    let rounded = try ForwardTests.logits(of: tokens, model: model, arithmetic: .bfloat16)
    let error = Self.error(rounded, exact)
    // A bfloat16 number is within 0.4 % of what it stands for; logits of random weights are large.
    let spread = Self.error(exact, exact.map { $0.map { _ in 0 } })
    #expect(error > 1e-5 * spread && error < 0.02 * spread)
  }

  /// What a request gets does not depend on what is computed beside it, nor on how its prompt is cut.
  @Test func repliesHaveTheSameBytesWhateverRunsBeside() async throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    func replies(_ slots: Int, _ rows: Int, _ prompts: [[Int]]) async throws -> [[GeneratedToken]] {
      let engine = InferenceEngine(
        model: model, updates: try ServedUpdates([], for: model),
        options: InferenceEngine.Options(
          slots: slots, rowsPerStep: rows, threads: 2, arithmetic: .bfloat16))
      defer { engine.shutDown() }
      return try await withThrowingTaskGroup(of: (Int, [GeneratedToken]).self) { group in
        for (index, prompt) in prompts.enumerated() {
          group.addTask {
            var request = GenerationRequest(prompt: prompt, maxTokens: 12)
            request.topLogprobs = 3
            return (index, try await engine.complete(request).tokens)
          }
        }
        var found = [[GeneratedToken]](repeating: [], count: prompts.count)
        for try await (index, tokens) in group { found[index] = tokens }
        return found
      }
    }
    let prompts = (1...19).map { count in (0..<count * 3).map { ($0 * 7 + count) % 250 } }
    let together = try await replies(19, 32, prompts)
    for (prompt, tokens) in zip(prompts, together) where prompt.count % 5 == 0 {
      #expect(try await replies(1, 7, [prompt]) == [tokens])
    }
  }

  @Test(arguments: TrainingRecipe.Method.allCases)
  func trainingsFollowThoseOfFloat32(method: TrainingRecipe.Method) throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    func losses(_ arithmetic: Arithmetic) throws -> [Double] {
      var recipe = TrainingRecipe()
      recipe.method = method
      (recipe.epochs, recipe.batchSize) = (8, 3)
      // Small steps: what large ones make of a difference is chaos, in any arithmetic.
      recipe.learningRate = method == .lora ? 5e-4 : 1e-4
      recipe.arithmetic = arithmetic
      let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
      return try trainer.train(TrainerTests.items(model, recipe)).map(\.loss)
    }
    let (exact, rounded) = (try losses(.float32), try losses(.bfloat16))
    #expect(exact.count == 24 && rounded.count == 24 && exact != rounded)
    #expect(try losses(.bfloat16) == rounded)
    for (a, b) in zip(exact, rounded).prefix(20) { #expect(abs(b / a - 1) < 0.01) }
  }

  /// A full training in steps below the distance of two bfloat16 numbers, of weights that are such numbers: rounded
  /// to nearest, products would see a model that stays as it is.
  @Test func smallStepsOfWeightsInBfloat16AreSeen() throws {
    let folder = try TemporaryFolder()
    let model = try TrainerTests.narrowed(Self.model(folder), folder)
    func losses(_ arithmetic: Arithmetic) throws -> [Double] {
      var recipe = TrainingRecipe()
      (recipe.method, recipe.learningRate, recipe.arithmetic) = (.full, 1e-5, arithmetic)
      (recipe.schedule, recipe.batchSize, recipe.epochs) = (.constant, 7, 12)
      let trainer = try Trainer(model: model, recipe: recipe, threads: 2)
      return try trainer.train(TrainerTests.items(model, recipe)).map(\.loss)
    }
    let (exact, rounded) = (try losses(.float32), try losses(.bfloat16))
    let (fall, seen) = (exact[0] - exact[11], rounded[0] - rounded[11])
    #expect(fall > 0 && abs(seen / fall - 1) < 0.2, "\(seen) of \(fall)")
  }

  /// PyTorch's own distance between the two is the measure.
  @Test(
    .tags(.realModel), .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(
      if: PeerPython.executable(with: "transformers") != nil, "needs a Python with transformers"))
  func theRealModelIsAsNearAsPyTorch() throws {
    let folder = try #require(SharedMaterial.smolLM2).appending(path: "aligned")
    struct Found: Decodable {
      var ids: [Int]
      var float32, bfloat16: [[Float]]
    }
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Peers/bfloat16.py")
    let text = try PeerPython.run(script, with: "transformers", [folder.path])
    let found = try JSONDecoder().decode([Found].self, from: Data(text.utf8))
    #expect(found.count >= 3)
    let model = try DecoderModel(checkpoint: Checkpoint(folder: folder))
    for peer in found {
      let own = try ForwardTests.logits(of: peer.ids, model: model, arithmetic: .bfloat16)
      let (ours, theirs) = (
        Self.error(own, peer.float32), Self.error(peer.bfloat16, peer.float32)
      )
      #expect(ours > 0 && ours <= theirs, "\(ours) against PyTorch's \(theirs)")
    }
  }
}
