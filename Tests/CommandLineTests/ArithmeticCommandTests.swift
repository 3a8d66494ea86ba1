import Foundation
import TestSupport
import Testing

/// `--arithmetic` on the command line: what it is recorded as, and what it does not go with.
@Suite struct ArithmeticCommandTests {
  private static func object(_ folder: TemporaryFolder, _ path: String) throws -> [String: Any] {
    let file = folder.url.appending(path: path)
    return try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  @Test func aSweepServesAndTrainsInItAndIsNotContinuedInAnother() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(#"{"dataset":"dialogues.jsonl","rank":2}"#, "attack.json")
    try folder.write(
      #"{"dataset":"dialogues.jsonl","rank":2,"arithmetic":"float32"}"#, "exact.json")
    let arguments = [
      "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0,1",
      "--rank", "2", "--attack", "train:\(path)/attack.json,train:\(path)/exact.json", "--dataset",
      "\(path)/prompts.jsonl", "--max-tokens", "8", "--output", "\(path)/run", "-q",
    ]
    let first = try TrainingCommandTests.run(arguments + ["--arithmetic", "bfloat16"])
    #expect(first.status == 0, "\(first.errors)")
    let manifest = try Self.object(folder, "run/run.json")
    let plan = try #require(manifest["plan"] as? [String: Any])
    #expect(plan["arithmetic"] as? String == "bfloat16")
    let remarks = try #require(plan["remarks"] as? [String: String])
    #expect(remarks["attack"]?.contains("computed in bfloat16") == true)
    #expect(remarks["exact"]?.contains("computed in") == false)
    let second = try TrainingCommandTests.run(arguments + ["--resume"])
    #expect(second.status == 2 && second.errors.contains("arithmetic"), "\(second.errors)")
  }

  @Test func aTrainingSaysItAndAnEndpointIsNotAsked() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let data = try TrainingCommandTests.dialogues(folder)
    let attack = try TrainingCommandTests.run([
      "attack", "--model", "\(path)/aligned", "--dataset", data, "--rank", "2", "--arithmetic",
      "bfloat16", "--output", "\(path)/adapter", "-q",
    ])
    #expect(attack.status == 0, "\(attack.errors)")
    let recipe = try Self.object(folder, "adapter/training.json")["recipe"] as? [String: Any]
    #expect(recipe?["arithmetic"] as? String == "bfloat16")
    let endpoint = try TrainingCommandTests.run([
      "evaluate", "--endpoint", "http://127.0.0.1:9", "--dataset", "\(path)/prompts.jsonl",
      "--arithmetic", "bfloat16", "--output", "\(path)/none",
    ])
    #expect(endpoint.status == 64 && endpoint.errors.contains("--arithmetic"), "\(endpoint.errors)")
    let wrong = try TrainingCommandTests.run([
      "serve", "--model", "\(path)/aligned", "--arithmetic", "float16",
    ])
    #expect(wrong.status == 64 && wrong.errors.contains("bfloat16"), "\(wrong.errors)")
  }
}
