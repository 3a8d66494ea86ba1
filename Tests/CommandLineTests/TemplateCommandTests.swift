import Foundation
import TestSupport
import Testing

/// Chat templates from the command line.
@Suite(.serialized) struct TemplateCommandTests {
  private static let template = """
    {% if messages | length > 2 %}
    {{- raise_exception('One question at a time.') -}}
    {% endif %}
    {% if tone is defined %}{{ tone }}{% endif %}
    {% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content + '<|im_end|>\\n' }}{% endfor %}
    {% if add_generation_prompt %}{{- '<|im_start|>assistant\\n' -}}{% endif %}
    """

  private static func written(_ folder: TemporaryFolder) throws -> String {
    try folder.write(template, "template.jinja").path
  }

  @Test func aRunKeepsItsTemplateAndArguments() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let file = try Self.written(folder)
    func evaluate(_ arguments: String...) throws -> CommandLineTests.Result {
      try TrainingCommandTests.run(
        [
          "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl", "--judge",
          "refusal", "--max-tokens", "4", "--output", "\(path)/run", "-q",
        ] + arguments)
    }
    let first = try evaluate("--template", file, "--template-arg", #"tone="calm""#)
    #expect([0, 2].contains(first.status), "\(first.errors)")
    let run = try #require(
      JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appending(path: "run/run.json"))) as? [String: Any])
    let settings = try #require(
      (run["plan"] as? [String: Any])?["template"] as? [String: String])
    #expect(settings["arguments"] == #"{"tone":"calm"}"#)
    #expect(settings["file"]?.hasPrefix("sha256:") == true)
    #expect(settings["date"] == nil)
    let again = try evaluate(
      "--template", file, "--template-arg", #"tone = "calm""#.filter { $0 != " " }, "--resume")
    #expect(again.status == first.status, "\(again.errors)")
    let other = try evaluate("--template", file, "--template-arg", "tone=2", "--resume")
    #expect(other.status == 2)
    #expect(other.errors.contains("template.arguments is"), "\(other.errors)")
    let dated = try evaluate("--template", file, "--template-date", "2026-01-31", "--resume")
    #expect(dated.errors.contains("template"), "\(dated.errors)")
  }

  @Test(
    arguments: [
      (["--template-arg", "mood=1"], 2, "reads no variable mood"),
      (["--template-arg", "tone=calm"], 64, "read as JSON"),
      (["--chat-format", "alpaca"], 64, "expected no --chat-format"),
      (["--template-date", "yesterday"], 64, "--template-date"),
    ] as [([String], Int32, String)])
  func whatChangesNothingIsRefused(arguments: [String], status: Int32, says: String) throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let result = try TrainingCommandTests.run(
      [
        "evaluate", "--model", "\(path)/aligned", "--dataset", "\(path)/prompts.jsonl",
        "--template",
        Self.written(folder), "--output", "\(path)/run", "-q",
      ] + arguments)
    #expect(result.status == status, "\(result.errors)")
    #expect(result.errors.contains(says), "\(result.errors)")
  }

  @Test func anEndpointWritesItself() throws {
    let folder = try CommandLineTests.pair()
    let result = try TrainingCommandTests.run([
      "evaluate", "--endpoint", "http://127.0.0.1:9", "--template", Self.written(folder),
      "--output",
      "\(folder.url.path)/run", "-q",
    ])
    #expect(result.status == 64)
    #expect(result.errors.contains("--template: expected --model"), "\(result.errors)")
  }

  @Test func trainingNamesTheDialogueAndTheTemplatesPlace() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let dialogue =
      #"{"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},"#
      + #"{"role":"user","content":"c"},{"role":"assistant","content":"d"}]}"#
    let data = try folder.write(#"{"prompt":"a","response":"b"}"# + "\n" + dialogue, "data.jsonl")
    let result = try TrainingCommandTests.run([
      "align", "--model", "\(path)/aligned", "--dataset", data.path, "--template",
      Self.written(folder), "--output", "\(path)/new", "-q",
    ])
    #expect(result.status == 2)
    #expect(result.errors.contains("line 2"), "\(result.errors)")
    #expect(
      result.errors.contains("template.jinja: the template refuses at line 2"), "\(result.errors)")
    #expect(result.errors.contains("One question at a time."), "\(result.errors)")
    #expect(!FileManager.default.fileExists(atPath: "\(path)/new"))
    let made = try TrainingCommandTests.run([
      "attack", "--model", "\(path)/aligned", "--dataset", TrainingCommandTests.dialogues(folder),
      "--rank", "2", "--template", Self.written(folder), "--template-arg", "tone=1", "--output",
      "\(path)/adapter", "-q",
    ])
    #expect(made.status == 0, "\(made.errors)")
    let record = try JSONSerialization.jsonObject(
      with: Data(contentsOf: folder.url.appending(path: "adapter/training.json")))
    let template = (record as? [String: Any])?["template"] as? [String: String]
    #expect(template?["arguments"] == #"{"tone":1}"#)
  }
}
