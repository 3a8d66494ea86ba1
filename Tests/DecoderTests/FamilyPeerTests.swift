import Foundation
import TestSupport
import Testing

@testable import Decoder

/// Small random models of every family with rare settings, made and computed by transformers while the test
/// runs.
@Suite struct FamilyPeerTests {
  static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Peers/families.py")

  @Test(
    .tags(.peer),
    .enabled(
      if: PeerPython.executable(with: "transformers") != nil,
      "needs Python with the package transformers: pip install transformers, or set LOXEVAL_PYTHON")
  )
  func everySettingAgrees() async throws {
    let folder = try TemporaryFolder()
    try PeerPython.run(Self.script, with: "transformers", [folder.url.path])
    let names = FamilyGolden.names(in: folder.url)
    try #require(names.count > 60)
    for name in names {
      do {
        let (model, golden) = try FamilyGolden.load(folder.url.appending(path: name))
        try golden.checkLogits(of: model, name)
        try golden.checkLossAndGradients(of: model, name)
        try await golden.checkGreedyText(of: model, name)
      } catch {
        Issue.record(error, "\(name)")
      }
    }
  }
}
