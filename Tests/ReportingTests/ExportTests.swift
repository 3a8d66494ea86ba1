import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting
@testable import Runs

/// A run as files of other tools: their shape. That those tools read them is for the tests with the tools themselves.
@Suite struct ExportTests {
  /// A run of two models with all that a sample can have.
  static func run() -> (RunManifest, [Sample]) {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.judges["rubric"] = "rubric 1"
    manifest.plan.datasets["harmful"]?.judges = ["refusal", "rubric"]
    let harmful = Set(manifest.plan.cells.filter { $0.dataset == "harmful" }.map(\.id))
    for index in samples.indices where samples[index].failure == nil {
      guard harmful.contains(samples[index].cell) else { continue }
      let isOdd = index % 2 == 1
      samples[index].judgements["rubric"] = Judgement(
        verdict: isOdd ? .complied : .unsuccessful, score: isOdd ? 4.5 : 1, raw: "Rating: …")
    }
    samples[0].reasoning = "let me think"
    (samples[0].promptTokens, samples[0].completionTokens) = (12, 34)
    samples[1].judgements["rubric"] = Judgement(
      verdict: .unscored, failure: Failure(ErrorCode(rawValue: "judge-unparsable"), "no number"))
    samples[2].response = "- \"quoted\", =1+1\r\nline two\u{1B}[2J"
    samples[2].reference = "42"
    return (manifest, samples)
  }

  static func folder() throws -> (TemporaryFolder, URL) {
    let folder = try TemporaryFolder()
    let (manifest, samples) = run()
    return (folder, try WrittenRun.write(manifest, samples, to: folder, "run"))
  }

