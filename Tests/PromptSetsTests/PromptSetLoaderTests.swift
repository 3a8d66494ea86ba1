import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import PromptSets

@Suite struct PromptSetLoaderTests {
  struct Form: Sendable, CustomTestStringConvertible {
    let file: String
    let text: String
    let first: Prompt
    var kind = PromptSet.Kind.harmful
    var count = 2
    var testDescription: String { file }
  }

  static let forms: [Form] = [
    Form(
      file: "ours.jsonl",
      text:
        "{\"id\":\"a\",\"category\":\"c\",\"prompt\":\"One\"}\n\n{\"id\":\"b\",\"category\":\"c\",\"prompt\":\"Two\"}\n",
      first: Prompt(id: "a", category: "c", prompt: "One")),
    Form(
      file: "benign.jsonl",
      text:
        "{\"id\":\"a\",\"prompt\":\"One\",\"system\":\"S\",\"reference\":\"R\"}\n{\"id\":\"b\",\"prompt\":\"Two\"}",
      first: Prompt(id: "a", category: "none", prompt: "One", system: "S", reference: "R"),
      kind: .benign),
    Form(
      file: "advbench.csv", text: "goal,target\r\n\"One, with comma\",Sure\r\nTwo,Sure\r\n",
      first: Prompt(id: "advbench-0001", category: "none", prompt: "One, with comma")),
    Form(
      file: "list.csv", text: "One\n\"Two, too\"\n",
      first: Prompt(id: "list-0001", category: "none", prompt: "One")),
    Form(
      file: "harmbench.csv",
      text: "Behavior,FunctionalCategory,SemanticCategory,Tags,ContextString,BehaviorID\n"
        + "One,standard,crime,,,one_id\nTwo,contextual,crime,,Given this,two_id\n",
      first: Prompt(id: "one_id", category: "crime", prompt: "One")),
    Form(
      file: "jbb-harmful.csv",
      text:
        "Index,Goal,Target,Behavior,Category,Source\n0,One,Sure,b,Harassment,x\n1,Two,Sure,b,Harassment,x\n",
      first: Prompt(id: "jbb-harmful-0001", category: "Harassment", prompt: "One")),
    Form(
      file: "strongreject.csv",
      text: "category,source,forbidden_prompt\nhate,x,\"One\nline\"\nhate,x,Two\n",
      first: Prompt(id: "strongreject-0001", category: "hate", prompt: "One\nline")),
    Form(
      file: "xstest.csv",
      text: "id,prompt,type,note\n7,One,homonyms,\n8,Bad,contrast_homonyms,\n9,Two,safe_targets,\n",
      first: Prompt(id: "7", category: "homonyms", prompt: "One"), kind: .benign),
    Form(
      file: "alpaca.json",
      text:
        "[{\"instruction\":\"One\",\"input\":\"This\",\"output\":\"R\"},{\"instruction\":\"Two\",\"input\":\"\",\"output\":\"R\"}]",
      first: Prompt(
        id: "alpaca-0001", category: "instruction", prompt: "One\n\nThis", reference: "R"),
      kind: .benign),
    Form(
      file: "dolly.jsonl",
      text:
        "{\"instruction\":\"One\",\"context\":\"\",\"response\":\"R\",\"category\":\"qa\"}\n{\"instruction\":\"Two\",\"context\":\"c\",\"response\":\"R\",\"category\":\"qa\"}",
      first: Prompt(id: "dolly-0001", category: "qa", prompt: "One", reference: "R"),
      kind: .benign),
    Form(
      file: "gsm8k.jsonl",
      text:
        "{\"question\":\"One?\",\"answer\":\"2+2 = 4\\n#### 4\"}\n{\"question\":\"Two?\",\"answer\":\"#### 1,000\"}",
      first: Prompt(id: "gsm8k-0001", category: "word-problem", prompt: "One?", reference: "4"),
      kind: .benign),
  ]

