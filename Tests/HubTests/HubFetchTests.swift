import Foundation
import Support
import TestSupport
import Testing

@testable import Hub

/// What is fetched, and how it lies in the cache.
@Suite struct HubFetchTests {
  private static let commit = LoopbackHub.commit(1)
  private static let repository = "models--org--name"

  private static func blob(_ path: String) -> String {
    LoopbackHub.etag(path, HubFolder.files[path] ?? Data())
  }

  @Test func whatIsNeededIsLaidOutAsHuggingfaceHubDoes() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    #expect(model.commit == Self.commit)
    #expect(model.folder.path.hasSuffix("hub/\(Self.repository)/snapshots/\(Self.commit)"))
    let wanted = [
      "config.json", "generation_config.json", "tokenizer.json", "tokenizer_config.json",
      "vocab.json", "additional_chat_templates/tool.jinja", "model.safetensors",
    ]
    let snapshot = "\(Self.repository)/snapshots/\(Self.commit)"
    for path in wanted {
      let up = path.contains("/") ? "../../../" : "../../"
      #expect(place.link("\(snapshot)/\(path)") == "\(up)blobs/\(Self.blob(path))")
      #expect(try Data(contentsOf: model.folder.appending(path: path)) == HubFolder.files[path])
    }
    let absent = ["special_tokens_map.json", "added_tokens.json", "chat_template.jinja"]
    let expected =
      ["CACHEDIR.TAG", "\(Self.repository)/refs/main"]
      + wanted.map { "\(snapshot)/\($0)" }
      + Set(wanted.map { "\(Self.repository)/blobs/\(Self.blob($0))" })
      + absent.map { "\(Self.repository)/.no_exist/\(Self.commit)/\($0)" }
    #expect(place.tree == Set(expected))
    let ref = try String(
      contentsOf: place.cache.appending(path: "\(Self.repository)/refs/main"), encoding: .utf8)
    #expect(ref == Self.commit)
    // What is there whole is not asked for again, nor is anything written.
    let requests = hub.requests.count
    #expect(try place.fetch("org/name", hub).folder == model.folder)
    #expect(hub.requests.count == requests)
  }

  @Test func shardsAreThoseOfTheIndex() throws {
    var files = HubFolder.files
    files["model.safetensors"] = nil
    files["model.safetensors.index.json"] = Data(
      #"{"weight_map":{"a":"model-1.safetensors","b":"model-2.safetensors","c":"model-1.safetensors"}}"#
        .utf8)
    for number in 1...3 { files["model-\(number).safetensors"] = HubFolder.bytes(9_000 + number) }
    let hub = try LoopbackHub(["org/name": .init(files)])
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    let names = try FileManager.default.contentsOfDirectory(atPath: model.folder.path)
      .filter { $0.hasPrefix("model") }.sorted()
    #expect(
      names == ["model-1.safetensors", "model-2.safetensors", "model.safetensors.index.json"])
    // A shard that somebody deleted is fetched again, and nothing else.
    try FileManager.default.removeItem(
      at: model.folder.appending(path: "model-2.safetensors").resolvingSymlinksInPath())
    _ = try place.fetch("org/name", hub)
    #expect(hub.fetches(of: "model-2.safetensors") == 2)
    #expect(hub.fetches(of: "model-1.safetensors") == 1)
    #expect(
      try Data(contentsOf: model.folder.appending(path: "model-2.safetensors"))
        == files["model-2.safetensors"])
  }

  @Test func adaptersAreFetchedToo() throws {
    let files = [
      "adapter_config.json": Data("{}".utf8), "adapter_model.safetensors": HubFolder.bytes(50),
      "tokenizer.json": Data("{}".utf8), "checkpoint-1/optimizer.pt": HubFolder.bytes(9),
    ]
    let hub = try LoopbackHub(["org/lora": .init(files), "org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    for kind in [RepositoryKind.adapter, .any] {
      let model = try place.fetch("org/lora", hub, kind)
      let names = try FileManager.default.contentsOfDirectory(atPath: model.folder.path).sorted()
      #expect(names == ["adapter_config.json", "adapter_model.safetensors"])
    }
    let model = try place.fetch("org/name", hub, .any)
    #expect(model.folder.path.contains("models--org--name"))
    let count = hub.requests.count
    _ = try place.fetch("org/name", hub, .any)
    #expect(hub.requests.count == count)
    #expect(throws: HubError.self) { try place.fetch("org/name", hub, .adapter) }
    let error = #expect(throws: HubError.self) { try place.fetch("org/lora", hub, .model) }
    #expect("\(error!)".contains("it is a PEFT adapter"))
  }

  @Test func brokenConnectionsGoOnWhereTheyEnded() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    hub.spoil("model.safetensors", .cut(after: 100_000), .cut(after: 0), .cut(after: 50_000))
    let place = try HubFolder()
    let model = try place.fetch("org/name", hub)
    #expect(
      try Data(contentsOf: model.folder.appending(path: "model.safetensors"))
        == HubFolder.files["model.safetensors"])
    let ranges = hub.requests.filter { $0.isElsewhere }.map { $0.headers["range"] ?? "" }
    #expect(ranges == ["", "bytes=100000-", "bytes=100000-", "bytes=150000-"])
  }

  /// What is there before, and from where the rest is asked for.
  @Test(
    arguments: [
      ("first half", 150_000, false, "bytes=150000-"), ("whole", 300_000, false, nil),
      ("too much", 300_001, false, ""), ("another's half", 150_000, true, "bytes=150000-"),
      ("another's whole", 300_000, true, ""), ("nothing", 0, false, ""),
    ] as [(String, Int, Bool, String?)])
  func partsGoOn(what: String, count: Int, isOther: Bool, range: String?) throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    let place = try HubFolder()
    let data = try #require(HubFolder.files["model.safetensors"])
    let part = (isOther ? HubFolder.bytes(count, seed: 9) : data + Data("x".utf8)).prefix(count)
    try place.folder.write(
      Data(part), "hub/\(Self.repository)/blobs/\(Self.blob("model.safetensors")).incomplete")
    let model = try place.fetch("org/name", hub)
    #expect(try Data(contentsOf: model.folder.appending(path: "model.safetensors")) == data)
    let ranges = hub.requests.filter { $0.isElsewhere }.map { $0.headers["range"] ?? "" }
    // Another's half is found out when all is there, and is then fetched from its beginning.
    #expect(ranges == [range].compactMap { $0 } + (what == "another's half" ? [""] : []))
    #expect(!place.tree.contains { $0.hasSuffix(".incomplete") })
  }

  @Test(arguments: [
    (LoopbackHub.Fault.otherBytes, "have the digest"), (.otherSize, "the answer has 300004"),
    (.status(500), "status 500"), (.status(403), "does not let"),
  ])
  func whatIsWrongIsNotKept(fault: LoopbackHub.Fault, word: String) throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    hub.spoil("model.safetensors", fault, fault, fault, fault)
    let place = try HubFolder()
    let error = #expect(throws: HubError.self) { try place.fetch("org/name", hub) }
    #expect("\(error!)".contains(word) && "\(error!)".contains("model.safetensors"), "\(error!)")
    #expect(!place.tree.contains { $0.contains("snapshots") || $0.contains("refs") })
    #expect(!place.tree.contains { $0.hasSuffix(Self.blob("model.safetensors")) })
    // Nothing of it stays in the way.
    let healed = try LoopbackHub(["org/name": .init(HubFolder.files)])
    _ = try place.fetch("org/name", healed)
  }

  @Test func busyHubsAreAskedAgain() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    hub.spoil("tokenizer.json", .status(503), .status(429))
    _ = try HubFolder().fetch("org/name", hub)
    #expect(hub.fetches(of: "tokenizer.json") == 3)
  }

  @Test func tokensStayWithTheHub() throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files, token: "hf_secret")])
    let place = try HubFolder()
    _ = try place.fetch("org/name", hub, .model, ["HF_TOKEN": "hf_secret"])
    let (elsewhere, here) = (
      hub.requests.filter(\.isElsewhere), hub.requests.filter { !$0.isElsewhere }
    )
    #expect(!elsewhere.isEmpty && elsewhere.allSatisfy { $0.headers["authorization"] == nil })
    #expect(here.allSatisfy { $0.headers["authorization"] == "Bearer hf_secret" })
  }

  @Test func oneOfTwoFetches() async throws {
    let hub = try LoopbackHub(["org/name": .init(HubFolder.files)])
    hub.spoil("model.safetensors", .wait)
    let place = try HubFolder()
    async let first = runOnOwnThread(named: "first") { try place.fetch("org/name", hub) }
    async let second = runOnOwnThread(named: "second") { try place.fetch("org/name", hub) }
    try await runOnOwnThread(named: "waiting") {
      let end = ContinuousClock.now + .seconds(600)
      while !place.notes.contains(where: { $0.contains("another process fetches") }) {
        guard ContinuousClock.now < end else { break }
        Thread.sleep(forTimeInterval: 0.02)
      }
    }
    hub.letGo()
    let models = try await [first, second]
    #expect(models[0].folder == models[1].folder)
    #expect(hub.fetches(of: "model.safetensors") == 1)
    #expect(
      try Data(contentsOf: models[0].folder.appending(path: "model.safetensors"))
        == HubFolder.files["model.safetensors"])
  }
}
