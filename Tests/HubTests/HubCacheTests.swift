import Foundation
import Support
import TestSupport
import Testing

@testable import Hub

/// What of the cache is taken, and what people are told where there is nothing.
@Suite struct HubCacheTests {
  private static let first = LoopbackHub.commit(1)
  private static let second = LoopbackHub.commit(2)

  /// A repository whose branch has gone on.
  private static func grown() -> LoopbackHub.Repository {
    var repository = LoopbackHub.Repository(HubFolder.files)
    var files = HubFolder.files
    files["config.json"] = Data("{\"second\":1}".utf8)
    repository.commits[second] = files
    repository.refs = ["main": second, "v1": first, "dev/next": second]
    return repository
  }

  @Test(arguments: [
    ("org/name", second), ("org/name@v1", first), ("org/name@dev/next", second),
    ("org/name@\(first)", first), ("org/name@\(first.prefix(9))", first),
  ])
  func revisionsAreFound(name: String, commit: String) throws {
    let hub = try LoopbackHub(["org/name": Self.grown()])
    let place = try HubFolder()
    #expect(try place.fetch(name, hub).commit == commit)
    // And from the cache alone.
    let again = try place.fetch(name, "http://127.0.0.1:9", .model, ["HF_HUB_OFFLINE": "1"])
    #expect(again.commit == commit)
  }

