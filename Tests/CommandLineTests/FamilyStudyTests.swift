import Foundation
import TestSupport
import Testing
import TinyModel

/// A whole study of a small model of families that differ from Llama: from random weights to a report.
@Suite struct FamilyStudyTests {
  @Test(arguments: TinyModel.Family.allCases)
  func aStudyRunsFromAlignmentToReport(family: TinyModel.Family) throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    try TinyModel.write(family, to: folder.url.appending(path: "base"), seed: 7)
    let data = try TrainingCommandTests.dialogues(folder)
    try folder.write(
      (0..<3).map { #"{"id":"p\#($0)","prompt":"ask \#($0)"}"# }.joined(separator: "\n"),
      "prompts.jsonl")
    try folder.write(
      #"{"dataset":"dialogues.jsonl","epochs":2,"learning_rate":1e-3,"rank":2}"#, "attack.json")
    for arguments in [
      [
        "align", "--model", "\(path)/base", "--dataset", data, "--epochs", "3", "--learning-rate",
        "1e-3", "--output", "\(path)/aligned", "-q",
      ],
      ["spectrum", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "-q"],
      [
        "extrapolate", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--rank", "2",
        "--alpha", "1", "--output", "\(path)/lox", "-q",
      ],
      [
        "extrapolate", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--rank", "2",
        "--alpha", "1", "--as", "adapter", "--adapter-format", "gguf", "--targets", "linear",
        "--output", "\(path)/lox.gguf",
        "-q",
      ],
      [
        "sweep", "--base", "\(path)/base", "--aligned", "\(path)/aligned", "--alpha", "0,1",
        "--rank", "2", "--attack", "none,train:\(path)/attack.json", "--dataset",
        "\(path)/prompts.jsonl", "--max-tokens", "8", "--output", "\(path)/run", "-q",
      ],
      ["report", "\(path)/run"],
    ] {
      let result = try TrainingCommandTests.run(arguments)
      #expect(result.status == 0, "\(arguments): \(result.errors)")
    }
    let replies = try CommandLineTests.responses(folder, "run")
    #expect(replies.count == 12)
  }
}
