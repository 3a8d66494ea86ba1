import Foundation
import TestSupport
import Testing

/// Sweeps on servers outside the process: running ones, started ones, crashing ones.
@Suite(.serialized) struct ServerTests {
  static let program = CommandLineTests.program.path

  static func run(_ arguments: [String]) throws -> CommandLineTests.Result {
    let (process, output, errors) = try CommandLineTests.start(arguments)
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return .init(status: process.terminationStatus, output: text, errors: notes)
  }

  static func sweep(
    _ folder: TemporaryFolder, _ output: String, _ more: [String], alpha: String = "0,2"
  ) -> [String] {
    let path = folder.url.path
    return [
      "sweep", "-q", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", alpha,
      "--rank", "3", "--attack", "none", "--dataset", "\(path)/prompts.jsonl", "--max-tokens", "12",
      "--output", "\(path)/\(output)",
    ] + more
  }

  static let serve = "'\(program)' serve -q --model {model} --port {port}"

  /// Ids of processes below a run's folder, but for `loxeval sweep` itself and its supervisor.
  static func servers(of folder: TemporaryFolder) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap { name in
      guard let id = Int32(name),
        let command = try? String(contentsOfFile: "/proc/\(name)/cmdline", encoding: .utf8),
        command.contains(folder.url.path), command.contains("serve\0"),
        !command.contains("supervisor"), !command.contains("sweep\0")
      else { return nil }
      return id
    }
  }

  static func wait(_ seconds: Double = 20, until holds: () throws -> Bool) throws -> Bool {
    let end = ContinuousClock.now + .seconds(seconds)
    while ContinuousClock.now < end {
      if try holds() { return true }
      Thread.sleep(forTimeInterval: 0.02)
    }
    return false
  }

  /// The same updates at a server of their own give the same answers to the byte.
  @Test func aRunningServerIsRecognisedAndAnswersAsTheEmbeddedOne() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let made = try Self.run([
      "extrapolate", "-q", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--rank", "3",
      "--targets", "linear", "--alpha", "1", "--as", "adapter", "--output", "\(path)/lox-r3",
    ])
    #expect(made.status == 0, "\(made.errors)")
    let embedded = try Self.run(Self.sweep(folder, "embedded", ["--targets", "linear"]))
    #expect(embedded.status == 0, "\(embedded.errors)")
    // The adapter's own scale is 1: a bare model must be asked for as such.
    let servers = try (0..<2).map { _ in
      try PeerTests.serve(["--model", "\(path)/aligned", "--adapter", "\(path)/lox-r3"])
    }
    defer { for (server, _) in servers { PeerTests.stop(server) } }
    let endpoints = servers.flatMap { ["--endpoint", $0.address] }
    let external = try Self.run(
      Self.sweep(folder, "external", ["--targets", "linear"] + endpoints))
    #expect(external.status == 0, "\(external.errors)")
    let answers = try CommandLineTests.responses(folder, "external")
    #expect(answers.count == 24)
    #expect(try CommandLineTests.responses(folder, "embedded") == answers)
    let manifest = try String(
      contentsOf: folder.url.appending(path: "external/run.json"), encoding: .utf8)
    #expect(manifest.contains("\"server\" : \"llama-server"))
  }

  @Test func aServerWithoutTheAdaptersIsRefused() throws {
    let folder = try CommandLineTests.pair()
    let (server, address) = try PeerTests.serve(["--model", "\(folder.url.path)/aligned"])
    defer { PeerTests.stop(server) }
    let result = try Self.run(
      Self.sweep(folder, "run", ["--targets", "linear", "--endpoint", address]))
    #expect(result.status == 2)
    #expect(result.errors.contains("--lora \(folder.url.path)/run/adapters/lox-r3.gguf"))
    let all = try Self.run(
      Self.sweep(folder, "all", ["--endpoint", address, "--dialect", "llama-server"]))
    #expect(all.status == 2)
    #expect(all.errors.contains("--targets linear"), "\(all.errors)")
  }

  @Test func modelsAreMergedAndServedOneAfterTheOther() throws {
    let folder = try CommandLineTests.pair()
    let embedded = try Self.run(Self.sweep(folder, "embedded", []))
    #expect(embedded.status == 0, "\(embedded.errors)")
    let served = try Self.run(Self.sweep(folder, "served", ["--serve", Self.serve]))
    #expect(served.status == 0, "\(served.errors)")
    let expected = try CommandLineTests.responses(folder, "embedded")
    let answers = try CommandLineTests.responses(folder, "served")
    #expect(answers.keys == expected.keys)
    // Merged weights are rounded, adapters are not.
    #expect(answers.count { expected[$0.key] == $0.value } >= 20)
    let run = folder.url.appending(path: "served")
    #expect(FileManager.default.fileExists(atPath: run.appending(path: "servers/a0-none.log").path))
    #expect(
      try FileManager.default.contentsOfDirectory(
        atPath: run.appending(path: "models").path
      ).isEmpty)
    #expect(try Self.servers(of: folder).isEmpty)
  }

  @Test func exportedModelsAreMeasuredWhereTheFileSays() throws {
    let folder = try CommandLineTests.pair()
    let exported = try Self.run(
      Self.sweep(folder, "none", ["--export", "\(folder.url.path)/models"]))
    #expect(exported.status == 0, "\(exported.errors)")
    #expect(exported.output.hasSuffix("models/cells.json\n"))
    var cells: [String: [String: String]] = [:]
    var servers: [Process] = []
    defer { for server in servers { PeerTests.stop(server) } }
    for id in ["a0-none", "r3-a2-none"] {
      let (server, address) = try PeerTests.serve(["--model", "\(folder.url.path)/models/\(id)"])
      servers.append(server)
      cells[id] = ["endpoint": address, "model": id]
    }
    let file = try folder.write(try JSONEncoder().encode(cells), "cells.json").path
    let result = try Self.run(Self.sweep(folder, "run", ["--cells", file]))
    #expect(result.status == 0, "\(result.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 24)

    // One model at two places is caught by what it answers.
    cells["r3-a2-none"] = cells["a0-none"]
    cells["r3-a2-none"]?["endpoint"]? += "/v1"
    try folder.write(try JSONEncoder().encode(cells), "cells.json")
    let twice = try Self.run(Self.sweep(folder, "twice", ["--cells", file]))
    #expect(twice.status == 2)
    #expect(twice.errors.contains("identity-doubtful"), "\(twice.errors)")

    cells["r3-a2-none"] = nil
    try folder.write(try JSONEncoder().encode(cells), "cells.json")
    let missing = try Self.run(Self.sweep(folder, "missing", ["--cells", file]))
    #expect(missing.status == 2)
    #expect(missing.errors.contains("expected an entry for r3-a2-none"), "\(missing.errors)")
  }

  @Test func aServerThatCannotStartSaysWhy() throws {
    let folder = try CommandLineTests.pair()
    let result = try Self.run(
      Self.sweep(folder, "run", ["--serve", "echo no GPU {model} {port}; exit 3"]))
    #expect(result.status == 2)
    #expect(result.errors.contains("it ended with status 3"), "\(result.errors)")
    #expect(result.errors.contains("no GPU"))
  }

  /// kill -9 of the server: it is started again, and the run neither loses nor repeats a sample.
  @Test func aServerThatCrashesIsStartedAgain() throws {
    let folder = try CommandLineTests.pair()
    let more = ["--serve", Self.serve, "--max-connections", "2"]
    let (process, _, errors) = try CommandLineTests.start(Self.sweep(folder, "run", more))
    var kills = 0
    for _ in 0..<3 where process.isRunning {
      guard try Self.wait(until: { try !Self.servers(of: folder).isEmpty }) else { break }
      Thread.sleep(forTimeInterval: 0.15)
      for id in try Self.servers(of: folder) {
        kill(id, SIGKILL)
        kills += 1
      }
    }
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(kills > 0)
    #expect(process.terminationStatus == 0, "\(notes)")
    #expect(try CommandLineTests.responses(folder, "run").count == 24)
  }

  @Test func aServerThatAlwaysCrashesEndsTheRun() throws {
    let folder = try CommandLineTests.pair()
    let result = try Self.run(
      Self.sweep(
        folder, "run",
        ["--max-restarts", "2", "--serve", "echo began; kill -9 $$; echo {model} {port}"]))
    #expect(result.status == 2)
    #expect(result.errors.contains("it ended with status 137"), "\(result.errors)")
    let log = try String(
      contentsOf: folder.url.appending(path: "run/servers/a0-none.log"), encoding: .utf8)
    #expect(log.components(separatedBy: "began").count == 4)
  }

  /// However loxeval ends, its server ends too.
  @Test(arguments: [SIGKILL, SIGTERM, SIGINT]) func noServerIsLeftBehind(signal: Int32) throws {
    let folder = try CommandLineTests.pair()
    let (process, _, _) = try CommandLineTests.start(
      Self.sweep(folder, "run", ["--serve", Self.serve], alpha: "0..2"))
    #expect(try Self.wait(until: { try !Self.servers(of: folder).isEmpty }))
    Thread.sleep(forTimeInterval: 0.2)
    kill(process.processIdentifier, signal)
    process.waitUntilExit()
    #expect(try Self.wait(5, until: { try Self.servers(of: folder).isEmpty }))
    if signal != SIGKILL { #expect(process.terminationStatus == 128 + signal) }
    let resumed = try Self.run(
      Self.sweep(folder, "run", ["--serve", Self.serve, "--resume"], alpha: "0..2"))
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 9 * 12)
  }

  /// Ending when it is told to is what a server is for; a client that waits is told too.
  @Test(arguments: [SIGTERM, SIGINT])
  func aServerThatIsToldToEndSucceeds(signal: Int32) throws {
    let folder = try CommandLineTests.pair()
    let (server, address) = try PeerTests.serve(["--model", "\(folder.url.path)/aligned"])
    #expect(address.hasPrefix("http://127.0.0.1:"))
    kill(server.processIdentifier, signal)
    server.waitUntilExit()
    #expect(server.terminationReason == .exit)
    #expect(server.terminationStatus == 0)
  }

  @Test(
    arguments: [
      (["--dialect", "vllm"], "--endpoint"), (["--serve", "x {model}"], "{port}"),
      (["--serve", "x {port}"], "{model}"), (["--serve", "x {port} {gguf} {lora}"], "--gguf"),
      (["--serve", "x {port} {model}", "--endpoint", "http://h"], "one of"),
      (["--cells", "f", "--dialect", "vllm"], "--cells"),
      (["--max-retries", "-1"], "--max-retries"),
      (["--endpoint", "http://h", "--endpoint", "http://h"], "--endpoint"),
      (["--max-errors", "many"], "--max-errors"),
    ] as [([String], String)])
  func contradictionsAreUsageErrors(arguments: [String], naming: String) throws {
    let result = try Self.run(["sweep"] + arguments)
    #expect(result.status == 64)
    #expect(result.errors.contains(naming), "\(result.errors)")
  }
}
