import Foundation
import ModelAccess
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import Reporting
@testable import Runs

/// Runs below a folder.
@Suite struct RunListTests {
  /// A whole run with its reports, one that is half done, one of each way to be broken, and what is no run.
  private static func runs() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var (manifest, samples) = ReportTests.run()
    let whole = try WrittenRun.write(manifest, samples, to: folder, "a/whole")
    try RunReports.write(of: try StoredRun(whole))
    // What a run keeps within itself is no run of its own here.
    try WrittenRun.write(manifest, samples, to: folder, "a/whole/before-rejudge-1")
    manifest.environment.createdAt = "2026-01-01T03:04:05Z"
    try WrittenRun.write(manifest, Array(samples.prefix(50)), to: folder, "half")
    try folder.write("{\"schema\": 99}", "b/later/run.json")
    try folder.write("", "b/plan gone/samples.jsonl")
    try folder.write("x", "models/config.json")
    try WrittenRun.write(manifest, samples, to: folder, ".hidden/run")
    try FileManager.default.createSymbolicLink(
      at: folder.url.appending(path: "latest"), withDestinationURL: whole)
    return folder
  }

  @Test func eachRunIsInTheListWithWhatCameOut() throws {
    let folder = try Self.runs()
    let list = try RunList.below(folder.url)
    let names = list.map { $0.run.replacing(folder.url.path + "/", with: "") }
    #expect(names == ["half", "a/whole", "b/later", "b/plan gone"])
    let (half, whole) = (list[0], list[1])
    #expect(half.problem == nil)
    #expect((half.done, half.planned, half.state) == (50, 240, .stopped))
    #expect(half.verdict == nil)
    #expect((whole.done, whole.planned, whole.errors) == (240, 240, 4))
    #expect(whole.state == .finished)
    #expect(whole.command == "sweep")
    #expect(whole.study == "aligned: lox (2 models) × =identity|shift × 2 sets")
    #expect(whole.verdict?.isEmpty == false)
    #expect(list[2].problem?.contains("b/later/run.json: cannot be read") == true)
    #expect(list[3].problem?.contains("expected a run folder with run.json") == true)
    #expect(list[3].state == nil)
  }

  @Test func aFolderThatIsARunIsListed() throws {
    let folder = try Self.runs()
    #expect(try RunList.below(folder.url.appending(path: "half")).map(\.done) == [50])
    #expect(throws: RunList.Missing.self) {
      try RunList.below(folder.url.appending(path: "nowhere"))
    }
  }

  /// A conclusion is of the samples that are there, or none.
  @Test func aReportOlderThanTheJournalSaysNothing() throws {
    let folder = try Self.runs()
    let whole = folder.url.appending(path: "a/whole")
    try OddFile.age(whole.appending(path: "summary.json"))
    #expect(RunEntry(whole).verdict == nil)
    #expect(RunEntry(whole).problem == nil)
    try folder.write("{", "a/whole/summary.json")
    #expect(RunEntry(whole).problem?.contains("summary.json: cannot be read") == true)
  }

  @Test func headlinesSayWhatReportsConclude() {
    let (manifest, samples) = ReportTests.run()
    let summary = Summary(of: manifest, samples: samples)
    let headline = Findings(summary: summary).headline
    if let treatment = summary.recommendation?.treatment, !treatment.isNone {
      #expect(headline == "use \(treatment.request)")
    } else {
      #expect(headline == "leave the model as it is")
    }
    var single = manifest
    single.plan.cells = manifest.plan.cells.filter { $0.isUnattacked && $0.treatment.isNone }
    let cells = Set(single.plan.cells.map(\.id))
    let evaluation = Summary(of: single, samples: samples.filter { cells.contains($0.cell) })
    #expect(
      Findings(summary: evaluation).headline == "ASR 0.0 % on harmful; refuses 0.0 % of benign")
  }
}
