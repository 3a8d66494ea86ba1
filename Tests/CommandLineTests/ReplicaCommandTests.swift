import Foundation
import TestSupport
import Testing

/// Sweeps and evaluations on replicas that come and go: real servers, killed, stopped and replaced while they
/// are asked.
@Suite(.serialized) struct ReplicaCommandTests {
  /// A pair, an adapter for its servers, and prompts for a run of some seconds.
  static func study() throws -> TemporaryFolder {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let lines = (0..<100).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"question \($0)\"}"
    }
    try folder.write(lines.joined(separator: "\n"), "prompts.jsonl")
    let made = try ServerTests.run([
      "extrapolate", "-q", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--rank", "3",
      "--targets", "linear", "--alpha", "1", "--as", "adapter", "--output", "\(path)/lox-r3",
    ])
    #expect(made.status == 0, "\(made.errors)")
    return folder
  }

  /// Starts a server of the study.
  ///
  /// - Parameters:
  ///   - model: whose weights it has.
  ///   - address: where one stood before.
  static func serve(
    _ folder: TemporaryFolder, model: String = "aligned", at address: String? = nil
  ) throws -> (Process, address: String) {
    let port = address?.split(separator: ":").last.map(String.init) ?? "0"
    return try PeerTests.serve([
      "--model", "\(folder.url.path)/\(model)", "--model-name", "aligned", "--adapter",
      "\(folder.url.path)/lox-r3", "--port", port,
    ])
  }

  static func samples(_ folder: TemporaryFolder, _ output: String) -> Int {
    let file = folder.url.appending(path: "\(output)/samples.jsonl")
    return ((try? String(contentsOf: file, encoding: .utf8)) ?? "").count { $0 == "\n" }
  }

  static func wait(_ folder: TemporaryFolder, _ output: String, until count: Int) throws {
    #expect(
      try ServerTests.wait(60, until: { samples(folder, output) >= count }), "\(count) samples")
  }

  static func record(_ folder: TemporaryFolder, _ output: String) throws -> [String: [String]] {
    let file = folder.url.appending(path: "\(output)/replicas.jsonl")
    var events: [String: [String]] = [:]
    for line in try String(contentsOf: file, encoding: .utf8).split(separator: "\n") {
      let entry = try JSONDecoder().decode([String: String].self, from: Data(line.utf8))
      events["http://\(entry["server"] ?? "")", default: []].append(entry["event"] ?? "")
    }
    return events
  }

  /// One is killed and comes back with other weights, one joins, one stands still for a while and then
  /// leaves: every sample is there once, and all are those of a run that nothing disturbed.
  @Test func noSampleIsLostAndNoneIsMixed() throws {
    let folder = try Self.study()
    let undisturbed = try ServerTests.run(
      ServerTests.sweep(folder, "embedded", ["--targets", "linear", "--max-tokens", "40"]))
    #expect(undisturbed.status == 0, "\(undisturbed.errors)")
    var servers = try (0..<3).map { _ in try Self.serve(folder) }
    defer { for (server, _) in servers { PeerTests.stop(server) } }
    let addresses = servers.map(\.address)
    let list = try folder.write("\(addresses[0])\n\(addresses[1])\n", "servers")
    let (process, _, errors) = try CommandLineTests.start(
      ServerTests.sweep(
        folder, "run",
        [
          "--targets", "linear", "--max-tokens", "40", "--endpoints-file", list.path,
          "--endpoints-interval", "0.2", "--max-connections", "4",
        ]))
    try Self.wait(folder, "run", until: 20)
    PeerTests.stop(servers[1].0)
    servers[1] = try Self.serve(folder, model: "base", at: addresses[1])
    try Self.wait(folder, "run", until: 40)
    try folder.write(addresses.joined(separator: "\n") + "\n", "servers")
    try Self.wait(folder, "run", until: 60)
    kill(servers[0].0.processIdentifier, SIGSTOP)
    Thread.sleep(forTimeInterval: 0.5)
    kill(servers[0].0.processIdentifier, SIGCONT)
    try folder.write("\(addresses[1])\n\(addresses[2])\n", "servers")
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(notes)")
    let answers = try CommandLineTests.responses(folder, "run")
    #expect(answers.count == 200)
    #expect(try CommandLineTests.responses(folder, "embedded") == answers)
    let events = try Self.record(folder, "run")
    #expect(events[addresses[0]] == ["joined", "left"], "\(events)")
    #expect(events[addresses[1]]?.last == "aside", "\(events)")
    #expect(events[addresses[2]] == ["joined"], "\(events)")
  }

  /// Where nobody is left the run ends in time, and goes on with whoever is there then.
  @Test func aRunWithoutServersEndsAndGoesOn() throws {
    let folder = try Self.study()
    let (server, address) = try Self.serve(folder)
    let list = try folder.write("# one\n\(address)\n", "servers").path
    func evaluate(_ more: [String]) -> [String] {
      [
        "evaluate", "--endpoints-command", "cat '\(list)'", "--endpoints-interval", "0.2",
        "--dataset", "\(folder.url.path)/prompts.jsonl", "--max-tokens", "40",
        "--max-connections", "2", "--output", "\(folder.url.path)/run",
      ] + more
    }
    let (process, _, errors) = try CommandLineTests.start(evaluate(["--endpoints-timeout", "1"]))
    try Self.wait(folder, "run", until: 10)
    PeerTests.stop(server)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 75, "\(notes)")
    #expect(notes.contains("no server can be asked; waiting for one, at most 1 s"), "\(notes)")
    #expect(notes.contains("start again with --resume"), "\(notes)")
    let before = try CommandLineTests.responses(folder, "run")
    #expect((10..<100).contains(before.count))

    let (other, elsewhere) = try Self.serve(folder)
    defer { PeerTests.stop(other) }
    try folder.write(elsewhere, "servers")
    let resumed = try ServerTests.run(evaluate(["-q", "--resume"]))
    #expect(resumed.status == 0, "\(resumed.errors)")
    let after = try CommandLineTests.responses(folder, "run")
    #expect(after.count == 100 && after.merging(before) { $1 } == after)
  }

  /// What an earlier session found the model to be holds in a later one.
  @Test func aLaterSessionIsNotGoneOnWithByAnotherModel() throws {
    let folder = try Self.study()
    let (server, address) = try Self.serve(folder)
    let list = try folder.write(address, "servers").path
    let arguments = [
      "evaluate", "-q", "--endpoints-file", list, "--endpoints-timeout", "0.5", "--dataset",
      "\(folder.url.path)/prompts.jsonl", "--max-tokens", "4", "--limit", "5", "--output",
      "\(folder.url.path)/run",
    ]
    #expect(try ServerTests.run(arguments).status == 0)
    PeerTests.stop(server)
    // One sample is missing.
    let journal = folder.url.appending(path: "run/samples.jsonl")
    let lines = try String(contentsOf: journal, encoding: .utf8).split(separator: "\n")
    try (lines.dropLast().joined(separator: "\n") + "\n").write(
      to: journal, atomically: true, encoding: .utf8)
    let (other, _) = try Self.serve(folder, model: "base", at: address)
    defer { PeerTests.stop(other) }
    let resumed = try ServerTests.run(arguments + ["--resume"])
    #expect(resumed.status == 75, "\(resumed.errors)")
    #expect(resumed.errors.contains("expected the model that answered"), "\(resumed.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 4)
  }

  @Test(
    arguments: [
      (["--endpoints-file", "/nowhere"], "no such file"),
      (["--endpoint", "http://h", "--endpoints-file", "f"], "expected one of --endpoint,"),
      (["--endpoints-command", "true", "--endpoints-file", "f"], "expected one of --endpoint,"),
      (["--endpoints-command", "true", "--serve", "x {model} {port}"], "expected one of"),
      (["--endpoints-command", "true", "--endpoints-interval", "0"], "--endpoints-interval"),
    ] as [([String], String)])
  func contradictionsAreUsageErrors(arguments: [String], naming: String) throws {
    let result = try ServerTests.run(["sweep"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(naming), "\(result.errors)")
  }
}
