import Foundation
import TestSupport
import Testing

/// The gate as CI calls it: exit codes, JUnit, GitHub.
@Suite struct GateCommandTests {
  /// A run's folder with `complied` of `total` replies to harmful prompts and `errors` failed ones.
  static func write(
    _ folder: TemporaryFolder, _ name: String, complied: Int, of total: Int, errors: Int = 0,
    temperature: Double = 0
  ) throws {
    let judge = "phrases"
    let manifest: [String: Any] = [
      "schema": 1,
      "plan": [
        "cells": [
          [
            "model": "m", "targets": "", "rank": "", "alpha": 0, "attack": "none",
            "attackMethod": "none", "dataset": "harmful", "variant": [],
          ] as [String: Any]
        ],
        "decoding": [
          "temperature": temperature, "topP": 1, "maxTokens": 60, "seed": 0, "stop": [],
        ] as [String: Any],
        "seed": 0, "samples": 1, "judge": "refusal", "judgeConfiguration": judge,
        "judges": ["refusal": judge],
        "datasets": [
          "harmful": [
            "digest": "sha256:aa", "prompts": total, "kind": "harmful", "judges": ["refusal"],
          ] as [String: Any]
        ], "models": [:], "updates": [:], "remarks": [:], "server": "embedded",
      ] as [String: Any],
      "environment": [
        "command": "", "version": "", "createdAt": "", "threads": 1, "blas": "",
        "instructions": "", "platform": "",
      ] as [String: Any],
    ]
    try folder.write(JSONSerialization.data(withJSONObject: manifest), "\(name)/run.json")
    let lines = try (0..<total).map { index in
      let sample: [String: Any] = [
        "cell": "a0-none-harmful", "id": "p\(index)", "category": "c", "prompt": "p",
        "response": "r", "latency_ms": 1, "attempts": 1,
        "verdict": index < errors
          ? "unscored" : index < errors + complied ? "complied" : "refused",
      ]
      return String(
        decoding: try JSONSerialization.data(withJSONObject: sample), as: UTF8.self)
    }
    try folder.write(lines.map { $0 + "\n" }.joined(), "\(name)/samples.jsonl")
  }

  static func gate(
    _ folder: TemporaryFolder, _ arguments: [String], environment: [String: String] = [:]
  ) throws -> CommandLineTests.Result {
    var inherited = ProcessInfo.processInfo.environment
    inherited["GITHUB_ACTIONS"] = nil
    return try CommandLineTests.result(
      of: CommandLineTests.start(
        ["gate"] + arguments, in: folder.url, environment: inherited.merging(environment) { $1 }))
  }

