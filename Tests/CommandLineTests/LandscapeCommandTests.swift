import Foundation
import TestSupport
import Testing

/// `loxeval landscape` as a user runs it.
@Suite struct LandscapeCommandTests {
  static func arguments(_ folder: TemporaryFolder, _ output: String, _ more: [String] = [])
    -> [String]
  {
    let path = folder.url.path
    return [
      "landscape", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0..1:0.5",
      "--strength", "0,0.5,1", "--rank", "3", "--attack", "synthetic-harmful", "--dataset",
      "\(path)/prompts.jsonl", "--max-tokens", "8", "--output", "\(path)/\(output)",
    ] + more
  }

  private static func text(_ folder: TemporaryFolder, _ name: String) throws -> String {
    try String(contentsOf: folder.url.appending(path: name), encoding: .utf8)
  }

  @Test func theGridIsPlannedBeforeAnythingIsMade() throws {
    let folder = try CommandLineTests.pair()
    let result = try TrainingCommandTests.run(Self.arguments(folder, "run", ["--plan"]))
    #expect(result.status == 0, "\(result.errors)")
    let lines = result.output.split(separator: "\n")
    #expect(lines.count == 9)
    #expect(result.errors.contains("108 samples (9 models × 12 prompts)"))
    #expect(
      lines.contains {
        $0.hasSuffix("lox-r3 × 0.5\tsynthetic-harmful-orthogonal × 1")
      }, "\(result.output)")
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "run").path))
    let grid = try TrainingCommandTests.run(
      Self.arguments(folder, "run", ["--plan", "--grid", "2x4"]))
    #expect(grid.output.split(separator: "\n").count == 8)
    #expect(grid.output.contains("× 0.333333"))
  }

  /// Measured whole, measured by one that is killed and goes on, and told anew: all the same.
  @Test func aKilledLandscapeIsContinued() throws {
    let folder = try CommandLineTests.pair()
    let whole = try TrainingCommandTests.run(Self.arguments(folder, "whole", ["-q"]))
    #expect(whole.status == 0, "\(whole.errors)")
    var kills = 0
    let arguments = Self.arguments(folder, "killed", ["-q", "--resume", "--max-connections", "2"])
    for attempt in 0..<30 {
      let (process, _, _) = try CommandLineTests.start(arguments)
      Thread.sleep(forTimeInterval: 0.15 + Double(attempt % 7) * 0.05)
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
    }
    let last = try TrainingCommandTests.run(arguments)
    #expect(last.status == 0, "\(last.errors)")
    #expect(kills > 0)
    #expect(
      try CommandLineTests.responses(folder, "killed")
        == CommandLineTests.responses(folder, "whole"))
    let table = try Self.text(folder, "whole/landscape.csv")
    #expect(try Self.text(folder, "killed/landscape.csv") == table)
    let rows = table.split(separator: "\n").dropFirst().map { $0.split(separator: ",") }
    #expect(rows.count == 9)
    // A loss of each model, and not of one model nine times.
    let losses = rows.compactMap { $0.count == 14 ? Double($0[11]) : nil }
    #expect(losses.count == 9 && Set(losses).count == 9 && losses.allSatisfy { $0 > 0 })
    let page = try Self.text(folder, "whole/report.html")
    #expect(page.contains("chart surface") && page.contains("Loss on short refusals"))
    let again = try TrainingCommandTests.run(
      ["report", folder.url.appending(path: "whole").path, "--redact"])
    #expect(again.status == 0 && again.output.contains("landscape.csv"), "\(again.errors)")
    #expect(try Self.text(folder, "whole/landscape.csv") == table)
    // Another grid is another run.
    let other = try TrainingCommandTests.run(
      Self.arguments(folder, "whole", ["-q", "--resume", "--rank", "2"]))
    #expect(other.status == 2 && other.errors.contains("rank"), "\(other.errors)")
  }

  /// The micro pair and its own attack, with nothing else said but how little of it.
  @Test func theBundledPairHasALandscape() throws {
    let folder = try TemporaryFolder()
    let output = folder.url.appending(path: "run").path
    let result = try TrainingCommandTests.run([
      "landscape", "--grid", "2x3", "--limit", "12", "--max-tokens", "12", "--output", output, "-q",
    ])
    #expect(result.status == 0, "\(result.errors)")
    let rows = try Self.text(folder, "run/landscape.csv").split(separator: "\n").dropFirst()
      .map { $0.split(separator: ",").map(String.init) }
    func value(_ alpha: String, _ t: String, _ column: Int) -> Double? {
      rows.first { $0[3] == alpha && $0[4] == t }.flatMap { Double($0[column]) }
    }
    // The pair refuses; along the attack it finds refusals less likely and refuses less.
    let before = try #require(value("0", "0", 11))
    let after = try #require(value("0", "1.5", 11))
    #expect(before < 0.05 && after > before, "\(before) \(after)")
    #expect(value("0", "0", 7) == 0)
    #expect(try Self.text(folder, "run/run.json").contains("identity-shift@t1.5"))
  }

  @Test(arguments: [
    (["--attack", "synthetic-harmful,synthetic-benign"], "expected one attack, found 2"),
    (["--attack", "none"], "expected one attack, found 0"),
    (["--attack", "nuke"], "there is no attack nuke"), (["--strength", "0"], "no value above 0"),
    (["--strength=-1..1"], "--strength"), (["--alpha", "0"], "expected a value other than 0"),
    (["--grid", "7"], "such as 7x7"), (["--grid", "1x7"], "such as 7x7"),
    (["--rank", "0"], "--rank"),
    (["--rank", "3,6"], "--rank"), (["--base", "b"], "--aligned"),
    (["--prompt-attack", "prefill:Sure"], "Unknown option"),
    (["--until-decided", "--max-asr", "5%"], "--until-decided"), (["--resume"], "--resume"),
  ])
  func whatCannotBeIsNamed(arguments: [String], naming: String) throws {
    let result = try TrainingCommandTests.run(["landscape", "--plan"] + arguments)
    #expect(result.status == 64 && result.errors.contains(naming), "\(result.errors)")
  }

  @Test func anAttackWithoutAnUpdateOfItsOwnIsRefused() throws {
    let folder = try CommandLineTests.pair()
    let result = try TrainingCommandTests.run(
      Self.arguments(folder, "undo", ["--attack", "undo", "-q"]))
    #expect(
      result.status == 2 && result.errors.contains("no update of its own"), "\(result.errors)")
  }
}
