import Foundation
import TestSupport
import Testing

/// A study that several processes do, as a user runs it: they share a folder, are killed and started again,
/// and what they found is what one process finds.
@Suite(.serialized) struct ShardCommandTests {
  /// A pair with a training from each α's model, so that there is something to divide.
  static func study() throws -> (folder: TemporaryFolder, arguments: [String]) {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(
      #"{"dataset":"dialogues.jsonl","epochs":2,"rank":2,"learning_rate":0.01}"#, "tuned.json")
    return (
      folder,
      [
        "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0..2:1",
        "--rank", "3", "--attack", "synthetic-harmful,train:\(path)/tuned.json", "--dataset",
        "\(path)/prompts.jsonl", "--max-tokens", "12", "--threads", "1", "--quiet",
      ]
    )
  }

  static func run(_ arguments: [String]) throws -> CommandLineTests.Result {
    try TrainingCommandTests.run(arguments)
  }

  static func text(_ folder: TemporaryFolder, _ file: String) throws -> String {
    try String(contentsOf: folder.url.appending(path: file), encoding: .utf8)
  }

  /// What a report says but for the command and the moment of its run.
  static func report(_ folder: TemporaryFolder, _ run: String) throws -> [String] {
    try text(folder, "\(run)/report.md").split(separator: "\n").map(String.init).filter {
      !$0.contains("Command:") && !$0.hasPrefix("| created ")
    }
  }

  private static func lines(_ folder: TemporaryFolder, _ file: String) -> Int {
    ((try? text(folder, file)) ?? "").count { $0 == "\n" }
  }

  /// Three shards at once, one of them killed and another asked to leave, both started again.
  @Test func shardsThatAreKilledAndStartedAgainMakeTheSameRun() throws {
    let (folder, arguments) = try Self.study()
    let path = folder.url.path
    let single = try Self.run(arguments + ["--output", "\(path)/single"])
    #expect(single.status == 0, "\(single.errors)")
    func shard(_ index: Int) -> [String] {
      arguments + ["--output", "\(path)/run", "--shard", "\(index)/3", "--resume"]
    }
    let started = try (1...3).map { try CommandLineTests.start(shard($0)) }
    let deadline = Date.now + 300
    for (index, signal) in [(1, SIGKILL), (2, SIGTERM)] {
      let process = started[index - 1].0
      while Self.lines(folder, "run/samples-\(index).jsonl") < 2, process.isRunning,
        Date.now < deadline
      { Thread.sleep(forTimeInterval: 0.01) }
      kill(process.processIdentifier, signal)
    }
    for (index, process) in started.enumerated() {
      let notes = String(
        decoding: process.2.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      _ = process.1.fileHandleForReading.readDataToEndOfFile()
      process.0.waitUntilExit()
      switch index {
      case 0: #expect(process.0.terminationReason == .uncaughtSignal || Self.done(folder, 1))
      case 1:
        #expect([75, 0].contains(process.0.terminationStatus), "\(notes)")
      default: #expect(process.0.terminationStatus == 0, "\(notes)")
      }
    }
    let kept = (1...2).map { Self.lines(folder, "run/samples-\($0).jsonl") }
    for index in 1...2 {
      let again = try Self.run(shard(index))
      #expect(again.status == 0, "\(again.errors)")
      #expect(Self.lines(folder, "run/samples-\(index).jsonl") >= kept[index - 1])
    }
    // Each training was made once, whoever made it.
    let attacks = try FileManager.default.contentsOfDirectory(atPath: "\(path)/run/attacks")
    #expect(attacks.filter { !$0.hasSuffix(".lock") }.count == 3, "\(attacks)")

    let status = try Self.run(["status", "\(path)/run", "--format", "json"])
    #expect(status.status == 0 && status.output.contains(#""done" : 108"#), "\(status.output)")
    #expect(status.output.contains(#""state" : "finished""#))
    let report = try Self.run(["report", "\(path)/run"])
    #expect(report.status == 0, "\(report.errors)")
    for file in ["summary.csv", "summary.json"] {
      #expect(
        try Self.text(folder, "run/\(file)") == Self.text(folder, "single/\(file)"), "\(file)")
    }
    let merged = try Self.run(["merge", "\(path)/run"])
    #expect(merged.status == 0, "\(merged.errors)")
    for file in ["summary.csv", "summary.json"] {
      #expect(
        try Self.text(folder, "run/\(file)") == Self.text(folder, "single/\(file)"), "\(file)")
    }
    #expect(try Self.report(folder, "run") == Self.report(folder, "single"))
    #expect(!FileManager.default.fileExists(atPath: "\(path)/run/samples-1.jsonl"))
    // One run: one process may go on with it, and finds nothing to do.
    let resumed = try Self.run(arguments + ["--output", "\(path)/run", "--resume"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    #expect(try Self.text(folder, "run/summary.csv") == Self.text(folder, "single/summary.csv"))
  }

  private static func done(_ folder: TemporaryFolder, _ shard: Int) -> Bool {
    lines(folder, "run/samples-\(shard).jsonl") >= 36
  }

  @Test(arguments: [
    (["--shard", "0/3"], 64, "a part from 1 to 3, found 0"),
    (["--shard", "4/3"], 64, "a part from 1 to 3, found 4"),
    (["--shard", "three"], 64, "such as 3/8"),
    (["--shard", "1/3", "--until-decided", "--max-asr", "0.5"], 64, "--until-decided"),
    (["--shard", "1/99"], 2, "at most as many shards as the study has models"),
  ])
  func whatCannotBeDividedIsRefused(more: [String], status: Int32, naming: String) throws {
    let (folder, arguments) = try Self.study()
    let result = try Self.run(arguments + ["--output", "\(folder.url.path)/run"] + more)
    #expect(result.status == status && result.errors.contains(naming), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder.url.path)/run/samples-1.jsonl"))
  }

  /// Twelve processes want the same attacks of one store, some are killed, and all find the same: each attack is
  /// made once but for makings that a kill broke off, and none is taken half-made.
  @Test func processesShareAnAttackStore() throws {
    let (folder, arguments) = try Self.study()
    let path = folder.url.path
    // Each making says when it begins and when its attack is there; one at a time holds the lock.
    try folder.write(
      #"{"command":"\#(path)/make.sh {model} {output}","dataset":"dialogues.jsonl","name":"made"}"#,
      "made.json")
    let made = try Self.run([
      "attack", "--model", "\(path)/aligned", "--dataset", "\(path)/dialogues.jsonl", "--rank", "2",
      "--output", "\(path)/adapter", "-q",
    ])
    #expect(made.status == 0, "\(made.errors)")
    let script = try folder.write(
      """
      #!/bin/sh
      mkdir -p "$2" && sleep 0.3 && cp \(path)/adapter/adapter_* "$2"/ && echo made >> \(path)/log
      """, "make.sh")
    try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: script.path)
    func start(_ index: Int) throws -> (Process, Pipe, Pipe) {
      var arguments = arguments
      let attack = try #require(arguments.firstIndex(of: "--attack"))
      arguments[attack + 1] = "command:\(path)/made.json"
      return try CommandLineTests.start(
        arguments + [
          "--limit", "2", "--attack-store", "\(path)/store", "--output", "\(path)/run-\(index)",
          "--resume",
        ])
    }
    var running = try (0..<12).map(start)
    var kills = 0
    for index in [3, 7, 0, 11] {
      Thread.sleep(forTimeInterval: 0.3)
      guard running[index].0.isRunning else { continue }
      kill(running[index].0.processIdentifier, SIGKILL)
      running[index].0.waitUntilExit()
      kills += 1
      running[index] = try start(index)
    }
    for (process, output, errors) in running {
      _ = output.fileHandleForReading.readDataToEndOfFile()
      let notes = String(
        decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(notes)")
    }
    // From each of three models; a maker that was killed may have made one that it could not store.
    let count = Self.lines(folder, "log")
    #expect((3...(3 + kills)).contains(count), "\(count) after \(kills) kills")
    let names = try FileManager.default.contentsOfDirectory(atPath: "\(path)/store")
      .filter { !$0.hasSuffix(".lock") && !$0.contains(".partial") }
    #expect(names.count == 3, "\(names)")
    let found = try Set((0..<12).map { try Self.text(folder, "run-\($0)/summary.csv") })
    #expect(found.count == 1)
  }
}