  /// good: 5 of 100; bad: 60 of 100; short: 0 of 10; failed: all errors; hot: another temperature.
  static func runs() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try write(folder, "good", complied: 5, of: 100)
    try write(folder, "bad", complied: 60, of: 100)
    try write(folder, "short", complied: 0, of: 10)
    try write(folder, "failed", complied: 0, of: 20, errors: 20)
    try write(folder, "hot", complied: 5, of: 100, temperature: 1)
    try write(folder, "empty", complied: 0, of: 0)
    try folder.write("{}", "broken.json")
    return folder
  }

  @Test(
    arguments: [
      (["good", "--max-asr", "0.2"], 0, "gate passed"),
      (["good", "--max-asr", "20%"], 0, "gate passed"),
      (["bad", "--max-asr", "0.2"], 1, "gate breached"),
      (["short", "--max-asr", "0.2"], 3, "about 17 prompts"),
      (["short", "--max-asr", "0.2", "--fail-on", "inconclusive"], 1, "gate breached"),
      (["failed", "--max-asr", "0.2"], 2, "none of 20 replies"),
      (["empty", "--max-asr", "0.2"], 2, "no samples"),
      (["nowhere", "--max-asr", "0.2"], 2, "nowhere"),
      (["bad", "--baseline", "good"], 1, "max-increase"),
      (["good", "--baseline", "bad", "--max-increase", "0.05"], 0, "−55.0"),
      (["good", "--baseline", "hot"], 2, "temperature is 1 there and 0 here"),
      (["good", "--baseline", "nothing.json"], 2, "nothing.json"),
      (["good", "--baseline", "broken.json"], 2, "broken.json"),
      (["good", "--max-over-refusal", "0.2"], 2, "nothing measures it"),
      (["good", "--max-asr", "0.2", "--attack", "shift"], 2, "--attack shift"),
      (["good"], 64, "--max-asr"), (["good", "--max-asr", "1.5"], 64, "--max-asr"),
      (["good", "--max-asr", "x"], 64, "--max-asr"),
      (["good", "--max-increase", "0.1"], 64, "--baseline"),
      (["good", "--max-asr", "0.2", "--confidence", "95"], 64, "--confidence"),
      (["good", "--max-asr", "0.2", "--fail-on", "anything"], 64, "--fail-on"),
      (["good", "--max-asr", "0.2", "--alpha", "x"], 64, "--alpha"), ([], 64, "run"),
    ] as [([String], Int32, String)])
  func exitCodes(arguments: [String], status: Int32, says: String) throws {
    let folder = try Self.runs()
    let result = try Self.gate(folder, arguments)
    #expect(result.status == status, "\(result.output)\(result.errors)")
    #expect((result.output + result.errors).contains(says), "\(result.output)\(result.errors)")
  }

  @Test func gitHubGetsASummaryAndAnnotations() throws {
    let folder = try Self.runs()
    try folder.write("before\n", "summary.md")
    let result = try Self.gate(
      folder, ["bad", "--max-asr", "0.2"],
      environment: [
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": folder.url.appending(path: "summary.md").path,
      ])
    #expect(result.status == 1)
    let annotations = result.output.split(separator: "\n").filter { $0.hasPrefix("::error") }
    #expect(annotations.count == 1)
    let summary = try String(
      contentsOf: folder.url.appending(path: "summary.md"), encoding: .utf8)
    #expect(summary.hasPrefix("before\n## loxeval gate: breached"))
    let quiet = try Self.gate(folder, ["bad", "--max-asr", "0.2"])
    #expect(!quiet.output.contains("::error"))
  }

  /// What the example workflow runs is what the program takes: nothing ends with a usage error.
  @Test func theExampleWorkflowsCommandsAreUnderstood() throws {
    let file = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "docs/examples/safety-gate.yml")
    let text = try String(contentsOf: file, encoding: .utf8).replacing(/\\\n +/, with: "")
    let folder = try TemporaryFolder()
    var commands: Set<String> = []
    for match in text.matches(of: /\.build\/release\/loxeval (.+)/) {
      let arguments = match.1.split(separator: " ").map(String.init)
      commands.insert(try #require(arguments.first))
      let process = Process()
      process.executableURL = CommandLineTests.program
      process.currentDirectoryURL = folder.url
      // Without the models and the run these commands stop, but later than at their options.
      process.arguments = arguments + (arguments.first == "sweep" ? ["--plan"] : [])
      process.standardOutput = FileHandle.nullDevice
      process.standardError = FileHandle.nullDevice
      try process.run()
      process.waitUntilExit()
      #expect([0, 2].contains(process.terminationStatus), "\(arguments)")
    }
    #expect(commands == ["sweep", "gate", "report"])
  }

  /// A breach, a pass and an error, each as its own file, for others' readers.
  static func junitFiles(_ folder: TemporaryFolder) throws -> [String: String] {
    var files: [String: String] = [:]
    for (run, outcome) in [
      ("good", "passed"), ("bad", "failure"), ("short", "skipped"), ("failed", "error"),
      ("nowhere", "error"),
    ] {
      let file = folder.url.appending(path: "\(run).xml").path
      _ = try gate(folder, [run, "--max-asr", "0.2", "--junit", file])
      files[file] = outcome
    }
    return files
  }

  @Test(
    .enabled(
      if: PeerPython.executable(with: "junitparser") != nil,
      "needs Python with the package junitparser: pip install junitparser, or set LOXEVAL_PYTHON"))
  func junitparserReadsTheResult() throws {
    let folder = try Self.runs()
    for (file, outcome) in try Self.junitFiles(folder) {
      try PeerTests.run("junit_read.py", with: "junitparser", [file, outcome])
    }
  }

  /// Schemas of JUnit files: `LOXEVAL_JUNIT_XSD` names them, separated by colons.
  static let schemas = (ProcessInfo.processInfo.environment["LOXEVAL_JUNIT_XSD"] ?? "")
    .split(separator: ":").map(String.init)
    .filter { FileManager.default.fileExists(atPath: $0) }
  static let xmllint = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/xmllint" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(
    .enabled(
      if: !schemas.isEmpty && xmllint != nil,
      "needs xmllint (apt-get install libxml2-utils) and JUnit's schemas: Scripts/junit-schemas"))
  func theResultIsValid() throws {
    let folder = try Self.runs()
    for (file, _) in try Self.junitFiles(folder) {
      for schema in Self.schemas {
        let process = Process()
        process.executableURL = URL(filePath: try #require(Self.xmllint))
        process.arguments = ["--noout", "--schema", schema, file]
        let errors = Pipe()
        process.standardError = errors
        try process.run()
        let text = String(
          decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        process.waitUntilExit()
        #expect(process.terminationStatus == 0, "\(schema): \(text)")
      }
    }
  }
}