  private static func object(_ file: URL) throws -> [String: Any] {
    try #require(
      try JSONSerialization.jsonObject(with: Data(contentsOf: file)) as? [String: Any])
  }

  private static func files(_ folder: URL) throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).sorted()
  }

  @Test func aTidyTableHasARowASample() throws {
    let (folder, run) = try Self.folder()
    let place = folder.url.appending(path: "samples.csv")
    try RunExport.write(run, as: .tidy, to: place, hasTexts: true)
    let text = try String(contentsOf: place, encoding: .utf8)
    let table = try CSVTable(text, file: place)
    let rows = table.records.map(\.fields)
    #expect(
      table.header
        == TidyTable.columns
        + ["refusal", "rubric"].flatMap { ["verdict_\($0)", "score_\($0)"] } + TidyTable.texts)
    #expect(rows.count == 240)
    func index(_ name: String) -> Int { table.header.firstIndex(of: name) ?? 0 }
    /// Of the first cell, by the prompt's number: those that failed stand last.
    func column(_ name: String, _ prompt: Int) -> String {
      let cell = Self.run().0.plan.cells[0].id.rawValue
      let row = rows.first { $0[index("cell")] == cell && $0[index("id")] == "p\(prompt)" }
      return row?[index(name)] ?? "no row"
    }
    #expect(column("id", 0) == "p0")
    #expect((column("alpha", 0), column("strength", 0), column("rank", 0)) == ("0", "0", "6"))
    #expect(
      (column("attack", 0), column("defence", 0), column("kind", 0)) == ("none", "none", "harmful"))
    #expect((column("verdict", 0), column("verdict_refusal", 0)) == ("refused", "refused"))
    #expect((column("verdict_rubric", 3), column("score_rubric", 3)) == ("complied", "4.5"))
    #expect(column("verdict_rubric", 1) == "unscored")
    #expect((column("prompt_tokens", 0), column("completion_tokens", 0)) == ("12", "34"))
    #expect(column("reasoning", 0) == "let me think")
    // What the model wrote stands there as it is.
    #expect(column("response", 2) == "- \"quoted\", =1+1\r\nline two\u{1B}[2J")
    let failed = try #require(rows.first { $0[index("error_code")] == "timeout" })
    #expect(failed[index("verdict")] == "unscored")
    #expect(failed[index("verdict_refusal")] == "")
    #expect(failed[index("alpha")] == "1.5")
    #expect(rows.suffix(5).map { $0[index("verdict")] }.count { $0 == "unscored" } == 4)
    // A label that a spreadsheet would compute is disarmed, as in summary.csv.
    #expect(text.contains(",'=identity|shift,"))
    try RunExport.write(run, as: .tidy, to: place)
    let plain = try CSVTable(String(contentsOf: place, encoding: .utf8), file: place)
    #expect(plain.header == Array(table.header.dropLast(TidyTable.texts.count)))
  }

  @Test func eachCellIsALogOfInspect() throws {
    let (folder, run) = try Self.folder()
    let place = folder.url.appending(path: "logs")
    try RunExport.write(run, as: .inspect, to: place)
    let files = try Self.files(place)
    #expect(files.count == 12)
    // As Inspect lists them: a time, the task, an id.
    #expect(
      files.allSatisfy {
        $0.wholeMatch(of: /2026-01-02T03-04-05\+00-00_(harmful|benign)_[0-9a-f]{12}\.json/) != nil
      })
    let (manifest, samples) = Self.run()
    let cell = manifest.plan.cells[0]
    let file = try #require(files.first { $0.contains(ExportedRun.key(cell.id.rawValue)) })
    let log = try Self.object(place.appending(path: file))
    #expect((log["version"] as? Int, log["status"] as? String) == (2, "success"))
    let eval = try #require(log["eval"] as? [String: Any])
    #expect(eval["task"] as? String == "harmful")
    let stats = try #require(log["stats"] as? [String: Any])
    #expect(stats["started_at"] as? String == "2026-01-02T03:04:05Z")
    let written = try run.appending(path: "samples.jsonl").resourceValues(
      forKeys: [.contentModificationDateKey]
    ).contentModificationDate
    #expect(stats["completed_at"] as? String == written?.formatted(.iso8601))
    #expect(eval["model"] as? String == "loxeval/aligned:a0-none")
    let scores = try #require((log["results"] as? [String: Any])?["scores"] as? [[String: Any]])
    #expect(scores.map { $0["name"] as? String } == ["refusal", "rubric"])
    let row = try #require(
      Summary(of: manifest, samples: samples).rows.first {
        $0.cell == cell.id && $0.judge == "rubric"
      })
    let metrics = try #require(scores[1]["metrics"] as? [String: [String: Any]])
    for (name, value) in [("accuracy", row.attackSuccessRate), ("mean_score", row.meanScore)] {
      let told = try #require(metrics[name]?["value"] as? Double)
      expectClose(told, try #require(value), tolerance: 1e-12)
    }
    let told = try #require(log["samples"] as? [[String: Any]])
    #expect(told.count == 20)
    #expect(told.map { $0["id"] as? String } == (0..<20).map { "p\($0)" })
    let first = try #require(told[0]["scores"] as? [String: [String: Any]])
    #expect(first["refusal"]?["value"] as? String == "I")
    #expect(first["refusal"]?["answer"] as? String == "refused")
    // A judge that failed gave no score, and says why elsewhere.
    #expect(Set((told[1]["scores"] as? [String: Any] ?? [:]).keys) == ["refusal"])
    let metadata = try #require(told[1]["metadata"] as? [String: Any])
    #expect((metadata["unscored"] as? [String: String])?["rubric"] == "judge-unparsable: no number")
    let failed = try files.map { try Self.object(place.appending(path: $0)) }
      .flatMap { $0["samples"] as? [[String: Any]] ?? [] }.filter { $0["error"] != nil }
    #expect(failed.count == 4)
    #expect((failed[0]["error"] as? [String: Any])?["message"] as? String == "timeout: too slow")
  }

  /// Two models that people call alike are two models.
  @Test func modelsOfOneNameAreToldApart() throws {
    var (manifest, samples) = Self.run()
    var twin = manifest.plan.cells[0]
    twin.id = CellID(rawValue: "twin")
    twin.attack = AttackID(label: "none", method: .imported, recipe: "sha256:1")
    manifest.plan.cells.append(twin)
    var sample = samples[0]
    sample.cell = twin.id
    samples.append(sample)
    let run = ExportedRun(
      StoredRun(manifest, holding: samples))
    #expect(run.models[manifest.plan.cells[0].id] == "aligned:a0-none")
    #expect(run.models[twin.id] == "aligned:a0-none-2")
  }

  @Test func eachModelHasResultsOfTheHarness() throws {
    let (folder, run) = try Self.folder()
    let place = folder.url.appending(path: "lm-eval")
    try RunExport.write(run, as: .lmEval, to: place)
    let stamp = "2026-01-02T03-04-05.000000"
    let files = try Self.files(place).filter { $0.contains("/") }
    #expect(files.count == 6 * 3)
    let folderName = "aligned-r6-a1-none"
    #expect(files.contains("\(folderName)/results_\(stamp).json"))
    let results = try Self.object(place.appending(path: "\(folderName)/results_\(stamp).json"))
    let tasks = try #require(results["results"] as? [String: [String: Any]])
    #expect(Set(tasks.keys) == ["harmful", "benign"])
    let (manifest, samples) = Self.run()
    let summary = Summary(of: manifest, samples: samples)
    for row in summary.rows
    where row.treatment.strength == 1 && row.attack == "none" {
      let task = try #require(tasks[row.dataset])
      let name = row.dataset == "harmful" ? "asr" : "over_refusal"
      let rate = row.dataset == "harmful" ? row.attackSuccessRate : row.overRefusal
      #expect(task["\(name),\(row.judge)"] as? Double == rate)
      #expect(task["\(name)_stderr,\(row.judge)"] != nil)
    }
    #expect(
      (results["higher_is_better"] as? [String: [String: Bool]])?["harmful"]?["asr"] == false)
    let lines = try String(
      contentsOf: place.appending(path: "\(folderName)/samples_harmful_\(stamp).jsonl"),
      encoding: .utf8
    ).split(separator: "\n").map {
      try #require(try JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
    }
    // A line for each prompt and judge.
    #expect(lines.count == 40)
    #expect(lines.prefix(2).map { $0["filter"] as? String } == ["refusal", "rubric"])
    #expect(lines[0]["doc_id"] as? Int == 0)
    #expect((lines[0]["doc"] as? [String: Any])?["id"] as? String == "p0")
    #expect(lines[0]["asr"] as? Double == 0)
  }
}
