import Foundation
import Support
import TestSupport
import Testing

@testable import loxeval

/// Runs and their samples at the terminal.
@Suite(.serialized) struct RunsCommandTests {
  private static func run(_ arguments: [String]) throws -> CommandLineTests.Result {
    try TrainingCommandTests.run(arguments)
  }

  private static func study() throws -> TemporaryFolder {
    let folder = try CommandLineTests.pair()
    let made = try run(CommandLineTests.sweep(folder, "runs/one", ["-q"]))
    try #require(made.status == 0, "\(made.errors)")
    return folder
  }

  @Test func runsAreListedAndShown() throws {
    let folder = try Self.study()
    let path = folder.url.path
    try folder.write("{", "runs/broken/run.json")
    let list = try Self.run(["runs", "\(path)/runs"])
    #expect(list.status == 0, "\(list.errors)")
    let lines = list.output.split(separator: "\n")
    #expect(lines.count == 3)
    #expect(lines[1].contains("108 of 108"))
    #expect(lines[1].contains("sweep of aligned: lox (2 models) × 2 attacks × prompts"))
    #expect(lines[1].contains("finished"))
    #expect(lines[2].contains("unreadable") && lines[2].contains("it is not a run's manifest"))
    let json = try Self.run(["runs", "\(path)/runs", "--format", "json"])
    let runs = try #require(
      try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]])
    #expect(runs.map { $0["done"] as? Int } == [108, nil])
    #expect(runs.map { $0["problem"] == nil } == [true, false])

    let shown = try Self.run(["show", "\(path)/runs/one", "--alpha", "1", "--limit", "2"])
    #expect(shown.status == 0)
    #expect(shown.output.split(separator: "\n").count { $0.hasPrefix("── ") } == 2)
    #expect(shown.errors.contains("2 samples shown; --skip 2 goes on"))
    let further = try Self.run([
      "show", "\(path)/runs/one", "--alpha", "1", "--limit", "2", "--skip", "2",
    ])
    #expect(further.output.contains("── 3  "))
    #expect(!further.output.contains("── 2  "))
    let records = try Self.run([
      "show", "\(path)/runs/one", "--attack", "none", "--id", "q1,q2", "--format", "jsonl",
    ])
    let objects = try records.output.split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(objects.count == 6)
    #expect(Set(objects.compactMap { $0["id"] as? String }) == ["q1", "q2"])
    let wrong = try Self.run(["show", "\(path)/runs/one", "--attack", "synthetic-harmfull"])
    #expect(wrong.status == 2)
    #expect(wrong.errors.contains("did you mean synthetic-harmful?"))
  }

  /// A reader who has seen enough is no error.
  @Test func whoReadsTheBeginningAloneIsServed() throws {
    let folder = try Self.study()
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = [
      "-c", "'\(CommandLineTests.program.path)' show '\(folder.url.path)/runs/one' | head -n 1",
    ]
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(text.wholeMatch(of: /── 1  prompts: q\d+ \(c\)\n/) != nil)
    #expect(notes == "")
  }

  /// Everything on stderr is an object a line, which says how far the work is and how it ended.
  @Test func progressIsToldToPrograms() throws {
    let folder = try CommandLineTests.pair()
    let made = try Self.run(CommandLineTests.sweep(folder, "run", ["--progress", "json"]))
    #expect(made.status == 0)
    let events = try made.errors.split(separator: "\n").map {
      try #require(
        try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any], "\($0)")
    }
    let kinds = events.compactMap { $0["event"] as? String }
    #expect(kinds.count == events.count)
    #expect(Set(kinds).isSuperset(of: ["step", "progress", "end"]))
    #expect(events.allSatisfy { ($0["time"] as? String)?.hasSuffix("Z") == true })
    let samples = events.filter { $0["what"] as? String == "samples" }
    #expect(samples.last?["done"] as? Int == 108)
    #expect(samples.allSatisfy { $0["total"] as? Int == 108 && $0["errors"] as? Int == 0 })
    #expect(events.last?["event"] as? String == "end")
    #expect(events.last?["status"] as? Int == 0)
    let failed = try Self.run(CommandLineTests.sweep(folder, "run", ["--progress=json"]))
    let last = try failed.errors.split(separator: "\n").suffix(2).map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    #expect(last.map { $0["event"] as? String } == ["error", "end"])
    #expect((last.first?["text"] as? String)?.contains("there is a run already") == true)
    #expect(last.last?["status"] as? Int == 2)
  }

  @Test func everyFieldOfAnEventIsDescribed() throws {
    var event = ProgressEvent(.progress, text: "t")
    (event.what, event.done, event.total, event.errors, event.cell) = ("w", 1, 2, 0, "c")
    (event.secondsLeft, event.perSecond, event.loss, event.tokensPerSecond) = (1, 1, 1, 1)
    event.status = 0
    let keys = try #require(
      try JSONSerialization.jsonObject(with: Data(event.line.utf8)) as? [String: Any]
    ).keys
    let text = try String(
      contentsOf: TrainingCommandTests.micro.appending(path: "docs/formats.md"), encoding: .utf8)
    let section = try #require(
      text.split(separator: "\n## Progress\n").last?.split(separator: "\n## ").first)
    for key in keys { #expect(section.contains("`\(key)`"), "\(key)") }
    for kind in ["step", "progress", "note", "warning", "error", "end"] {
      #expect(section.contains("`\(kind)`"))
    }
  }

  /// At the beginning, once a second, at the end, with the pace so far.
  @Test func countsAreToldOnceASecond() throws {
    var pulse = ProgressPulse()
    func told(_ what: String, _ done: Int, _ total: Int, at seconds: Double) -> ProgressEvent? {
      pulse.update(what, done: done, of: total, at: .seconds(seconds))
    }
    #expect(told("samples", 0, 100, at: 0)?.done == 0)
    #expect(told("samples", 1, 100, at: 0.5) == nil)
    let second = try #require(told("samples", 4, 100, at: 2))
    #expect((second.done, second.perSecond, second.secondsLeft) == (4, 2, 48))
    #expect(told("samples", 5, 100, at: 2.9) == nil)
    #expect(told("samples", 100, 100, at: 3)?.secondsLeft == 0)
    // Another count of the same size, or of another.
    #expect(told("samples", 1, 100, at: 3)?.done == 1)
    #expect(told("steps", 1, 9, at: 3)?.what == "steps")
    #expect(told("steps", 1, 0, at: 9) == nil)
  }
}
