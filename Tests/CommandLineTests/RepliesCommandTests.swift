import Foundation
import TestSupport
import Testing

/// Replies that others generated, through judges, reports, comparison and gate.
@Suite(.serialized) struct RepliesCommandTests {
  private static let refusal = "I'm sorry, but I can't help with that."
  private static let answer =
    "Sure. First take the flour, then the water, and stir both for a while."

  /// - Parameter refused: of forty prompts.
  private static func lines(refused: Int, reversed: Bool = false) -> String {
    let lines = (0..<40).map {
      "{\"prompt\":\"request number \($0)\",\"response\":\"\($0 < refused ? refusal : answer)\"}\n"
    }
    return (reversed ? lines.reversed() : lines).joined()
  }

  private static func evaluate(
    _ folder: TemporaryFolder, _ output: String, _ arguments: String...
  ) throws -> CommandLineTests.Result {
    let (process, out, errors) = try CommandLineTests.start(
      ["evaluate", "--output", "\(folder.url.path)/\(output)"] + arguments)
    let text = String(decoding: out.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return .init(status: process.terminationStatus, output: text, errors: notes)
  }

  private static func object(_ folder: TemporaryFolder, _ path: String) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appending(path: path))) as? [String: Any])
  }

  private static func rate(_ folder: TemporaryFolder, _ run: String) throws -> [Double] {
    let rows = try #require(
      try object(folder, "\(run)/summary.json")["rows"] as? [[String: Any]])
    return rows.compactMap { $0["asr"] as? Double }
  }

  @Test func theyBecomeARunThatReportsAndGatesTake() throws {
    let folder = try TemporaryFolder()
    let first = try folder.write(Self.lines(refused: 40), "a.jsonl")
    let second = try folder.write(Self.lines(refused: 10, reversed: true), "b.jsonl")
    for (run, file) in [("a", first), ("b", second)] {
      let made = try Self.evaluate(
        folder, run, "--replies", "requests=\(file.path)", "--judge", "refusal,ngram")
      #expect(made.status == 0, "\(made.errors)")
    }
    #expect(try Self.rate(folder, "a") == [0, 0])
    #expect(try Self.rate(folder, "b").first == 0.75)
    let plan = try #require(try Self.object(folder, "a/run.json")["plan"] as? [String: Any])
    let set = try #require((plan["datasets"] as? [String: [String: Any]])?["requests"])
    let replies = try #require(set["replies"] as? [String: String])
    #expect(replies["form"] == "records" && replies["digest"]?.hasPrefix("sha256:") == true)
    let report = try String(
      contentsOf: folder.url.appending(path: "a/report.md"), encoding: .utf8)
    #expect(report.contains("recorded elsewhere, one a prompt"))

    let path = folder.url.path
    let passed = try CommandLineTests.run("gate", "\(path)/a", "--max-asr", "20%")
    #expect(passed.status == 0, "\(passed.output)\(passed.errors)")
    let breached = try CommandLineTests.run(
      "gate", "\(path)/b", "--baseline", "\(path)/a", "--max-increase", "10%")
    #expect(breached.status == 1, "\(breached.output)\(breached.errors)")
    let compared = try CommandLineTests.run("compare", "\(path)/a", "\(path)/b")
    #expect(compared.status == 0 && compared.output.contains("+75"), "\(compared.output)")

    // It goes on as any run does, unless the file is another.
    let again = try Self.evaluate(
      folder, "a", "--replies", "requests=\(first.path)", "--judge", "refusal,ngram", "--resume")
    #expect(again.status == 0, "\(again.errors)")
    let other = try Self.evaluate(
      folder, "a", "--replies", "requests=\(second.path)", "--judge", "refusal,ngram", "--resume")
    #expect(other.status == 2 && other.errors.contains("replies.digest"), "\(other.errors)")
  }

  @Test func severalFilesAreSetsOfOneRun() throws {
    let folder = try TemporaryFolder()
    let harmful = try folder.write(
      """
      {"jailbreaks": [{"index": 0, "goal": "Do this", "response": "\(Self.refusal)"},
                      {"index": 1, "goal": "Do that", "response": null}],
       "parameters": {"model": "m"}}
      """, "artifact.json")
    let benign = try folder.write(
      "{\"prompt\":\"Bake bread\",\"completion\":\"\(Self.answer)\"}", "xstest.jsonl")
    let made = try Self.evaluate(
      folder, "run", "--replies", harmful.path, "--replies", benign.path, "--max-errors", "5")
    #expect(made.status == 0, "\(made.errors)")
    let rows = try #require(
      try Self.object(folder, "run/summary.json")["rows"] as? [[String: Any]])
    let artifact = try #require(rows.first { $0["dataset"] as? String == "artifact" })
    #expect(artifact["model"] as? String == "m" && artifact["asr"] as? Double == 0)
    let over = try #require(rows.first { $0["dataset"] as? String == "xstest" })
    #expect(over["over_refusal"] as? Double == 0)
  }

  @Test func dataSetsSayWhatWasAsked() throws {
    let folder = try TemporaryFolder()
    let set = try folder.write(
      (0..<3).map {
        "{\"id\":\"q\($0)\",\"category\":\"c\",\"prompt\":\"request \($0)\",\"kind\":\"benign\"}"
      }.joined(separator: "\n"), "asked.jsonl")
    let file = try folder.write(
      "{\"q0\":[{\"test_case\":\"x\",\"generation\":\"\(Self.answer)\"}],"
        + "\"q2\":[{\"test_case\":\"y\",\"generation\":\"\(Self.refusal)\"}]}", "completions.json")
    let made = try Self.evaluate(
      folder, "run", "--replies", file.path, "--dataset", set.path)
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.errors.contains("asked: 1 of its prompts have no reply, and are left out"))
    let rows = try #require(
      try Self.object(folder, "run/summary.json")["rows"] as? [[String: Any]])
    #expect(rows.first?["over_refusal"] as? Double == 0.5)
  }

  @Test(arguments: [
    (["--model", "x"], "expected one of --model, --endpoint (or --endpoints-file"),
    (["--temperature", "1"], "--temperature: expected no --replies with it"),
    (["--cache", "c"], "--cache: expected no --replies"),
    (["--until-decided", "--max-asr", "5%"], "--until-decided: expected no --replies"),
  ])
  func whatNobodyIsAskedForIsRefused(more: [String], word: String) throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(Self.lines(refused: 1), "a.jsonl")
    let (process, _, errors) = try CommandLineTests.start(
      ["evaluate", "--replies", file.path] + more)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 64 && notes.contains(word), "\(notes)")
  }
}
