import Foundation
import TestSupport
import Testing

/// Models by their names, with the built program.
@Suite(.serialized) struct HubCommandTests {
  private static let commit = LoopbackHub.commit(1)

  /// A hub with the pair of a folder, and prompts.
  private static func hub() throws -> (LoopbackHub, TemporaryFolder) {
    let folder = try CommandLineTests.pair()
    var repositories: [String: LoopbackHub.Repository] = [:]
    for name in ["base", "aligned"] {
      let model = folder.url.appending(path: name)
      var files: [String: Data] = [:]
      for file in try FileManager.default.contentsOfDirectory(atPath: model.path) {
        files[file] = try Data(contentsOf: model.appending(path: file))
      }
      repositories["tiny/\(name)"] = .init(files)
      try FileManager.default.removeItem(at: model)
    }
    return (try LoopbackHub(repositories), folder)
  }

  private static func start(
    _ folder: TemporaryFolder, _ hub: String, _ arguments: [String],
    _ values: [String: String] = [:]
  ) throws -> (Process, Pipe, Pipe) {
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    process.environment = ProcessInfo.processInfo.environment.merging(
      ["HF_ENDPOINT": hub, "HF_HOME": folder.url.appending(path: "hf").path]
        .merging(values) { $1 }
    ) { $1 }
    for name in ["HF_TOKEN", "HF_HUB_CACHE", "HF_TOKEN_PATH"] where values[name] == nil {
      process.environment?[name] = nil
    }
    if values["HF_HUB_OFFLINE"] == nil {
      process.environment?["HF_HUB_OFFLINE"] = nil
      process.environment?["TRANSFORMERS_OFFLINE"] = nil
    }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    return (process, output, errors)
  }

  private static func run(
    _ folder: TemporaryFolder, _ hub: String, _ arguments: [String],
    _ values: [String: String] = [:]
  ) throws -> CommandLineTests.Result {
    let (process, output, errors) = try start(folder, hub, arguments, values)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return .init(status: process.terminationStatus, output: text, errors: notes)
  }

  private static func sweep(_ more: String...) -> [String] {
    [
      "sweep", "--base", "tiny/base", "--aligned", "tiny/aligned", "--alpha", "0,1", "--rank", "3",
      "--attack", "none", "--dataset", "prompts.jsonl", "--max-tokens", "4", "--output", "run",
    ] + more
  }

