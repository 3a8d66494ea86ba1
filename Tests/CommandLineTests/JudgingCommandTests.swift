import Foundation
import Synchronization
import TestSupport
import Testing

/// Judges behind a server of their own, over real HTTP, through the built program.
@Suite(.serialized) struct JudgingCommandTests {
  /// What a judge's server is told to do.
  private final class Script: Sendable {
    let broken = Mutex(false)
    let asked = Mutex<[String]>([])
  }

  /// Lists one model; grades by the number at the end of the fenced request; without schemas when
  /// told so.
  private static func server(_ script: Script, takesSchemas: Bool = true) throws
    -> ScriptedHTTPServer
  {
    try ScriptedHTTPServer { exchange in
      let request = exchange.request
      if request.hasPrefix("GET") {
        exchange.reply("{\"object\":\"list\",\"data\":[{\"id\":\"the-judge\"}]}")
        return
      }
      let body = request.components(separatedBy: "\r\n\r\n").dropFirst().joined()
      script.asked.withLock { $0.append(body) }
      if script.broken.withLock({ $0 }) {
        exchange.reply("{}", status: "418 I'm a teapot")
        return
      }
      if body.contains("response_format") && !takesSchemas {
        exchange.reply("{\"error\":{\"message\":\"no schemas\"}}", status: "400 Bad Request")
        return
      }
      let number =
        body.components(separatedBy: "question ").last?.prefix { $0.isNumber }.last
        .flatMap { Int(String($0)) } ?? 0
      let text: String
      if body.contains("Task: check") {
        text = number % 2 == 0 ? "safe" : "unsafe\nS2"
      } else if number == 7 {
        text = "I cannot decide."
      } else if takesSchemas {
        text = "{\"analysis\":\"so\",\"score\":\(number % 5 + 1)}"
      } else {
        text = "It is so. <score>\(number % 5 + 1)</score>"
      }
      let data = try? JSONSerialization.data(withJSONObject: [
        "choices": [
          [
            "index": 0, "finish_reason": "stop",
            "message": ["role": "assistant", "content": text],
          ]
        ]
      ])
      exchange.reply(data ?? Data())
    }
  }

  private func evaluate(
    _ folder: TemporaryFolder, _ output: String, _ server: ScriptedHTTPServer,
    _ more: [String] = []
  ) throws -> CommandLineTests.Result {
    let path = folder.url.path
    let (process, pipe, errors) = try CommandLineTests.start(
      [
        "evaluate", "-q", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
        "--max-tokens", "8", "--judge", "rubric,guard,refusal", "--judge-endpoint", server.url,
        "--output", "\(path)/\(output)",
      ] + more)
    let text = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    return CommandLineTests.Result(
      status: process.terminationStatus, output: text, errors: notes)
  }

  private func samples(_ folder: TemporaryFolder, _ output: String) throws -> [[String: Any]] {
    try String(
      contentsOf: folder.url.appending(path: "\(output)/samples.jsonl"), encoding: .utf8
    ).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
  }

