import Checkpoints
import Foundation
import LinearAlgebra
import TestSupport
import Testing

@testable import LoX

@Suite struct SpectrumTests {
  struct Golden: Decodable {
    var shape: [Int]
    var frobenius: Double
    var singularValues: [Double]
    var energy: Double
    var alignmentRatio: Double

    enum CodingKeys: String, CodingKey {
      case shape, frobenius
      case singularValues = "singular_values"
      case energy = "energy_6"
      case alignmentRatio = "R_align_6"
    }
  }

  @Test(
    .tags(.realModel), .enabled(if: SharedMaterial.smolLM2 != nil, SharedMaterial.needsSmolLM2),
    .enabled(if: SharedMaterial.has("golden/smollm2/spectra.json"), "needs shared/golden/smollm2"))
  func agreeWithPyTorch() throws {
    let golden = try JSONDecoder().decode(
      [String: Golden].self,
      from: Data(contentsOf: SharedMaterial.folder.appending(path: "golden/smollm2/spectra.json")))
    let folder = try #require(SharedMaterial.smolLM2)
    let pair = try AlignmentPair(
      base: Checkpoint(folder: folder.appending(path: "base")),
      aligned: Checkpoint(folder: folder.appending(path: "aligned")), targets: .all)
    #expect(golden.count == pair.targetNames.count)
    // Every seventh tensor, the embedding among them: the whole takes a minute in a debug build.
    for name in pair.targetNames.enumerated().filter({ $0.offset % 7 == 0 }).map(\.element) {
      let expected = try #require(golden[name])
      let found = try pair.spectrum(of: name, rank: 6, count: 16)
      #expect(found.shape == expected.shape)
      // PyTorch summed the squares in float32, which costs a thousandth over the embedding's 28
      // million elements; ours are summed in float64.
      let tolerance = found.shape[0] > 10_000 ? 2e-3 : 1e-4
      #expect(abs(found.frobeniusNorm / expected.frobenius - 1) < tolerance)
      expectRelativelyClose(
        found.singularValues, expected.singularValues.prefix(16), tolerance: 1e-4, "\(name)")
      #expect(abs(found.energy - expected.energy) < tolerance)
      #expect(abs(found.alignmentRatio - expected.alignmentRatio) < tolerance)
    }
  }

  @Test func fineTuningThatUndoesTheAlignmentLowersTheRatio() throws {
    let folder = try TemporaryFolder()
    let pair = try ExtrapolationTests.pair(.float32, in: folder)
    let decomposition = try Decomposition(of: pair, rank: .leading(3))
    var undone = decomposition.update(rank: .leading(3))
    for name in pair.targetNames { undone.tensors[name]?.left.elements.negateAll() }
    for name in pair.targetNames {
      let spectrum = try pair.spectrum(of: name, rank: 3, count: 3, tuned: .adapter(undone))
      #expect(try #require(spectrum.fineTuningRatio) < 1e-5)
      let same = try pair.spectrum(of: name, rank: 3, count: 3, tuned: .checkpoint(pair.aligned))
      #expect(abs(try #require(same.fineTuningRatio) - same.alignmentRatio) < 1e-9)
    }
  }
}

extension [Float] {
  fileprivate mutating func negateAll() { self = map { -$0 } }
}