  private static func manifest(_ folder: TemporaryFolder) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appending(path: "run/run.json"))) as? [String: Any])
  }

  @Test func aStudyOfNamesRecordsTheirCommitsAndGoesOnWithThem() throws {
    let (hub, folder) = try Self.hub()
    let first = try Self.run(folder, hub.url, Self.sweep())
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("fetching tiny/base"))
    let sources = try #require(try Self.manifest(folder)["sources"] as? [[String: String]])
    #expect(
      sources
        == ["base", "aligned"].map {
          [
            "role": $0, "repository": "tiny/\($0)", "revision": "main", "commit": Self.commit,
          ]
        })
    let plan = try #require(try Self.manifest(folder)["plan"] as? [String: Any])
    let cells = try #require(plan["cells"] as? [[String: Any]])
    #expect(cells.allSatisfy { $0["model"] as? String == "aligned" })

    // The branch goes on, and the cache is lost: the run asks for the commits that it was begun with.
    hub.change("tiny/aligned") { repository in
      let next = LoopbackHub.commit(2)
      repository.commits[next] = repository.commits[Self.commit]?.merging(
        ["model.safetensors": Data("other".utf8)]
      ) { $1 }
      repository.refs["main"] = next
    }
    try FileManager.default.removeItem(at: folder.url.appending(path: "hf"))
    let lines = folder.url.appending(path: "run/samples.jsonl")
    let text = try String(contentsOf: lines, encoding: .utf8)
    try text.split(separator: "\n").dropLast(3).map { "\($0)\n" }.joined()
      .write(to: lines, atomically: true, encoding: .utf8)
    let second = try Self.run(folder, hub.url, Self.sweep("--resume"))
    #expect(second.status == 0, "\(second.errors)")
    #expect(try String(contentsOf: lines, encoding: .utf8).split(separator: "\n").count == 24)
    // And from then on without a hub.
    let third = try Self.run(
      folder, "http://127.0.0.1:9", Self.sweep("--resume"), ["HF_HUB_OFFLINE": "1"])
    #expect(third.status == 0, "\(third.errors)")
  }

  @Test func aFetchThatWasKilledGoesOn() throws {
    let (hub, folder) = try Self.hub()
    hub.spoil("model.safetensors", .cut(after: 5_000), .wait)
    let arguments = ["spectrum", "--base", "tiny/base", "--aligned", "tiny/aligned"]
    let (process, _, _) = try Self.start(folder, hub.url, arguments)
    // It waits for the rest now.
    let end = ContinuousClock.now + .seconds(600)
    while hub.fetches(of: "model.safetensors") < 2, ContinuousClock.now < end {
      Thread.sleep(forTimeInterval: 0.05)
    }
    kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
    hub.letGo()
    let cache = folder.url.appending(path: "hf/hub/models--tiny--base")
    #expect(!FileManager.default.fileExists(atPath: cache.appending(path: "snapshots").path))
    let again = try Self.run(folder, hub.url, arguments)
    #expect(again.status == 0, "\(again.errors)")
    let ranges = hub.requests.filter(\.isElsewhere).compactMap { $0.headers["range"] }
    #expect(ranges == ["bytes=5000-", "bytes=5000-"])
  }

  @Test func twoProcessesFetchOnce() throws {
    let (hub, folder) = try Self.hub()
    let arguments = ["spectrum", "--base", "tiny/base", "--aligned", "tiny/aligned"]
    let running = try (0..<3).map { _ in try Self.start(folder, hub.url, arguments) }
    let outputs = running.map { process, output, _ in
      let data = output.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      return String(decoding: data, as: UTF8.self)
    }
    #expect(Set(outputs).count == 1 && outputs[0].contains("sigma"))
    #expect(hub.fetches(of: "model.safetensors") == 2)
  }

  @Test func bothReadingsOfANameAreTold() throws {
    let (hub, folder) = try Self.hub()
    let missing = try Self.run(
      folder, hub.url, ["spectrum", "--base", "tiny/bass", "--aligned", "tiny/aligned"])
    #expect(missing.status == 2)
    #expect(
      missing.errors.contains(
        "expected a folder or a model's name on the hub, found tiny/bass: there is no such path here, "
          + "and as a name,"), "\(missing.errors)")
    // What begins as a path is none.
    let requests = hub.requests.count
    for path in ["./tiny/base", "\(folder.url.path)/tiny/base", "../tiny", "tiny", "a/b/c"] {
      let result = try Self.run(
        folder, hub.url, ["spectrum", "--base", path, "--aligned", "tiny/aligned"])
      #expect(result.status == 2 && !result.errors.contains("as a name"), "\(result.errors)")
    }
    #expect(hub.requests.count == requests)
  }

  @Test func aFolderThatIsThereWins() throws {
    let (hub, folder) = try Self.hub()
    let local = try CommandLineTests.pair()
    for name in ["base", "aligned"] {
      let target = folder.url.appending(path: "tiny/\(name)")
      try FileManager.default.createDirectory(
        at: target.deletingLastPathComponent(), withIntermediateDirectories: true)
      try FileManager.default.copyItem(at: local.url.appending(path: name), to: target)
    }
    let result = try Self.run(
      folder, hub.url, ["spectrum", "--base", "tiny/base", "--aligned", "tiny/aligned"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(hub.requests.isEmpty)
  }

  @Test func adaptersAndAttacksMayBeNames() throws {
    let (hub, folder) = try Self.hub()
    let made = try Self.run(
      folder, hub.url,
      [
        "attack", "--model", "tiny/aligned", "--base", "tiny/base", "--method", "synthetic",
        "--output", "lora",
      ])
    #expect(made.status == 0, "\(made.errors)")
    var files: [String: Data] = [:]
    for file in ["adapter_config.json", "adapter_model.safetensors"] {
      files[file] = try Data(contentsOf: folder.url.appending(path: "lora/\(file)"))
    }
    let configuration = String(decoding: files["adapter_config.json"] ?? Data(), as: UTF8.self)
    #expect(configuration.contains("tiny/aligned") || configuration.contains("tiny\\/aligned"))
    hub.change("tiny/lora") { $0 = .init(files) }
    let evaluated = try Self.run(
      folder, hub.url,
      [
        "evaluate", "--model", "tiny/aligned", "--adapter", "tiny/lora:0.5", "--dataset",
        "prompts.jsonl", "--max-tokens", "4", "--output", "run",
      ])
    #expect(evaluated.status == 0, "\(evaluated.errors)")
    let sources = try #require(try Self.manifest(folder)["sources"] as? [[String: String]])
    #expect(sources.map { $0["role"] } == ["model", "adapter"])
    let plan = try #require(try Self.manifest(folder)["plan"] as? [String: Any])
    let cells = try #require(plan["cells"] as? [[String: Any]])
    let variant = try #require(cells.first?["variant"] as? [[String: Any]])
    #expect(
      variant.first?["name"] as? String == "lora" && variant.first?["scale"] as? Double == 0.5)
    try FileManager.default.removeItem(at: folder.url.appending(path: "run"))
    let attacked = try Self.run(
      folder, hub.url,
      Self.sweep("--attack", "import:tiny/lora@\(Self.commit)", "--limit", "2"))
    #expect(attacked.status == 0, "\(attacked.errors)")
    let attacks = try #require(try Self.manifest(folder)["sources"] as? [[String: String]])
    #expect(attacks.contains { $0["role"] == "attack" && $0["revision"] == Self.commit })
  }
}
