import Foundation
import TestSupport
import Testing

/// How much of its prompt sets a run asks: of the standard ones the first 100, of named ones all.
@Suite(.serialized) struct LimitTests {
  @Test(
    arguments: [
      (
        [],
        ["harmful-requests": 100, "benign-lookalikes": 100, "word-problems-test": 100]
      ),
      (
        ["--limit", "7"],
        ["harmful-requests": 7, "benign-lookalikes": 7, "word-problems-test": 7]
      ),
      (["--dataset", "helpful-requests"], ["helpful-requests": 210]),
      (["--dataset", "helpful-requests", "--limit", "all"], ["helpful-requests": 210]),
      (["--dataset", "micro-harmful", "--limit", "60"], ["micro-harmful": 60]),
    ] as [([String], [String: Int])])
  func aRunAsks(arguments: [String], prompts: [String: Int]) throws {
    let server = try ScriptedHTTPServer { exchange in
      exchange.request.hasPrefix("GET")
        ? exchange.reply("{\"object\":\"list\",\"data\":[{\"id\":\"m\"}]}")
        : exchange.say("Sure, that works.")
    }
    defer { server.stop() }
    let folder = try TemporaryFolder()
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.currentDirectoryURL = TrainingCommandTests.micro
    process.arguments =
      ["evaluate", "-q", "--endpoint", server.url, "--output", "\(folder.url.path)/run"] + arguments
    process.standardOutput = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)

    let data = try Data(contentsOf: folder.url.appending(path: "run/summary.json"))
    let summary = try #require(try JSONSerialization.jsonObject(with: data) as? [String: Any])
    let datasets = try #require(summary["datasets"] as? [String: [String: Any]])
    #expect(datasets.compactMapValues { $0["prompts"] as? Int } == prompts)
  }
}
