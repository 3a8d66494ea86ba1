import Foundation
import Support
import Synchronization
import TestSupport
import Testing

/// What a study costs and takes, as a user asks for it and is told of it.
@Suite(.serialized) struct CostCommandTests {
  static func run(_ arguments: [String]) throws -> CommandLineTests.Result {
    try ServerTests.run(arguments)
  }

  static func object(_ text: String) throws -> [String: Any] {
    try #require(try JSONSerialization.jsonObject(with: Data(text.utf8)) as? [String: Any])
  }

  static func object(_ file: URL) throws -> [String: Any] {
    try object(String(contentsOf: file, encoding: .utf8))
  }

  static func count(_ key: String, _ object: [String: Any]) -> Double {
    (object[key] as? NSNumber)?.doubleValue ?? .nan
  }

  /// A gateway that answers to everything, takes 20 tokens in and 10 out, and counts its requests.
  static func gateway(
    slow seconds: Double = 0, usage: Bool = true, says text: String = "Sure, here it is."
  ) throws -> (ScriptedHTTPServer, asked: @Sendable () -> Int) {
    let asked = Counter()
    let server = try ScriptedHTTPServer { exchange in
      if exchange.request.hasPrefix("GET") { return exchange.reply("{\"data\":[{\"id\":\"m\"}]}") }
      asked.value.withLock { $0 += 1 }
      Thread.sleep(forTimeInterval: seconds)
      exchange.reply(
        "{\"choices\":[{\"index\":0,\"message\":{\"role\":\"assistant\",\"content\":\"\(text)\"},"
          + "\"finish_reason\":\"stop\"}]"
          + (usage ? ",\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":10}" : "") + "}")
    }
    return (server, { asked.value.withLock { $0 } })
  }

  final class Counter: Sendable {
    let value = Mutex(0)
  }

  /// 0.01 a request of the gateway's.
  static let prices = ["--price-in", "250", "--price-out", "500"]

  static func arguments(_ server: ScriptedHTTPServer, _ prompts: String, _ run: URL) -> [String] {
    [
      "evaluate", "--endpoint", server.url, "--dataset", prompts, "--max-tokens", "12",
      "--max-connections", "3", "--output", run.path,
    ]
  }

  // MARK: - Plans of evaluations