  @Test(arguments: [true, false]) func modelJudgesJudge(takesSchemas: Bool) throws {
    let folder = try CommandLineTests.pair()
    let script = Script()
    let server = try Self.server(script, takesSchemas: takesSchemas)
    defer { server.stop() }
    let result = try evaluate(folder, "run", server)
    #expect(result.status == 0, "\(result.errors)")
    for sample in try samples(folder, "run") {
      let prompt = try #require(sample["prompt"] as? String)
      let number = try #require(Int(prompt.split(separator: " ")[1])) % 10
      let others = try #require(sample["judgements"] as? [String: [String: Any]])
      let verdict = sample["verdict"] as? String
      // A tiny random model's noise is not sent to judges.
      if verdict == "degenerate" {
        #expect(others["guard"]?["verdict"] as? String == "degenerate")
        continue
      }
      if number == 7 {
        #expect(verdict == "unscored")
        #expect(sample["judge_raw"] as? String == "I cannot decide.")
        #expect((sample["judge_error"] as? String)?.hasPrefix("judge-unparsable") == true)
      } else {
        #expect(sample["score"] as? Int == number % 5 + 1)
        #expect(
          verdict
            == ["refused", "unsuccessful", "unsuccessful", "unsuccessful", "complied"][
              number % 5])
      }
      #expect(
        others["guard"]?["verdict"] as? String
          == (number % 2 == 0 ? "unsuccessful" : "complied"))
      #expect(others["refusal"] != nil)
      #expect(sample["error"] is NSNull)
    }
    let csv = try String(
      contentsOf: folder.url.appending(path: "run/summary.csv"), encoding: .utf8)
    #expect(csv.split(separator: "\n").count == 4)
    #expect(csv.contains(",prompts,rubric,") && csv.contains(",prompts,guard,"))
    #expect(script.asked.withLock { $0 }.allSatisfy { $0.contains("\"temperature\":0,") })
  }

  /// A judge's server that fails costs no answer: the run goes on with judging alone.
  @Test func aFailedJudgeIsAskedAgainWithoutTheModel() throws {
    let folder = try CommandLineTests.pair()
    let script = Script()
    let server = try Self.server(script)
    defer { server.stop() }
    script.broken.withLock { $0 = true }
    #expect(try evaluate(folder, "run", server, ["--max-errors", "100"]).status == 0)
    let before = try samples(folder, "run")
    #expect(before.count == 12)
    let failed = before.filter { $0["judge_error"] is String }
    try #require(!failed.isEmpty)
    #expect(failed.allSatisfy { $0["verdict"] as? String == "unscored" })
    #expect(failed.allSatisfy { ($0["response"] as? String)?.isEmpty == false })

    script.broken.withLock { $0 = false }
    let resumed = try evaluate(folder, "run", server, ["--resume"])
    #expect(resumed.status == 0, "\(resumed.errors)")
    let after = try samples(folder, "run").dropFirst(12)
    #expect(after.count == failed.count)
    for sample in after {
      let old = failed.first { $0["id"] as? String == sample["id"] as? String }
      #expect(old?["response"] as? String == sample["response"] as? String)
      #expect(old?["latency_ms"] as? Double == sample["latency_ms"] as? Double)
    }
  }

  @Test func judgeCheckMeasures() throws {
    let folder = try CommandLineTests.pair()
    let quality = folder.url.appending(path: "quality.json")
    let result = try CommandLineTests.run(
      "judge-check", "-q", "--judge", "refusal", "--output", quality.path)
    #expect(result.status == 0, "\(result.errors)")
    #expect(result.output.contains("sensitivity"))
    #expect(result.output.contains("refusal-usual"))
    #expect(
      try String(contentsOf: quality, encoding: .utf8).contains("\"sensitivity\""))
    let path = folder.url.path
    let other = try CommandLineTests.run(
      "judge-check", "-q", "--dataset", "\(path)/prompts.jsonl")
    #expect(other.status == 2)
    #expect(other.errors.contains("label"))
  }

  @Test(arguments: [
    (["--judge", "oracle"], "oracle"), (["--judge", "rubric"], "--judge-endpoint"),
    (["--judge", "classifier", "--judge-endpoint", "http://127.0.0.1:1"], "--judge-template"),
    (["--judge", "refusal", "--judge-endpoint", "guard=http://127.0.0.1:1"], "guard"),
    (["--samples", "3"], "--temperature"), (["--samples", "0"], "--samples"),
    (["--max-utility-drop", "5"], "--max-utility-drop"),
    (["--correct", "quality.json"], "loxeval label"),
  ])
  func mistakesAreNamed(arguments: [String], naming: String) throws {
    let (process, _, errors) = try CommandLineTests.start(
      ["evaluate", "--model", "m"] + arguments)
    let text = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 64)
    #expect(text.contains(naming), "\(text)")
  }
}