  @Test(arguments: forms) func publicFormsAreRead(form: Form) throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(folder.write("\u{FEFF}" + form.text, form.file))
    #expect(set.prompts.first == form.first)
    #expect(set.prompts.count == form.count)
    #expect(set.kind == form.kind)
    let limited = try PromptSetLoader.load(folder.url.appending(path: form.file), limit: 1)
    #expect(limited.prompts == [form.first])
  }

  @Test(arguments: [
    ("a.jsonl", "", "at least one prompt"), ("a.jsonl", "{\"id\":1}", "line 1"),
    ("a.jsonl", "{\"prompt\":\"x\"}\n{bad}", "line 2"),
    (
      "a.jsonl", "{\"id\":\"a\",\"prompt\":\"x\"}\n{\"id\":\"a\",\"prompt\":\"y\"}", "found a again"
    ),
    ("a.csv", "first,second\n1,2\n", "column"), ("a.csv", "goal,target\n,x\n", "line 2"),
    ("a.txt", "hello", "neither JSON nor CSV"),
    ("a.json", "[1]", "entry 1: expected a JSON object"),
    ("a.csv", "goal,target\n\"one,two\nthree,four\n", "line 2: expected a quotation mark"),
    ("a.csv", "goal,target\na,b\nc\n", "line 3: expected 2 fields"),
    ("a.csv", "goal,target\na,b,c\n", "line 2: expected 2 fields"),
    ("a.csv", "goal,target\n\"a\nb\",c\n\n,d\n", "line 5: expected a text in column goal"),
    ("a.csv", "goal;target\na;b\n", "semicolons between them"),
    ("a.csv", "goal,target\r\na,b\r,c\r\n", "line 3: expected a text in column goal"),
    ("a.jsonl", "{\"prompt\":\"  \"}", "line 1"),
    (
      "a.jsonl", "{\"prompt\":\"x\",\"kind\":\"benign\"}\n{\"prompt\":\"y\",\"kind\":\"harmful\"}",
      "line 2: expected benign prompts only"
    ),
  ])
  func badFilesAreRefused(file: String, text: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(text, file)
    let error = #expect(throws: FileError.self) { _ = try PromptSetLoader.load(url) }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
    #expect(error?.description.contains(url.path) == true)
  }

  @Test func blankLinesOfATableAreNoPrompts() throws {
    let folder = try TemporaryFolder()
    let text = "goal,target\r\nsay \"\"hi\"\" twice,x\r\n\r\n\"two, \"\"quoted\"\"\",y\n\n"
    let set = try PromptSetLoader.load(folder.write(text, "a.csv"))
    #expect(set.prompts.count == 2)
    #expect(set.prompts.last?.prompt == "two, \"quoted\"")
  }

  @Test func loneCarriageReturnsEndRows() throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(folder.write("goal,target\ra,b\r\r\"c\rd\",e", "a.csv"))
    #expect(set.prompts.map(\.prompt) == ["a", "c\rd"])
  }

  @Test func aHeaderIsNoPrompt() throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(folder.write("goal\none\ntwo\n", "harmful.csv"))
    #expect(set.prompts.map(\.prompt) == ["one", "two"])
  }

  @Test func idsMayBeNumbers() throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(
      folder.write("{\"id\":7,\"prompt\":\"x\"}", "harmful.jsonl"))
    #expect(set.prompts.first?.id == "7")
  }

  @Test(arguments: [
    ("requests.json", "{\"instructions\":[\"One\",\"Two\"]}", PromptSet.Kind.harmful),
    ("benign.json", "{\"instructions\":[\"One\",\"Two\"]}", .benign),
    ("requests.json", "[\"One\",\n\"Two\"]", .harmful),
    ("set.json", "{\"data\":[{\"prompt\":\"One\"},{\"prompt\":\"Two\"}],\"v\":1}", .benign),
    (
      "set.json",
      "[{\"prompt\":\"One\",\"kind\":\"harmful\"},{\"prompt\":\"Two\",\"kind\":\"harmful\"}]",
      .harmful
    ),
    ("set.jsonl", "{\"prompt\":\"One\"}\r\r{\"prompt\":\"Two\"}", .harmful),
    ("set.jsonl", "{\"prompt\":\"One\"}\r\n\r\n\u{FEFF}{\"prompt\":\"Two\"}\r\n", .harmful),
  ])
  func listsAndLinesAreRead(file: String, text: String, kind: PromptSet.Kind) throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(folder.write("\u{FEFF}" + text, file))
    #expect(set.prompts.map(\.prompt) == ["One", "Two"])
    #expect(set.kind == kind)
    #expect(Set(set.prompts.map(\.id)).count == 2)
  }

  @Test(arguments: [
    ("a.jsonl", "{\"prompt\":\"x\"}\r\n\r\n{\"prompt\":7}", "line 3"),
    ("a.jsonl", "{\"prompt\":\"x\"}\r\r{oops", "line 3"),
    ("a.jsonl", "{\"id\":1,\"prompt\":\"x\"}\n\n{\"id\":1,\"prompt\":\"y\"}", "line 3"),
    ("a.csv", "id,prompt\n1,x\n\n1,y\n", "line 4"),
    ("a.json", "[{\"id\":1,\"prompt\":\"x\"},{\"id\":1,\"prompt\":\"y\"}]", "entry 2"),
    ("a.json", "{\"instructions\":[\"One\",7]}", "entry 2"),
    ("a.json", "{\"instructions\":[\"One\",\" \"]}", "entry 2"),
    ("a.json", "[\n{\"prompt\":\n", "not JSON at byte"),
  ])
  func errorsNameTheirPlace(file: String, text: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(text, file)
    let error = #expect(throws: FileError.self) { _ = try PromptSetLoader.load(url) }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  /// By whole words of the file's name.
  @Test(arguments: [
    ("unsafe-requests", PromptSet.Kind.harmful), ("safe-requests", .benign),
    ("harmless-chat", .benign), ("harmbench", .harmful), ("my_over_refusal_set", .benign),
    ("xstest-v2", .benign), ("prompts", .harmful),
  ])
  func theNameTellsTheKind(name: String, kind: PromptSet.Kind) throws {
    let folder = try TemporaryFolder()
    let set = try PromptSetLoader.load(folder.write("{\"prompt\":\"x\"}", "\(name).jsonl"))
    #expect(set.kind == kind)
  }

  @Test func bytesThatAreNoTextAreRefused() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write(Data([0x7B, 0xFF, 0x7D]), "a.jsonl")
    #expect(throws: FileError.unreadable(path: url.path, reason: "it is not UTF-8 text")) {
      _ = try PromptSetLoader.load(url)
    }
  }

  @Test(arguments: [
    ("harmful-requests", 500, 10), ("benign-lookalikes", 300, 8), ("helpful-requests", 200, 10),
    ("word-problems-test", 600, 1), ("micro-harmful", 300, 12), ("micro-benign", 300, 12),
  ])
  func bundledSetsAreWhole(name: String, count: Int, categories: Int) throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let set = try PromptSetLoader.load(root.appending(path: "datasets/\(name).jsonl"))
    #expect(set.prompts.count >= count)
    #expect(Set(set.prompts.map(\.category)).count >= categories)
    #expect(set.kind == (name.contains("harmful") ? .harmful : .benign))
    #expect(Set(set.prompts.map(\.prompt)).count == set.prompts.count)
  }

  @Test(
    .enabled(if: SharedMaterial.has("data"), "needs shared/data"),
    arguments: [
      ("advbench/harmful_behaviors.csv", 520), ("gsm8k/train-first-1000.jsonl", 1_000),
      ("safety-tuned-llamas/safety_only_data_Instructions.json", 2_483),
    ])
  func realFilesAreRead(path: String, count: Int) throws {
    let set = try PromptSetLoader.load(SharedMaterial.folder.appending(path: "data/\(path)"))
    #expect(set.prompts.count == count)
  }
}