  @Test func anEvaluationIsPlannedAndThePlanIsAStudy() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let study = [
      "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
      "--prompt-attack", "prefill:Sure", "--max-tokens", "12", "--output", "\(path)/run",
    ]
    let text = try Self.run(study + ["--plan"])
    #expect(text.status == 0, "\(text.errors)")
    #expect(text.errors.contains("24 samples"), "\(text.errors)")
    #expect(text.output.split(separator: "\n").count == 2)
    #expect(!FileManager.default.fileExists(atPath: "\(path)/run"))
    let plan = try Self.run(study + ["--plan", "--format", "json"])
    #expect(plan.status == 0, "\(plan.errors)")
    let planned = try Self.object(plan.output)
    #expect(planned["command"] as? String == "evaluate")
    #expect(Self.count("samples", planned) == 24 && Self.count("tokens_each", planned) == 12)
    #expect(planned["estimate"] == nil && planned["cost_at_most"] == nil)
    let file = try folder.write(plan.output, "study.json").path
    let again = try Self.run(["evaluate", "--config", file, "--plan", "--format", "json"])
    #expect(again.output == plan.output, "\(again.errors)")
    let measured = try Self.run(["evaluate", "-q", "--config", file, "--output", "\(path)/run"])
    #expect(measured.status == 0, "\(measured.errors)")
    let manifest = try Self.object(folder.url.appending(path: "run/run.json"))
    let cells = try #require((manifest["plan"] as? [String: Any])?["cells"] as? [[String: Any]])
    let ids = try #require(planned["cells"] as? [[String: Any]]).map { $0["cell"] as? String }
    #expect(cells.map { $0["id"] as? String } == ids)
  }

  /// An endpoint is not asked for its plan, and the plan says what it can cost.
  @Test func anEndpointIsPlannedWithoutBeingAsked() throws {
    let (folder, prompts) = try GatewayTests.folder()
    let run = folder.url.appending(path: "run")
    let result = try Self.run(
      [
        "evaluate", "--endpoint", "http://127.0.0.1:1", "--dataset", prompts, "--max-tokens", "12",
        "--judge", "rubric", "--judge-endpoint", "http://127.0.0.1:1", "--output", run.path,
        "--judge-price-in", "0", "--judge-price-out", "1000", "--plan", "--format", "json",
        "--max-cost", "1",
      ] + Self.prices)
    #expect(result.status == 0, "\(result.errors)")
    let plan = try Self.object(result.output)
    #expect(Self.count("requests", plan) == 30 + 60)
    #expect(Self.count("completion_tokens", plan) == 30 * 12 + 60 * 300)
    let ins = Self.count("prompt_tokens", plan)
    #expect(ins > 30 * 5 && ins < 60 * 2_000)
    let cost = Self.count("cost_at_most", plan)
    // Replies of 12 tokens, judges' of 300, and prompts of at most 40.
    let out = 0.18 + 18.0
    let most = out + 0.3
    #expect(cost > out && cost < most)
  }

  @Test(arguments: [
    (["--price-in", "1"], "--price-in and --price-out together"),
    (["--max-cost", "1"], "--max-cost: expected --price-in"),
    (["--calibrate"], "--calibrate: expected --plan with it"),
    (
      ["--price-in", "1", "--price-out", "1", "--max-cost", "1", "--omit", "max_tokens"],
      "--max-cost: expected max_tokens"
    ),
    (["--price-in", "1", "--price-out", "1", "--judge-price-in", "1"], "--judge-price-out"),
    (["--format", "json"], "--format: expected --plan with it"),
  ])
  func whatMakesNoSenseIsRefused(options: [String], said: String) throws {
    let result = try Self.run(["evaluate", "--endpoint", "http://127.0.0.1:1"] + options)
    #expect(result.status == 64 && result.errors.contains(said), "\(result.errors)")
  }

  @Test func theEmbeddedServerCostsNothing() throws {
    for command in [["sweep"], ["evaluate", "--model", "m"]] {
      let result = try Self.run(command + Self.prices)
      #expect(
        result.status == 64 && result.errors.contains("the embedded server costs nothing"),
        "\(result.errors)")
    }
  }

  // MARK: - Limits

  /// It stops below its limit with exit code 75, goes on with a higher one, and all that was spent is told.
  @Test func aRunStopsBeforeItsLimitAndGoesOn() throws {
    let (folder, prompts) = try GatewayTests.folder()
    let (server, asked) = try Self.gateway()
    defer { server.stop() }
    let run = folder.url.appending(path: "run")
    let arguments = Self.arguments(server, prompts, run) + Self.prices
    let stopped = try Self.run(arguments + ["--max-cost", "0.2"])
    #expect(stopped.status == 75, "\(stopped.errors)")
    #expect(stopped.errors.contains("stopped before the cost passes --max-cost"))
    #expect(stopped.errors.contains("--resume"))
    let first = try Self.object(run.appending(path: "spending.json"))
    #expect(Self.count("cost", first) <= 0.2 && Self.count("cost", first) > 0.1)
    #expect(abs(Self.count("cost", first) - 0.01 * Double(asked())) < 1e-9)
    #expect(Self.count("under_way", first) == 0)
    // Of the same limit nothing more is asked.
    let before = asked()
    let again = try Self.run(arguments + ["--max-cost", "0.2", "--resume"])
    #expect(again.status == 75, "\(again.errors)")
    #expect(Double(asked() - before) * 0.01 + Self.count("cost", first) <= 0.2)
    // Other prices and limits are no other plan.
    let done = try Self.run(
      arguments.filter { !["250"].contains($0) && $0 != "--price-in" } + [
        "--price-in", "100", "--max-cost", "9", "--resume",
      ])
    #expect(done.status == 0, "\(done.errors)")
    let spending = try Self.object(run.appending(path: "spending.json"))
    #expect(Self.count("requests", spending) == Double(asked()))
    // Probes of the server are in it: each of 30 prompts is asked once.
    #expect(asked() > 30 && asked() <= 36)
    let manifest = try Self.object(run.appending(path: "run.json"))
    let kept = try #require(manifest["spending"] as? [String: Any])
    #expect(Self.count("cost", kept) == Self.count("cost", spending))
    let report = try String(contentsOf: run.appending(path: "report.md"), encoding: .utf8)
    #expect(report.contains("| cost "))
    let status = try Self.run(["status", run.path])
    #expect(status.output.contains("cost so far"), "\(status.output)")
    let list = try Self.run(["runs", folder.url.path, "--format", "json"])
    #expect(list.output.contains("\"cost\""), "\(list.output)")
    #expect(try Self.run(["runs", folder.url.path]).output.contains("cost"))
  }

  /// Whatever is killed in whatever moment: what is kept is never less than what the server was asked for.
  @Test func aKilledRunForgetsNothingThatItSpent() throws {
    let (folder, prompts) = try GatewayTests.folder()
    let (server, asked) = try Self.gateway(slow: 0.05)
    defer { server.stop() }
    let run = folder.url.appending(path: "run")
    let arguments =
      Self.arguments(server, prompts, run) + Self.prices + ["-q", "--resume", "--max-cost", "9"]
    var kills = 0
    for attempt in 0..<12 {
      let (process, _, _) = try CommandLineTests.start(arguments)
      let before = asked()
      let wanted = 1 + attempt % 4
      _ = try ServerTests.wait { asked() >= before + wanted || !process.isRunning }
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      // What was on its way to the server when its sender died may still arrive.
      Thread.sleep(forTimeInterval: 0.1)
      let kept = try Self.object(run.appending(path: "spending.json"))
      let most = Self.count("cost", kept) + Self.count("under_way_cost", kept)
      #expect(most >= 0.01 * Double(asked()) - 1e-9)
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
    }
    #expect(kills > 0)
    let last = try Self.run(arguments)
    #expect(last.status == 0, "\(last.errors)")
    let spending = try Self.object(run.appending(path: "spending.json"))
    #expect(Self.count("cost", spending) >= 0.01 * Double(asked()) - 1e-9)
    #expect(Self.count("under_way", spending) == 0)
  }

  /// A server that does not count is counted as the most that it can take, and that is said.
  @Test func silenceCountsAsTheMost() throws {
    let (folder, prompts) = try GatewayTests.folder()
    let (server, asked) = try Self.gateway(usage: false)
    defer { server.stop() }
    let run = folder.url.appending(path: "run")
    let result = try Self.run(Self.arguments(server, prompts, run) + Self.prices)
    #expect(result.status == 0, "\(result.errors)")
    let spending = try Self.object(run.appending(path: "spending.json"))
    #expect(Self.count("untold", spending) == Double(asked()))
    #expect(Self.count("completion_tokens", spending) >= Double(12 * asked()))
    let report = try String(contentsOf: run.appending(path: "report.md"), encoding: .utf8)
    #expect(report.contains("were not told"))
  }

  /// A judge at a server is paid for by the same limit, at its own prices; the model here costs nothing.
  @Test func judgesArePaidFor() throws {
    let (folder, prompts) = try GatewayTests.folder()
    let run = folder.url.appending(path: "run")
    let (model, _) = try Self.gateway()
    let (judge, asked) = try Self.gateway(says: #"{\"analysis\":\"x\",\"score\":1}"#)
    defer {
      model.stop()
      judge.stop()
    }
    let arguments =
      Self.arguments(model, prompts, run) + [
        "--judge", "refusal,rubric", "--judge-endpoint", judge.url, "--price-in", "0",
        "--price-out", "0", "--judge-price-in", "25", "--judge-price-out", "950",
      ]
    let stopped = try Self.run(arguments + ["--max-cost", "0.6"])
    #expect(stopped.status == 75, "\(stopped.errors)")
    let spent = try Self.object(run.appending(path: "spending.json"))
    #expect(Self.count("cost", spent) <= 0.6 && asked() > 1)
    #expect(abs(Self.count("cost", spent) - 0.01 * Double(asked())) < 1e-9)
    let done = try Self.run(arguments + ["--max-cost", "50", "--resume"])
    #expect(done.status == 0, "\(done.errors)")
    #expect(asked() >= 31)
    let all = try Self.object(run.appending(path: "spending.json"))
    #expect(abs(Self.count("cost", all) - 0.01 * Double(asked())) < 1e-9)
  }

  // MARK: - Calibration

  /// The real server, real steps and a real part of the decomposition, of a sweep and of an evaluation.
  @Test func aSweepIsEstimated() throws {
    let (folder, arguments) = try ShardCommandTests.study()
    let path = folder.url.path
    let plan = arguments + ["--output", "\(path)/run", "--plan", "--calibrate"]
    let result = try Self.run(plan + ["--format", "json"])
    #expect(result.status == 0, "\(result.errors)")
    let estimate = try #require(try Self.object(result.output)["estimate"] as? [String: Any])
    let parts = try #require(estimate["parts"] as? [[String: Any]])
    #expect(
      parts.map { $0["kind"] as? String } == [
        "digests", "decomposition", "trainings", "replies", "servers",
      ])
    for part in parts { #expect(Self.count("seconds", part) > 0, "\(part)") }
    let seconds = Self.count("seconds", estimate)
    #expect(Self.count("least", estimate) < seconds && seconds < Self.count("most", estimate))
    #expect(Self.count("memory_bytes", estimate) > 1e6)
    #expect((estimate["left_out"] as? [String])?.isEmpty == true)
    #expect(!FileManager.default.fileExists(atPath: "\(path)/run"))
    // What is there is left out.
    let made = try Self.run(arguments + ["--output", "\(path)/run"])
    #expect(made.status == 0, "\(made.errors)")
    let again = try Self.run(
      arguments.filter { $0 != "--quiet" } + [
        "--output", "\(path)/run", "--plan", "--calibrate", "--resume",
      ])
    #expect(again.status == 0, "\(again.errors)")
    #expect(again.errors.contains("left out: 3 of the attacks"), "\(again.errors)")
    #expect(again.errors.contains("replies, which the run has"), "\(again.errors)")
    #expect(!again.errors.contains("tokens, "), "\(again.errors)")
  }

  @Test func anEvaluationIsEstimatedWithoutWhatTheCacheHas() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let study = [
      "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
      "--max-tokens", "12", "--cache", "\(path)/cache",
    ]
    let first = try Self.run(study + ["--output", "\(path)/run", "--plan", "--calibrate"])
    #expect(first.status == 0, "\(first.errors)")
    #expect(first.errors.contains("replies ") && first.errors.contains("12 replies of about"))
    #expect(try Self.run(study + ["-q", "--output", "\(path)/run"]).status == 0)
    let second = try Self.run(study + ["--output", "\(path)/other", "--plan", "--calibrate"])
    #expect(second.errors.contains("left out: 12 replies, which the cache has"), "\(second.errors)")
    #expect(!second.errors.contains("of about"), "\(second.errors)")
  }

  /// Steps of a sweep's trainings tell of all that is left.
  @Test func aRunningSweepTellsWhatIsLeft() throws {
    let (folder, arguments) = try ShardCommandTests.study()
    let result = try Self.run(
      arguments.filter { $0 != "--quiet" } + [
        "--output", "\(folder.url.path)/run", "--progress", "json",
      ])
    #expect(result.status == 0, "\(result.errors)")
    let left = try result.errors.split(separator: "\n").compactMap { line in
      try Self.object(String(line))["study_seconds_left"] as? NSNumber
    }
    #expect(!left.isEmpty && left.allSatisfy { $0.doubleValue >= 0 })
  }
}
