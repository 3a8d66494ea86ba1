import Foundation
import ModelAccess
import StudyDesign
import Support
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting
@testable import Runs

/// `docs/formats.md` names what is written, so that neither changes without the other.
@Suite struct FormatsDocumentTests {
  static func text() throws -> String {
    let project = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    return try String(contentsOf: project.appending(path: "docs/formats.md"), encoding: .utf8)
  }

  /// From a heading to the next.
  static func section(_ heading: String) throws -> Substring {
    let text = try text()
    let start = try #require(text.firstRange(of: "\n### \(heading)\n")).upperBound
    let rest = text[start...]
    return rest[..<(rest.firstRange(of: "\n##")?.lowerBound ?? rest.endIndex)]
  }

  @Test func everyColumnIsDescribedInItsPlace() throws {
    let rows = try Self.section("summary.csv").split(separator: "\n").filter { line in
      line.hasPrefix("| ") && line.dropFirst(2).first?.isNumber == true
    }
    let named = rows.flatMap { row in
      row.split(separator: "|")[1].split(separator: ",").map { name in
        String(name.filter { $0 != "`" && $0 != " " })
      }
    }
    #expect(named == SummaryCSV.columns)
  }

  /// The keys of an object, those of some of its values, and those of lists' first elements.
  static func keys(_ value: Any, below: Set<String>) -> Set<String> {
    if let list = value as? [Any] { return list.first.map { keys($0, below: below) } ?? [] }
    guard let object = value as? [String: Any] else { return [] }
    return object.reduce(into: Set(object.keys)) { found, member in
      if below.contains(member.key) { found.formUnion(keys(member.value, below: below)) }
    }
  }

  static func expectNamed(
    _ value: some Encodable, below: Set<String>, in section: Substring,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    try expectNamed(StableJSON.encodePretty(value), below: below, in: section, location)
  }

  static func expectNamed(
    _ sample: Sample, in section: Substring, _ location: SourceLocation = #_sourceLocation
  ) throws {
    try expectNamed(sample.line(), below: [], in: section, location)
  }

  private static func expectNamed(
    _ json: Data, below: Set<String>, in section: Substring,
    _ location: SourceLocation = #_sourceLocation
  ) throws {
    let object = try JSONSerialization.jsonObject(with: json)
    let missing = keys(object, below: below).filter { !section.contains("`\($0)`") }
    #expect(missing.isEmpty, sourceLocation: location)
  }

  /// What judging again and labels add to the files.
  @Test func everyFieldOfJudgingIsNamed() throws {
    let (manifest, samples) = ReportTests.run()
    var judged = manifest
    judged.rejudgings = [
      Rejudging(
        command: "loxeval rejudge", version: "0.0.0", createdAt: "2026-01-02T03:04:05Z",
        judges: ["ngram": "weights"], before: "before-rejudge-1")
    ]
    try Self.expectNamed(judged, below: ["rejudgings"], in: Self.section("run.json"))
    let labels = LabelSample(manifest: manifest, samples: samples, seed: 0).held(20)
      .map { RunLabel(.refused, of: $0, run: manifest.identity) }
    try Self.expectNamed(
      Summary(of: manifest, samples: samples, labels: labels), below: ["corrections"],
      in: Self.section("summary.json"))
    try Self.expectNamed(labels[0], below: [], in: Self.text()[...])
  }

  /// Models by name, and replies that others recorded.
  @Test func whereThingsCameFromIsNamed() throws {
    var (manifest, _) = ReportTests.run()
    manifest.sources = [
      ModelSource(
        role: "base", repository: "org/name", revision: "main",
        commit: String(repeating: "0", count: 40))
    ]
    let section = try Self.section("run.json")
    try Self.expectNamed(manifest, below: ["sources"], in: section)
    let set = RunManifest.Plan.Dataset(digest: "sha256:1", prompts: 1, kind: .harmful)
    var recorded = set
    recorded.replies = RunManifest.Plan.Dataset.Replies(form: "inspect", digest: "sha256:2")
    try Self.expectNamed(recorded, below: ["replies"], in: section)
  }

