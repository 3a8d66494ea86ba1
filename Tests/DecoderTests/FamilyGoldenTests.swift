import Foundation
import TestSupport
import Testing

@testable import Decoder

/// A small model of each family against values that transformers computed, serving and training.
@Suite(.enabled(if: SharedMaterial.has("golden/families"), "needs shared/golden/families"))
struct FamilyGoldenTests {
  static let folder = SharedMaterial.folder.appending(path: "golden/families")
  static let families = FamilyGolden.names(in: folder)

  @Test(arguments: families)
  func logitsAgree(name: String) throws {
    let (model, golden) = try FamilyGolden.load(Self.folder.appending(path: name))
    try golden.checkLogits(of: model, name)
  }

  @Test(arguments: families)
  func greedyTextAgrees(name: String) async throws {
    let (model, golden) = try FamilyGolden.load(Self.folder.appending(path: name))
    try await golden.checkGreedyText(of: model, name)
  }

  @Test(arguments: families)
  func lossAndGradientsAgree(name: String) throws {
    let (model, golden) = try FamilyGolden.load(Self.folder.appending(path: name))
    try golden.checkLossAndGradients(of: model, name)
  }
}
