import Foundation
import ModelAccess
import Scoring
import StudyDesign
import TestSupport
import Testing
import TinyRun

@testable import Runs

@Suite struct SchemaTests {
  private func written(_ manifest: RunManifest) throws -> (TemporaryFolder, String) {
    let folder = try TemporaryFolder()
    try manifest.write(to: folder.url)
    let text = try String(contentsOf: folder.url.appending(path: "run.json"), encoding: .utf8)
    return (folder, text)
  }

  @Test func aManifestReadsAsItWasWritten() throws {
    let (manifest, _) = makeManifest()
    let (folder, _) = try written(manifest)
    #expect(try RunManifest.read(from: folder.url) == manifest)
  }

  @Test(arguments: [
    ("\"schema\" : 3", "has schema 3"), ("\"schema\" : \"2\"", "expected \"schema\""),
    ("\"schemas\" : 2", "expected \"schema\""), ("\"schema\" : 0", "expected \"schema\""),
  ])
  func anotherSchemaIsRefused(replacement: String, naming: String) throws {
    let (folder, text) = try written(makeManifest().0)
    try folder.write(text.replacing("\"schema\" : 2", with: replacement), "run.json")
    let error = #expect(throws: RunError.self) { _ = try RunManifest.read(from: folder.url) }
    #expect(error?.description.contains(naming) == true, "\(String(describing: error))")
  }

  /// Two plans that cannot be written down would look the same.
  @Test func plansThatCannotBeComparedAreNotEqual() {
    var (manifest, _) = makeManifest()
    manifest.plan.decoding.temperature = .nan
    #expect(throws: RunError.self) { _ = try manifest.differences(from: manifest) }
  }

