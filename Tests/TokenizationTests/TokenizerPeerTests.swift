import Foundation
import TestSupport
import Testing

@testable import Tokenization

/// Tokenizers that the `tokenizers` package trains while the test runs, and its ids.
@Suite struct TokenizerPeerTests {
  struct Case: Decodable {
    var text: String
    var ids: [Int]
    var decoded: String
  }

  static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Peers/tokenizer_files.py")

  @Test(
    .tags(.peer),
    .enabled(
      if: PeerPython.executable(with: "tokenizers") != nil,
      "needs Python with the package tokenizers: pip install tokenizers, or set LOXEVAL_PYTHON"))
  func everyStringHasTheSameTokens() throws {
    let folder = try TemporaryFolder()
    try PeerPython.run(Self.script, with: "tokenizers", [folder.url.path])
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted()
    try #require(names.count >= 10)
    for name in names {
      let place = folder.url.appending(path: name)
      try Self.compare(place, name)
    }
  }

  /// The tokenizer in a folder with the ids and the text in its cases.json.
  static func compare(_ folder: URL, _ name: String) throws {
    let tokenizer = try Tokenizer(folder: folder)
    let cases = try JSONDecoder().decode(
      [Case].self, from: Data(contentsOf: folder.appending(path: "cases.json")))
    for entry in cases {
      #expect(
        tokenizer.encode(entry.text) == entry.ids, "\(name): \(entry.text.debugDescription)")
      #expect(
        tokenizer.decode(entry.ids, skipSpecialTokens: false) == entry.decoded,
        "\(name), decoded: \(entry.text.debugDescription)")
    }
  }
}
