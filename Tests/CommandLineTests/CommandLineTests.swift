import Foundation
import TestSupport
import Testing
import TinyModel

/// The built program, run as a user runs it.
@Suite(.serialized) struct CommandLineTests {
  /// The program beside the test bundle.
  static var program: URL {
    let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    let folder =
      bundle?.deletingLastPathComponent()
      ?? URL(filePath: CommandLine.arguments[0]).deletingLastPathComponent()
    return folder.appending(path: "loxeval")
  }

  struct Result {
    let status: Int32
    let output: String
    let errors: String
  }

  /// - Parameters:
  ///   - folder: where it works; nil for this process's.
  ///   - environment: all of it; nil for this process's.
  static func start(
    _ arguments: [String], of program: URL = program, in folder: URL? = nil,
    environment: [String: String]? = nil
  ) throws -> (Process, Pipe, Pipe) {
    let process = Process()
    process.executableURL = program
    process.arguments = arguments
    if let folder { process.currentDirectoryURL = folder }
    if let environment { process.environment = environment }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    return (process, output, errors)
  }

  static func run(_ arguments: String...) throws -> Result {
    try result(of: start(arguments))
  }

  /// Waits for a program's end.
  static func result(of started: (Process, Pipe, Pipe)) throws -> Result {
    let (process, output, errors) = started
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return Result(status: process.terminationStatus, output: text, errors: notes)
  }

