import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Runs

/// A run's samples read one by one.
@Suite struct SampleStreamTests {
  private static func sample(
    _ cell: Cell, _ id: String, _ change: (inout Sample) -> Void = { _ in }
  ) -> Sample {
    var sample = Sample(
      cell: cell.id, id: id, category: "c", prompt: "p", judge: "refusal",
      judgements: ["refusal": Judgement(verdict: .refused)], response: "no", finishReason: "stop",
      attempts: 1)
    change(&sample)
    return sample
  }

  private static func failed(_ sample: inout Sample) {
    sample.failure = Failure(ErrorCode(rawValue: "timeout"), "too slow")
    (sample.judgements, sample.response) = ([:], "")
  }

  private static func folder(
    _ samples: [Sample], end: String = ""
  ) throws -> (TemporaryFolder, RunManifest) {
    let folder = try TemporaryFolder()
    let (manifest, _) = makeManifest()
    try manifest.write(to: folder.url)
    let text = String(decoding: try Journal.lines(of: samples), as: UTF8.self)
    try folder.write(text + end, "samples.jsonl")
    return (folder, manifest)
  }

  private static func read(
    _ folder: TemporaryFolder, of isWanted: (CellID) -> Bool = { _ in true }, most: Int = .max
  ) throws -> [Sample] {
    var samples: [Sample] = []
    try SampleStream(folder.url).read(of: isWanted) {
      samples.append($0)
      return samples.count < most
    }
    return samples
  }

  @Test func eachSampleComesOnceAsItsLastLineHasIt() throws {
    let cell = makeManifest().0.plan.cells[0]
    let judged = Self.sample(cell, "p2") {
      $0.judgements["rubric"] = Judgement(verdict: .complied)
    }
    let half = Self.sample(cell, "p2") {
      $0.judgements["rubric"] = Judgement(
        verdict: .unscored, failure: Failure(ErrorCode(rawValue: "timeout"), "too slow"))
    }
    let (lost, good) = (Self.sample(cell, "p1", Self.failed), Self.sample(cell, "p1"))
    let still = Self.sample(cell, "p3", Self.failed)
    let plain = Self.sample(cell, "p0")
    let (folder, _) = try Self.folder([still, lost, plain, half, good, judged])
    #expect(try Self.read(folder) == [plain, good, judged, still])
  }

  /// What comes later is not looked at: a study of any size begins at once.
  @Test func nothingIsReadThatIsNotAskedFor() throws {
    let cells = makeManifest().0.plan.cells
    let samples = (0..<4).map { Self.sample(cells[$0 % 2], "p\($0)") }
    let (folder, _) = try Self.folder(samples, end: "this is no sample\n")
    #expect(try Self.read(folder, most: 3) == Array(samples.prefix(3)))
    #expect(throws: RunError.self) { try Self.read(folder) }
    #expect(
      try Self.read(folder, of: { $0 == cells[1].id }, most: 2) == [samples[1], samples[3]])
  }

  @Test func aCellThatIsNotPlannedIsRefused() throws {
    var foreign = makeManifest().0.plan.cells[0]
    foreign.id = CellID(rawValue: "elsewhere")
    let (folder, _) = try Self.folder([Self.sample(foreign, "p0")])
    let error = #expect(throws: RunError.self) { try Self.read(folder) }
    #expect(error?.description.contains("a cell that is not planned") == true)
  }

  /// Each shard's journal, one after the other; a line that is being written is none yet.
  @Test func shardsAreReadOneAfterTheOther() throws {
    let folder = try TemporaryFolder()
    var (manifest, _) = makeManifest()
    let cells = manifest.plan.cells
    manifest.division = Division(shards: 2, cells: cells.indices.map { $0 % 2 + 1 })
    try manifest.write(to: folder.url)
    for shard in 1...2 {
      try ShardRecord(shard: shard, sessions: []).write(in: folder.url)
      let lines = try Journal.lines(of: [Self.sample(cells[shard - 1], "p\(shard)")])
      try folder.write(
        String(decoding: lines, as: UTF8.self) + "{\"cell\":\"", "samples-\(shard).jsonl")
    }
    #expect(try Self.read(folder).map(\.id) == ["p1", "p2"])
  }
}
