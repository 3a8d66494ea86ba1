import Foundation
import TestSupport
import Testing

/// Names that meet: equal ones are told apart or refused, and none of them is a path.
@Suite(.serialized) struct IdentityCommandTests {
  /// A pair, prompts, and one trained adapter under several names.
  static func study() throws -> (folder: TemporaryFolder, path: String) {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let data = try TrainingCommandTests.dialogues(folder)
    let made = try TrainingCommandTests.run([
      "attack", "--model", "\(path)/aligned", "--dataset", data, "--epochs", "60",
      "--learning-rate", "1e-2", "--rank", "2", "--output", "\(path)/adapter", "-q",
    ])
    #expect(made.status == 0, "\(made.errors)")
    for name in ["none", "lox-r3", "a/checkpoint-100", "b/checkpoint-100", "a", "a-b"] {
      let place = folder.url.appending(path: "as/\(name)")
      try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
      for file in ["adapter_config.json", "adapter_model.safetensors"] {
        try FileManager.default.copyItem(
          at: folder.url.appending(path: "adapter/\(file)"), to: place.appending(path: file))
      }
    }
    return (folder, path)
  }

  static func sweep(
    _ path: String, _ output: String, attack: String, datasets: [String] = ["prompts.jsonl"]
  ) throws -> CommandLineTests.Result {
    try TrainingCommandTests.run(
      [
        "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0,1",
        "--rank", "3", "--attack", attack, "--max-tokens", "8", "--output", "\(path)/\(output)",
        "-q",
      ] + datasets.flatMap { ["--dataset", "\(path)/\($0)"] })
  }

  /// `summary.csv` as rows by column.
  static func rows(_ folder: TemporaryFolder, _ output: String) throws -> [[String: String]] {
    let lines = try String(
      contentsOf: folder.url.appending(path: "\(output)/summary.csv"), encoding: .utf8
    ).split(separator: "\n").map {
      $0.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
    }
    return lines.dropFirst().map { line in
      #expect(line.count == lines[0].count)
      return Dictionary(uniqueKeysWithValues: zip(lines[0], line))
    }
  }