  /// A base and an aligned model of a few thousand parameters, and a short prompt set.
  static func pair() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    try TinyModel.write(to: folder.url.appending(path: "base"), seed: 1)
    try TinyModel.write(
      to: folder.url.appending(path: "aligned"), seed: 2, from: (seed: 1, scale: 0.1))
    let lines = (0..<12).map {
      "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"question \($0)\"}"
    }
    try folder.write(lines.joined(separator: "\n"), "prompts.jsonl")
    return folder
  }

  static func sweep(_ folder: TemporaryFolder, _ output: String, _ more: [String] = []) -> [String]
  {
    let path = folder.url.path
    return [
      "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0..2:1",
      "--rank", "3", "--attack", "none,synthetic-harmful,synthetic-benign", "--dataset",
      "\(path)/prompts.jsonl", "--max-tokens", "12", "--output", "\(path)/\(output)",
    ] + more
  }

  static func responses(_ folder: TemporaryFolder, _ output: String) throws -> [String: String] {
    let text = try String(
      contentsOf: folder.url.appending(path: "\(output)/samples.jsonl"), encoding: .utf8)
    var result: [String: String] = [:]
    for line in text.split(separator: "\n") {
      let object = try #require(
        try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any])
      let key = "\(object["cell"] ?? "") \(object["id"] ?? "")"
      #expect(result[key] == nil, "\(key) twice")
      result[key] = object["response"] as? String
    }
    return result
  }

  @Test func aSweepMeasuresEveryCellAndRepeatsItself() throws {
    let folder = try Self.pair()
    for (output, connections) in [("one", "1"), ("many", "16")] {
      let (process, pipe, errors) = try Self.start(
        Self.sweep(folder, output, ["--max-connections", connections]))
      _ = pipe.fileHandleForReading.readDataToEndOfFile()
      let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(notes)")
    }
    let one = try Self.responses(folder, "one")
    #expect(one.count == 9 * 12)
    #expect(try Self.responses(folder, "many") == one)
    let csv = try String(
      contentsOf: folder.url.appending(path: "one/summary.csv"), encoding: .utf8)
    #expect(
      csv.hasPrefix(
        "model,targets,rank,alpha,attack,attack_method,dataset,judge,n,errors,degenerate,successes,"
          + "asr,ci_low,ci_high,delta,p_value,seed,max_tokens,defence,parameters,stage,"
          + "prompt_attack,attack_seed,attack_step,filtered,unanswered,unscored,asr_worst_low,"
          + "asr_worst_high,willing,willing_low,willing_high,on_subject,on_subject_low,"
          + "on_subject_high,over_refusal,over_refusal_low,over_refusal_high,adjusted_p\n"))
    #expect(csv.split(separator: "\n").count == 10)
    for file in ["run.json", "summary.json", "report.md", "report.html"] {
      #expect(
        FileManager.default.fileExists(atPath: folder.url.appending(path: "one/\(file)").path))
    }
  }

  /// Ranks are measured once however often they are named, and a model of which nothing was measured is
  /// no result.
  @Test func repeatedRanksAndFailedRequests() throws {
    let folder = try Self.pair()
    let (plan, planPipe, _) = try Self.start(
      Self.sweep(folder, "twice", ["--rank", "3,03,3", "--plan"]))
    let cells = String(
      decoding: planPipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    plan.waitUntilExit()
    #expect(plan.terminationStatus == 0)
    #expect(cells.split(separator: "\n").count == 9)
    // Longer than any context: every request is refused.
    let (failing, pipe, errors) = try Self.start(
      Self.sweep(folder, "failed", ["--max-tokens", "100000", "--max-errors", "1000", "-q"]))
    let table = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    failing.waitUntilExit()
    #expect(failing.terminationStatus == 2)
    #expect(table.contains("errors"))
    #expect(notes.contains("no reply of 9 of 9 cells got a verdict"), "\(notes)")
  }

  @Test func oneModelTwiceIsNoPair() throws {
    let folder = try Self.pair()
    let path = folder.url.path
    for command in [
      ["extrapolate", "--output", "\(path)/lox", "-q"],
      ["sweep", "--output", "\(path)/run", "--dataset", "\(path)/prompts.jsonl", "-q"],
    ] {
      let (process, _, errors) = try Self.start(
        command + ["--base", "\(path)/base", "--aligned", "\(path)/base"])
      let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 2)
      #expect(notes.contains("the same weights"), "\(notes)")
    }
    #expect(!FileManager.default.fileExists(atPath: "\(path)/lox"))
    #expect(!FileManager.default.fileExists(atPath: "\(path)/run"))
  }

  /// kill -9 at random moments, then --resume: nothing lost, nothing asked twice, the same result.
  @Test func aKilledSweepIsContinued() throws {
    let folder = try Self.pair()
    let (whole, pipe, _) = try Self.start(Self.sweep(folder, "whole", ["-q"]))
    _ = pipe.fileHandleForReading.readDataToEndOfFile()
    whole.waitUntilExit()
    let expected = try Self.responses(folder, "whole")
    var kills = 0
    var arguments = Self.sweep(folder, "killed", ["-q", "--resume", "--max-connections", "2"])
    for attempt in 0..<40 {
      let (process, _, _) = try Self.start(arguments)
      Thread.sleep(forTimeInterval: 0.15 + Double(attempt % 7) * 0.05)
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
    }
    arguments[arguments.count - 1] = "16"
    let (last, lastPipe, _) = try Self.start(arguments)
    _ = lastPipe.fileHandleForReading.readDataToEndOfFile()
    last.waitUntilExit()
    #expect(last.terminationStatus == 0)
    #expect(kills > 0)
    #expect(try Self.responses(folder, "killed") == expected)
    func summary(_ name: String) throws -> String {
      try String(contentsOf: folder.url.appending(path: "\(name)/summary.csv"), encoding: .utf8)
    }
    #expect(try summary("killed") == summary("whole"))
  }

  @Test(
    arguments: [
      (["sweep", "--base", "a"], 64, "--aligned"),
      (["sweep", "--effective-rank", "--rank", "full"], 64, "--rank"),
      (["sweep", "--effective-rank", "--alpha", "0..2"], 64, "--alpha"),
      (
        ["attack", "--model", "a", "--output", "o", "--preset", "gsm8k", "--kind", "benign"], 64,
        "--kind"
      ),
      (
        [
          "attack", "--model", "a", "--output", "o", "--preset", "gsm8k", "--method", "full",
          "--rank", "4",
        ],
        64, "--rank"
      ),
      (
        [
          "attack", "--model", "a", "--output", "o", "--preset", "gsm8k", "--method", "full",
          "--energy", "0",
        ], 64, "--energy"
      ),
      (["gate", "r", "--max-asr", "5%", "--confidence", "0.9999999999"], 64, "--confidence"),
      (
        ["extrapolate", "--base", "a", "--aligned", "b", "--output", "o", "--alpha", "1e300"], 64,
        "--alpha"
      ),
      (["sweep", "--base", "a", "--aligned", "b", "--alpha", "x"], 64, "--alpha"),
      (["sweep", "--base", "a", "--aligned", "b", "--rank", "0"], 64, "--rank"),
      (["sweep", "--base", "a", "--aligned", "b", "--attack", "nuke"], 64, "nuke"),
      (["sweep", "--base", "a", "--aligned", "b", "--resume"], 64, "--resume"),
      (["sweep", "--limit", "0"], 64, "--limit"), (["sweep", "--limit", "most"], 64, "--limit"),
      (["evaluate"], 64, "--model"), (["evaluate", "--endpoint", "nowhere"], 64, "--endpoint"),
      (["frobnicate"], 64, "frobnicate"), (["report", "a", "--format", "pdf"], 64, "pdf"),
      (["sweep", "--base", "/nowhere", "--aligned", "/nowhere"], 2, "/nowhere"),
      (["attack", "--model", "a", "--output", "b"], 64, "--preset"),
      (["attack", "--model", "a", "--preset", "x", "--output", "b"], 64, "identity-shift"),
      (
        ["attack", "--model", "a", "--dataset", "b", "--epochs", "0", "--output", "c"], 64, "epochs"
      ),
      (["align", "--model", "/nowhere", "--dataset", "b", "--output", "c"], 2, "/nowhere"),
      (["create", "--dataset", "b", "--hidden-size", "5", "--output", "c"], 64, "hidden size"),
      (["evaluate", "--model", "/nowhere"], 2, "/nowhere"),
      (["report", "/nowhere"], 2, "/nowhere"),
      (["spectrum", "--base", "/nowhere", "--aligned", "/nowhere"], 2, "/nowhere"),
      (["--version"], 0, "0."), (["--help"], 0, "sweep"),
    ] as [([String], Int32, String)])
  func exitCodesAndMessages(arguments: [String], status: Int32, naming: String) throws {
    let (process, output, errors) = try Self.start(arguments)
    let text =
      output.fileHandleForReading.readDataToEndOfFile()
      + errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    #expect(process.terminationStatus == status)
    #expect(String(decoding: text, as: UTF8.self).contains(naming))
  }

  @Test func extrapolatedModelsAndAdaptersAreUsable() throws {
    let folder = try Self.pair()
    let path = folder.url.path
    let models = ["--base", "\(path)/base", "--aligned", "\(path)/aligned", "-q"]
    for arguments in [
      ["extrapolate"] + models + ["--rank", "3", "--alpha", "0.5", "--output", "\(path)/lox"],
      ["extrapolate"] + models
        + ["--rank", "3", "--alpha", "0.5", "--as", "adapter", "--output", "\(path)/adapter"],
      [
        "attack", "--method", "synthetic", "--kind", "benign", "--rank", "2", "--base",
        "\(path)/base", "--model", "\(path)/aligned", "-q", "--output", "\(path)/benign",
      ],
      ["spectrum"] + models + ["--tuned", "\(path)/benign", "--format", "csv"],
      [
        "evaluate", "--model", "\(path)/lox", "--dataset", "\(path)/prompts.jsonl", "--output",
        "\(path)/a", "-q",
      ],
      [
        "evaluate", "--model", "\(path)/aligned", "--adapter", "\(path)/adapter", "--dataset",
        "\(path)/prompts.jsonl", "--output", "\(path)/b", "-q",
      ],
      ["report", "\(path)/a", "--format", "csv"],
    ] {
      let (process, output, errors) = try Self.start(arguments)
      _ = output.fileHandleForReading.readDataToEndOfFile()
      let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
      process.waitUntilExit()
      #expect(process.terminationStatus == 0, "\(arguments): \(notes)")
    }
    // The checkpoint and the adapter are the same float32 model but for rounding.
    let (a, b) = (try Self.responses(folder, "a"), try Self.responses(folder, "b"))
    let equal = a.filter { entry in
      b.first { $0.key.hasSuffix(entry.key.split(separator: " ")[1]) }?.value == entry.value
    }
    #expect(equal.count >= 10)
  }
}