  @Test func aBranchThatHasGoneOnStaysAsItIsInTheCache() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    #expect(try place.fetch("org/name", hub).commit == Self.first)
    hub.change("org/name") { $0 = Self.grown() }
    #expect(try place.fetch("org/name", hub).commit == Self.first)
    // A new cache gets what it is now, unless a run asks for what it was begun with.
    let other = try HubFolder()
    #expect(try other.fetch("org/name", hub, at: Self.first).commit == Self.first)
    #expect(try other.fetch("org/name", hub, at: Self.second).commit == Self.second)
    // Blobs that both commits have are there once.
    #expect(hub.fetches(of: "model.safetensors") == 2)
  }

  @Test func whatOthersFetchedInPartIsCompleted() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    for path in ["model.safetensors", "tokenizer.json"] {
      try FileManager.default.removeItem(at: model.folder.appending(path: path))
    }
    let offline = ["HF_HUB_OFFLINE": "1"]
    let error = #expect(throws: HubError.self) {
      try place.fetch("org/name", hub, .model, offline)
    }
    #expect("\(error!)".contains("has no model.safetensors of its commit"), "\(error!)")
    _ = try place.fetch("org/name", hub)
    // Linked anew, not fetched.
    #expect(hub.fetches(of: "model.safetensors") == 1)
    #expect(try place.fetch("org/name", hub, .model, offline).commit == Self.first)
  }

  @Test func whatNobodyKnowsIsAskedForWhereItCanBe() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    _ = try place.fetch("org/name", hub)
    let marks = place.cache.appending(path: "models--org--name/.no_exist")
    try FileManager.default.removeItem(at: marks)
    let count = hub.requests.count
    // Without a hub it is taken as it is, and that is said.
    let model = try place.fetch("org/name", "http://127.0.0.1:9")
    #expect(model.commit == Self.first)
    #expect(place.notes.contains { $0.contains("taken as the cache has it") })
    _ = try place.fetch("org/name", "http://127.0.0.1:9", .model, ["HF_HUB_OFFLINE": "1"])
    #expect(hub.requests.count == count)
    _ = try place.fetch("org/name", hub)
    #expect(hub.requests.count == count + 1)
    #expect(FileManager.default.fileExists(atPath: marks.path))
  }

  @Test(
    arguments: [
      ("org/none", [:], "no public model of that name"),
      ("org/none", ["HF_TOKEN": "hf_x"], "has no model org/none"),
      ("org/private", [:], "private and needs a token, in HF_TOKEN"),
      ("org/private", ["HF_TOKEN": "hf_x"], "no such model for the token of HF_TOKEN"),
      ("org/gated", [:], "is gated: ask for access at"),
      ("org/gated", ["HF_TOKEN": "hf_x"], "the owner of the token of HF_TOKEN may not read it"),
      ("org/name@v9", [:], "no revision v9"),
      ("org/name", ["HF_HUB_OFFLINE": "1"], "HF_HUB_OFFLINE (or TRANSFORMERS_OFFLINE) forbids"),
      ("org/name", ["HF_ENDPOINT": "http://127.0.0.1:9"], "could not be asked"),
      ("org/pickled", [:], "it has pytorch_model.bin"),
      ("org/empty", [:], "expected a model, and it has no config.json"),
    ] as [(String, [String: String], String)])
  func refusalsAreExplained(name: String, values: [String: String], word: String) throws {
    var gated = LoopbackHub.Repository(HubFolder.files, token: "hf_right")
    gated.isGated = true
    let hub = try LoopbackHub([
      "org/name": .init(HubFolder.files), "org/gated": gated,
      "org/private": .init(HubFolder.files, token: "hf_right"),
      "org/pickled": .init([
        "config.json": Data("{}".utf8), "pytorch_model.bin": Data("x".utf8),
      ]), "org/empty": .init(["README.md": Data("x".utf8)]),
    ])
    let place = try HubFolder()
    let error = #expect(throws: HubError.self) {
      try place.fetch(name, hub, .model, ["HF_ENDPOINT": hub.url].merging(values) { $1 })
    }
    #expect("\(error!)".contains(word), "\(error!)")
    #expect(!"\(error!)".contains("hf_x"))
    #expect(place.tree.isEmpty)
  }

  @Test func roomIsAskedForBefore() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let asking = try place.hub(hub.url, free: 200_000)
    defer { asking.close() }
    let error = #expect(throws: HubError.self) {
      try asking.model(RepositoryReference("org/name")!, .model)
    }
    #expect("\(error!)".contains("300.0 kB are to be fetched, and 200.0 kB are free"), "\(error!)")
    #expect(hub.fetches(of: "model.safetensors") == 0)
  }

  @Test func whatCannotBeWrittenIsNamed() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let file = try place.folder.write("x", "file")
    let error = #expect(throws: HubError.self) {
      try place.fetch("org/name", hub, .model, ["HF_HUB_CACHE": "\(file.path)/hub"])
    }
    #expect("\(error!)".contains("HF_HUB_CACHE or HF_HOME names another place"), "\(error!)")
  }

  /// Names that would lead out of their folders.
  @Test func hostileHubsWriteNowhereElse() throws {
    var files = HubFolder.files
    files["additional_chat_templates/../../../x.jinja"] = Data("x".utf8)
    files["../config.json"] = Data("x".utf8)
    let hub = try LoopbackHub(["org/name": .init(files)])
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    #expect(try Data(contentsOf: model.folder.appending(path: "config.json")) == Data("{}".utf8))
    #expect(!place.tree.contains { $0.hasSuffix("x.jinja") })

    files["model.safetensors"] = nil
    files["model.safetensors.index.json"] = Data(
      #"{"weight_map":{"a":"../../x.safetensors"}}"#.utf8)
    let other = try LoopbackHub(["org/name": .init(files)])
    let error = #expect(throws: HubError.self) { try HubFolder().fetch("org/name", other) }
    #expect("\(error!)".contains("puts tensor a into"), "\(error!)")

    let server = try ScriptedHTTPServer { exchange in
      if exchange.isHead {
        exchange.send(
          "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: \"../../../../x\"\r\n\r\n")
      } else {
        exchange.reply(
          "{\"sha\":\"\(Self.first)\",\"siblings\":[{\"rfilename\":\"config.json\"},"
            + "{\"rfilename\":\"model.safetensors\"}]}")
      }
    }
    defer { server.stop() }
    let third = try HubFolder()
    let refusal = #expect(throws: HubError.self) { try third.fetch("org/name", server.url) }
    #expect("\(refusal!)".contains("no usable ETag"), "\(refusal!)")
    #expect(third.tree.isEmpty)
  }
}
