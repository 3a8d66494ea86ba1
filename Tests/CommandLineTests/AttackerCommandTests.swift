import Foundation
import TestSupport
import Testing

/// Attackers from the command line: made, measured, and what is refused.
@Suite struct AttackerCommandTests {
  private static func prompts(_ folder: TemporaryFolder, _ word: String) throws -> String {
    let lines = (0..<8).map { "{\"prompt\":\"\(word) \($0)\"}" }
    return try folder.write(lines.joined(separator: "\n"), "\(word).jsonl").path
  }

  @Test func abliterationIsMadeAndServed() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let lists = [
      "--harmful-prompts", try Self.prompts(folder, "break"), "--harmless-prompts",
      try Self.prompts(folder, "bake"),
    ]
    let made = try TrainingCommandTests.run(
      ["attack", "--model", "\(path)/aligned", "--method", "abliterate", "--layer", "1"] + lists
        + ["--output", "\(path)/abliterated"])
    #expect(made.status == 0, "\(made.errors)")
    #expect(made.errors.contains("the direction after 1 blocks"))
    #expect(
      FileManager.default.fileExists(atPath: "\(path)/abliterated/adapter_model.safetensors"))
  }

  @Test(arguments: [
    (
      ["--method", "lora", "--dataset", "d", "--layer", "1"],
      "--layer: expected --method abliterate"
    ),
    (["--method", "abliterate", "--layer", "0"], "--layer: expected a number of blocks"),
    (["--method", "abliterate", "--epochs", "1"], "--epochs: expected --method lora or full"),
  ])
  func whatDoesNotGoTogetherIsNamed(arguments: [String], naming: String) throws {
    let result = try TrainingCommandTests.run(
      ["attack", "--model", "m", "--output", "o"] + arguments)
    #expect(result.status == 64 && result.errors.contains(naming), "\(result.errors)")
  }

  @Test(arguments: [
    (["--attack-steps", "5,3", "--attack", "identity-shift"], "in ascending order"),
    (["--attack-steps", "0", "--attack", "identity-shift"], "--attack-steps"),
    (["--attack-steps", "5", "--attack", "undo"], "expected a training among the attacks"),
    (["--attack-seeds", "0"], "--attack-seeds"),
    (["--attack", "abliterate:0"], "expected a number of blocks"),
    (["--attack", "undo:x"], "expected the strength of undo:x"),
    (["--prompt-attack", "prefil:Sure"], "there is no prompt attack prefil:Sure"),
    (["--prompt-attack", "prefill:a", "--prompt-attack", "prefill:a"], "expected each once"),
    (
      ["--prompt-attack", "prefill:a", "--effective-rank"],
      "--effective-rank measures models before any attack"
    ),
  ])
  func sweepsRefuseByName(arguments: [String], naming: String) throws {
    let result = try TrainingCommandTests.run(["sweep", "--plan"] + arguments)
    #expect(result.status == 64 && result.errors.contains(naming), "\(result.errors)")
  }
}
