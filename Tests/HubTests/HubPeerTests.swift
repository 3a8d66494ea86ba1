import Foundation
import TestSupport
import Testing

@testable import Hub

/// The hub's own package, on the same hub and the same cache.
@Suite(
  .tags(.peer),
  .enabled(
    if: PeerPython.executable(with: "huggingface_hub") != nil,
    "needs Python with the package huggingface_hub: pip install huggingface_hub, or set LOXEVAL_PYTHON"
  ))
struct HubPeerTests {
  private static let script = URL(filePath: #filePath).deletingLastPathComponent()
    .appending(path: "Peers/hub_cache.py")

  private static let wanted = [
    "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
    "vocab.json", "additional_chat_templates/tool.jinja", "model.safetensors",
  ]

  private static func peer(_ arguments: String...) throws -> String {
    try PeerPython.run(script, with: "huggingface_hub", arguments)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  @Test func whatIsFetchedHereIsReadThere() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    let found = try Self.peer("read", hub.url, place.cache.path, "org/name", "main")
    #expect(URL(filePath: found).standardizedFileURL == model.folder.standardizedFileURL)
    let size = HubFolder.files.filter { Self.wanted.contains($0.key) }.reduce(0) { sum, file in
      // Equal files are one blob.
      file.key == "vocab.json" ? sum : sum + file.value.count
    }
    #expect(try Self.peer("scan", hub.url, place.cache.path, "org/name", "main") == "\(size)")
  }

  @Test func whatIsFetchedThereIsReadHere() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let found = try Self.peer("fetch", hub.url, place.cache.path, "org/name", "main")
    let model = try place.fetch("org/name", hub.url, .model, ["HF_HUB_OFFLINE": "1"])
    #expect(URL(filePath: found).standardizedFileURL == model.folder.standardizedFileURL)
    for path in Self.wanted {
      #expect(try Data(contentsOf: model.folder.appending(path: path)) == HubFolder.files[path])
    }
    // What it has fetched is not fetched again.
    let fetches = hub.fetches(of: "model.safetensors")
    _ = try place.fetch("org/name", hub)
    #expect(hub.fetches(of: "model.safetensors") == fetches)
  }

  @Test func whatOneBeganTheOtherCompletes() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    _ = try Self.peer("file", hub.url, place.cache.path, "org/name", "config.json")
    _ = try place.fetch("org/name", hub)
    #expect(hub.fetches(of: "config.json") == 1)
    let other = try HubFolder()
    _ = try other.fetch("org/name", hub)
    let fetches = hub.fetches(of: "model.safetensors")
    _ = try Self.peer("fetch", hub.url, other.cache.path, "org/name", "main")
    #expect(hub.fetches(of: "model.safetensors") == fetches)
  }
}