  /// Another way to write conversations is another run.
  @Test func theChatFormatIsOfThePlan() throws {
    let (manifest, _) = makeManifest()
    var other = manifest
    other.plan.chatFormat = "alpaca"
    #expect(try other.differences(from: manifest) == ["chatFormat is none there and alpaca here"])
    other = manifest
    other.plan.template = TemplateSettings(arguments: #"{"enable_thinking":false}"#)
    #expect(
      try other.differences(from: manifest)
        == [#"template is none there and {"arguments":"{\"enable_thinking\":false}"} here"#])
    var dated = other
    dated.plan.template?.date = "2026-01-31"
    #expect(
      try dated.differences(from: other) == ["template.date is none there and 2026-01-31 here"])
  }

  @Test func whatAPlanDoesNotSayIsNamedAsItIsMeant() throws {
    let (manifest, _) = makeManifest()
    var other = manifest
    other.plan.arithmetic = "bfloat16"
    #expect(
      try other.differences(from: manifest) == ["arithmetic is float32 there and bfloat16 here"])
    let count = manifest.plan.cells.count
    other = manifest
    other.plan.cells.removeLast()
    #expect(
      try other.differences(from: manifest) == ["cells: \(count) there and \(count - 1) here"])
  }

  /// A run of schema 1 is continued by the plan that makes the same today.
  @Test func aPlanOfSchema1EqualsTodaysButForItsIds() throws {
    let (manifest, _) = makeManifest()
    func cell(_ alpha: Int, _ attack: String, rank: Int = 6) -> String {
      let update = #"{"name":"lox-r\#(rank)","scale":\#(alpha)}"#
      let imported = attack == "none" ? "" : #",{"name":"import","scale":1}"#
      return
        #"{"model":"m","targets":"all","rank":"\#(rank)","alpha":\#(alpha),"attack":"\#(attack)","#
        + #""attackMethod":"\#(attack == "none" ? "none" : "imported")","dataset":"set","#
        + #""variant":[\#(update)\#(imported)]}"#
    }
    let cells = [cell(0, "none"), cell(1, "none"), cell(0, "import"), cell(1, "import")]
    let old = #"""
      {"schema":1,"plan":{"cells":[\#(cells.joined(separator: ","))],"decoding":{"temperature":0,
      "topP":1,"maxTokens":8,"seed":0,"stop":[]},"seed":0,"judge":"refusal",
      "judgeConfiguration":"test","datasets":{"set":{"digest":"sha256:0","prompts":10,
      "kind":"harmful"}},"models":{"aligned":"sha256:1"},"updates":{},"remarks":{},
      "server":"embedded"},"environment":{"command":"","version":"","createdAt":"","threads":2,
      "blas":"","instructions":"","platform":""}}
      """#
    let folder = try TemporaryFolder()
    try folder.write(old, "run.json")
    let read = try RunManifest.read(from: folder.url)
    #expect(
      read.plan.cells.map(\.id.rawValue) == [
        "a0-none-set", "r6-a1-none-set", "a0-import-set", "r6-a1-import-set",
      ])
    #expect(read.plan.cells[3].baseline?.rawValue == "a0-import-set")
    #expect(try manifest.differences(from: read) == [])
    // As a run that was continued with other limits is written.
    try read.write(to: folder.url)
    #expect(try manifest.differences(from: RunManifest.read(from: folder.url)) == [])
    var other = manifest
    other.plan.cells[1].variant[0].scale = 2
    #expect(
      try other.differences(from: read) == ["cells[1].variant[0].scale is 1 there and 2 here"])
  }

  /// Cells at α = 0 stood once for each rank.
  @Test func repeatedUntreatedCellsOfSchema1AreOne() throws {
    let folder = try TemporaryFolder()
    let cells = ["3", "6"].flatMap { rank in
      [0, 1].map { alpha in
        #"{"model":"m","targets":"all","rank":"\#(rank)","alpha":\#(alpha),"attack":"none","#
          + #""attackMethod":"none","dataset":"set","variant":[]}"#
      }
    }
    try folder.write(
      #"{"schema":1,"plan":{"cells":[\#(cells.joined(separator: ","))],"decoding":{"temperature":0,"#
        + #""topP":1,"maxTokens":8,"seed":0,"stop":[]},"seed":0,"judge":"refusal","#
        + #""judgeConfiguration":"test","datasets":{},"models":{},"updates":{},"remarks":{},"#
        + #""server":"s"},"environment":{"command":"","version":"","createdAt":"","threads":2,"#
        + #""blas":"","instructions":"","platform":""}}"#, "run.json")
    let read = try RunManifest.read(from: folder.url)
    #expect(read.plan.cells.map(\.treatment) == [.none, .lox(1, rank: "3"), .lox(1, rank: "6")])
  }

  @Test func linesKeepWhatTheModelThoughtAndCounted() throws {
    let (manifest, _) = makeManifest(prompts: 1)
    let folder = try TemporaryFolder()
    var sample = Sample(
      cell: manifest.plan.cells[0].id, id: "p0", category: "c", prompt: "p", response: "r",
      verdict: .refused, score: 2, judgeRaw: "two")
    sample.reasoning = "let me think"
    sample.promptTokens = 7
    sample.completionTokens = 9
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    try journal.append(sample)
    #expect(try Journal.samples(folder: folder.url, plan: manifest.plan) == [sample])
    let line = try #require(
      try JSONSerialization.jsonObject(
        with: Data(contentsOf: folder.url.appending(path: "samples.jsonl"))) as? [String: Any])
    #expect(line["verdict"] as? String == "refused" && line["judge_raw"] as? String == "two")
    #expect(line["judge"] as? String == "refusal" && line["score"] as? Double == 2)
    #expect(line["prompt_tokens"] as? Int == 7 && line["reasoning"] as? String == "let me think")
  }

  /// A verdict beside the judgements must be the primary judge's.
  @Test func aLineThatContradictsItselfIsRefused() throws {
    let (manifest, _) = makeManifest(prompts: 1)
    let folder = try TemporaryFolder()
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    try journal.append(
      Sample(
        cell: manifest.plan.cells[0].id, id: "p0", category: "c", prompt: "p", response: "r",
        verdict: .refused))
    let file = folder.url.appending(path: "samples.jsonl")
    let text = try String(contentsOf: file, encoding: .utf8)
    // Keys are sorted: the line's own verdict stands last.
    let end = "\"verdict\":\"refused\"}\n"
    #expect(text.hasSuffix(end))
    try folder.write(
      text.dropLast(end.count) + "\"verdict\":\"complied\"}\n", "samples.jsonl")
    #expect(throws: RunError.self) {
      _ = try Journal.samples(folder: folder.url, plan: manifest.plan)
    }
  }
}