  @Test func whatAnAdapterIsCalledDoesNotChangeWhatItIs() throws {
    let (folder, path) = try Self.study()
    let names = ["none", "lox-r3", "a/checkpoint-100", "b/checkpoint-100"]
    let imports = (["adapter"] + names.map { "as/\($0)" }).map { "import:\(path)/\($0)" }
    let result = try Self.sweep(path, "run", attack: imports.joined(separator: ","))
    #expect(result.status == 0, "\(result.errors)")
    let rows = try Self.rows(folder, "run")
    #expect(rows.count == 2 * (1 + imports.count))
    #expect(
      rows.map { $0["attack"] }.prefix(12)
        == [
          "none", "none", "adapter", "adapter", "as/none", "as/none", "lox-r3", "lox-r3",
          "a/checkpoint-100", "a/checkpoint-100", "b/checkpoint-100", "b/checkpoint-100",
        ])
    #expect(rows.filter { $0["attack_method"] == "none" }.count == 2)
    // One adapter by five names is one adapter.
    let journal = try CommandLineTests.responses(folder, "run")
    #expect(journal.count == 12 * rows.count)
    for alpha in ["0", "1"] {
      let attacked = rows.filter { $0["alpha"] == alpha && $0["attack_method"] == "imported" }
      #expect(Set(attacked.map { $0["asr"] }).count == 1)
    }
  }

  /// Joined by hyphens, `a` on `b-c` and `a-b` on `c` are one cell, and only one of them is asked.
  @Test func cellsThatReadAlikeAreAskedApart() throws {
    let (folder, path) = try Self.study()
    let lines = "{\"id\":\"q\",\"category\":\"c\",\"prompt\":\"one question\"}\n"
    try folder.write(lines, "b-c.jsonl")
    try folder.write(lines, "c.jsonl")
    let result = try Self.sweep(
      path, "run", attack: "import:\(path)/as/a,import:\(path)/as/a-b",
      datasets: ["b-c.jsonl", "c.jsonl"])
    #expect(result.status == 0, "\(result.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 12)
    #expect(try Self.rows(folder, "run").allSatisfy { $0["n"] == "1" })
  }

  @Test(arguments: [
    ["as/a/checkpoint-100", "as/b/checkpoint-100"], ["adapter", "adapter:0.5"], ["as/none"],
  ])
  func adaptersOfAnEvaluationMayShareAName(adapters: [String]) throws {
    let (folder, path) = try Self.study()
    let result = try TrainingCommandTests.run(
      [
        "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
        "--max-tokens", "8", "--output", "\(path)/run", "-q",
      ] + adapters.flatMap { ["--adapter", "\(path)/\($0)"] })
    #expect(result.status == 0, "\(result.errors)")
    #expect(try CommandLineTests.responses(folder, "run").count == 12)
  }

  @Test func namesAreNoPaths() throws {
    let (folder, path) = try Self.study()
    try folder.write(
      #"{"name":"../../escaped","dataset":"dialogues.jsonl","epochs":1,"rank":2}"#, "attack.json")
    let result = try Self.sweep(path, "run", attack: "train:\(path)/attack.json")
    #expect(result.status == 0, "\(result.errors)")
    let kept = try FileManager.default.contentsOfDirectory(atPath: "\(path)/run/attacks")
    #expect(kept.count == 2 && kept.allSatisfy { $0.hasPrefix("escaped@") }, "\(kept)")
    #expect(try Self.rows(folder, "run").contains { $0["attack"] == "../../escaped" })
  }

  @Test(arguments: [
    (#"{"name":"none","dataset":"dialogues.jsonl"}"#, "other than none"),
    (#"{"name":"","dataset":"dialogues.jsonl"}"#, "1 to 100 characters"),
    (#"{"name":"a\nb","dataset":"dialogues.jsonl"}"#, "in one line"),
  ])
  func namesThatCannotBeAreRefused(text: String, naming: String) throws {
    let folder = try CommandLineTests.pair()
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(text, "attack.json")
    let result = try Self.sweep(
      folder.url.path, "run", attack: "train:\(folder.url.path)/attack.json")
    #expect(result.status != 0 && result.errors.contains(naming), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(folder.url.path)/run"))
  }

  @Test func aFileCalledNoneIsAnAttack() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(#"{"dataset":"dialogues.jsonl","epochs":1,"rank":2}"#, "none.json")
    let result = try Self.sweep(path, "run", attack: "train:\(path)/none.json")
    #expect(result.status == 0, "\(result.errors)")
    #expect(
      try Self.rows(folder, "run").map { $0["attack"] }
        == ["none", "none", "none.json", "none.json"])
  }

  @Test func runsThatShareAStoreTrainOnce() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    _ = try TrainingCommandTests.dialogues(folder)
    try folder.write(#"{"dataset":"dialogues.jsonl","epochs":2,"rank":2}"#, "attack.json")
    func run(_ output: String) throws -> CommandLineTests.Result {
      try TrainingCommandTests.run([
        "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0,1",
        "--rank", "3", "--attack", "train:\(path)/attack.json", "--dataset",
        "\(path)/prompts.jsonl", "--max-tokens", "8", "--attack-store", "\(path)/store",
        "--output", "\(path)/\(output)",
      ])
    }
    let first = try run("first")
    #expect(first.status == 0 && first.errors.contains("preparing the attack"), "\(first.errors)")
    let store = try FileManager.default.contentsOfDirectory(atPath: "\(path)/store")
    let second = try run("second")
    #expect(
      second.status == 0 && !second.errors.contains("preparing the attack"), "\(second.errors)")
    #expect(try FileManager.default.contentsOfDirectory(atPath: "\(path)/store") == store)
    #expect(
      try CommandLineTests.responses(folder, "first")
        == CommandLineTests.responses(folder, "second"))
  }
}