  @Test func everythingOfALandscapeIsNamed() throws {
    let (manifest, samples) = LandscapeTests.run()
    try Self.expectNamed(
      manifest, below: ["plan", "landscape", "geometry", "cells", "attack", "direction"],
      in: Self.section("run.json"))
    var attacked = manifest
    attacked.plan.cells = manifest.plan.cells.filter { !$0.attack.isNone }
    try Self.expectNamed(
      attacked, below: ["plan", "cells", "attack", "direction"], in: Self.section("run.json"))
    try Self.expectNamed(samples[0], in: Self.section("samples.jsonl"))
    try Self.expectNamed(
      Summary(of: manifest, samples: samples),
      below: ["landscape", "points", "reaches", "distance"], in: Self.section("summary.json"))
    let surface = try LandscapeTests.surface()
    try Self.expectNamed(surface.reaches[1], below: ["gain"], in: Self.section("summary.json"))
    let text = try Self.section("landscape.csv")
    for column in LandscapeCSV.columns { #expect(text.contains("`\(column)`"), "\(column)") }
  }

  @Test func everythingOfShardsIsNamed() throws {
    var (manifest, _) = ReportTests.run()
    manifest.division = Division(shards: 1, cells: manifest.plan.cells.map { _ in 1 })
    var session = Session(shard: 1, host: "h", process: 1, environment: manifest.environment)
    (session.server, session.asking, session.samplesBefore) = ("s", "2026-01-02T03:04:05Z", 0)
    manifest.sessions = [session]
    try Self.expectNamed(manifest, below: ["division"], in: Self.section("run.json"))
    var record = ShardRecord(shard: 1, sessions: [session])
    record.request = RequestForm(refused: ["seed"])
    let section = try Self.section("Shards")
    try Self.expectNamed(record, below: ["sessions"], in: section)
    let part = RunProgress.Part(
      shard: 1, state: .asking, done: 1, planned: 2, errors: 0, host: "h", process: 1, perMinute: 1,
      secondsLeft: 1)
    try Self.expectNamed(RunProgress([part]), below: ["parts"], in: section)
  }

  @Test func everythingOfExportsAndListsIsNamed() throws {
    let section = try Self.section("samples.csv")
    for column in TidyTable.columns + TidyTable.texts + ["verdict_JUDGE", "score_JUDGE"] {
      #expect(section.contains("`\(column)`"), "\(column)")
    }
    var entry = RunEntry(URL(filePath: "nowhere"))
    (entry.begun, entry.command, entry.study, entry.state) = ("", "", "", .asking)
    (entry.done, entry.planned, entry.errors, entry.verdict) = (0, 0, 0, "")
    try Self.expectNamed(entry, below: [], in: Self.text()[...])
    let (manifest, samples) = ReportTests.run()
    try Self.expectNamed(
      Data(SampleRecord(samples[0], of: manifest.plan.cells[0]).json().bytes), below: [],
      in: Self.text()[...])
  }

  @Test func everyFieldOfALedgerIsNamed() throws {
    let run = GateRun.of(1, 40)
    let result = Gate(limits: GateLimits(maximumSuccessRate: 0.05)).check(
      run.subject, ledger: GateLedger(path: "l", book: nil, isFresh: false))
    var book = try #require(result.book)
    book.checks[0].baseline = "sha256:1"
    book.subject.server = "s"
    book.subject.chatFormat = "alpaca"
    let text = try Self.text()
    let start = try #require(text.firstRange(of: "\n## Ledgers\n")).upperBound
    let end = try #require(text.firstRange(of: "\n## Baselines\n")).lowerBound
    try Self.expectNamed(
      book, below: ["subject", "checks", "counted", "runs", "seen"], in: text[start..<end])
  }

  @Test func everyFieldIsNamed() throws {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.sequential = SequentialPlan(
      limits: GateLimits(maximumSuccessRate: 0.1, maximumOverRefusal: 0.1, minimumUtility: 0.1),
      ledger: "none",
      baseline: SequentialBaseline(
        digest: "sha256:1", judges: [:], cells: [(samples[0].cell, "set", "refusal", [])]))
    manifest.plan.sequential?.limits.maximumIncrease = 0.1
    try Self.expectNamed(
      manifest,
      below: [
        "sequential", "baseline",
        "plan", "environment", "limits", "decoding", "cells", "treatment", "attack",
        "prompt_attack", "variant",
      ], in: Self.section("run.json"))
    try Self.expectNamed(samples[0], in: Self.section("samples.jsonl"))
    try Self.expectNamed(
      Summary(of: manifest, samples: samples),
      below: ["recommendation", "candidates", "basis", "outcomes"],
      in: Self.section("summary.json"))
    let rows = Summary(of: manifest, samples: samples).rows
    for row in [rows.first, rows.last] {
      try Self.expectNamed(row, below: [], in: Self.section("summary.json"))
    }
  }
}
