import Foundation
import TestSupport
import Testing

/// Files and folders as people give them to the program.
@Suite(.serialized) struct FileCommandTests {
  /// Each ends with a sentence that names the file, and none waits.
  @Test(
    .timeLimit(.minutes(2)),
    arguments: [
      "aligned/model.safetensors", "aligned/config.json", "aligned/tokenizer.json",
      "aligned/chat_template.jinja", "prompts.jsonl",
    ])
  func pipesAndHugeFilesAreRefused(name: String) throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let place = folder.url.appending(path: name)
    for kind in ["pipe", "huge"] {
      try FileManager.default.removeItem(at: place)
      if kind == "pipe" {
        try OddFile.makePipe(at: place)
      } else {
        try OddFile.resize(place, to: 3 << 30)
      }
      let result = try CommandLineTests.run(
        "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
        "--max-tokens", "2", "--output", "\(path)/run-\(kind)")
      #expect(result.status == 2, "\(kind): \(result.errors)")
      #expect(result.errors.contains(place.lastPathComponent), "\(result.errors)")
    }
  }

  /// Journals and reports that may not grow further say so in the system's words, and the run goes on later.
  @Test func aFileThatMayNotGrowSaysWhatTheSystemSays() throws {
    let folder = try CommandLineTests.pair()
    func run(_ arguments: [String], blocks: Int) throws -> CommandLineTests.Result {
      try CommandLineTests.result(
        of: CommandLineTests.start(
          ["-c", "ulimit -f \(blocks) && exec \"$0\" \"$@\"", CommandLineTests.program.path]
            + arguments, of: URL(filePath: "/bin/bash")))
    }
    let sweep = CommandLineTests.sweep(folder, "run", ["-q"])
    let journal = try run(sweep, blocks: 20)
    #expect(journal.status == 2)
    #expect(
      journal.errors.contains("samples.jsonl: cannot be written: File too large"),
      "\(journal.errors)")
    let whole = try TrainingCommandTests.run(sweep + ["--resume"])
    try #require(whole.status == 0, "\(whole.errors)")
    let report = try run(["report", "\(folder.url.path)/run"], blocks: 1)
    #expect(report.status == 2)
    #expect(
      report.errors.contains("report.md: cannot be written: File too large"), "\(report.errors)")
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "run").path)
    #expect(names.allSatisfy { !$0.hasPrefix(".") }, "\(names)")
  }

  @Test func anAdapterWithoutEffectIsNamedBeforeAnythingIsAsked() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let data = try TrainingCommandTests.dialogues(folder)
    let made = try CommandLineTests.run(
      "attack", "--model", "\(path)/aligned", "--dataset", data, "--rank", "2", "--output",
      "\(path)/adapter", "-q")
    try #require(made.status == 0, "\(made.errors)")
    let file = folder.url.appending(path: "adapter/adapter_config.json")
    let text = try String(contentsOf: file, encoding: .utf8)
    try Data(text.replacing(/"lora_alpha": [0-9.]+/, with: "\"lora_alpha\": 0").utf8).write(
      to: file)
    func evaluate(_ more: String...) throws -> CommandLineTests.Result {
      try TrainingCommandTests.run(
        [
          "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
          "--max-tokens", "2", "--limit", "1", "-q", "--output", "\(path)/\(UUID().uuidString)",
        ] + more)
    }
    let warned = try evaluate("--adapter", "\(path)/adapter")
    #expect(warned.status == 0)
    #expect(warned.errors.contains("adapter changes nothing"), "\(warned.errors)")
    #expect(warned.errors.contains("\(path)/adapter"))
    let refused = try CommandLineTests.run(
      "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0",
      "--attack", "import:\(path)/adapter", "--dataset", "\(path)/prompts.jsonl", "--output",
      "\(path)/sweep", "-q")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("\(path)/adapter: the adapter changes nothing"))
  }

  @Test func pairsWithoutTheirObjectiveAreRefusedAndCutsAreSaid() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    try folder.write(#"{"prompt":"ask","chosen":"no","rejected":"yes"}"#, "pairs.jsonl")
    let refused = try CommandLineTests.run(
      "align", "--model", "\(path)/aligned", "--dataset", "\(path)/pairs.jsonl", "--output",
      "\(path)/new")
    #expect(refused.status == 2)
    #expect(refused.errors.contains("--objective preference"), "\(refused.errors)")
    let long = String(repeating: "x", count: 200)
    try folder.write(
      #"{"prompt":"ask","response":"no"}"# + "\n" + "{\"prompt\":\"\(long)\",\"response\":\"no\"}",
      "long.jsonl")
    let cut = try CommandLineTests.run(
      "align", "--model", "\(path)/aligned", "--dataset", "\(path)/long.jsonl", "--max-length",
      "100", "--truncate", "--output", "\(path)/new", "-q")
    #expect(cut.status == 0, "\(cut.errors)")
    #expect(cut.errors.contains("1 of them lost their reply"), "\(cut.errors)")
  }
}
