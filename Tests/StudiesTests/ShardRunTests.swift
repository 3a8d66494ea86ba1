import Foundation
import StudyDesign
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import ModelAccess
@testable import PromptSets
@testable import Runs
@testable import Scoring
@testable import Studies

/// Runs that several processes make, each with a journal of its own.
@Suite struct ShardRunTests {
  /// The small study's four cells in two parts.
  private static func divided(
    _ cells: [Int] = [1, 2, 2, 1]
  ) -> (RunManifest, PromptSet) {
    var (manifest, set) = makeManifest()
    manifest.plan.server = ""
    manifest.division = Division(shards: 2, cells: cells)
    return (manifest, set)
  }

  private static func open(
    _ url: URL, _ index: Int, _ manifest: RunManifest, of count: Int = 2, resume: Bool = true,
    updates: [String: String] = ["lox-r6": "sha256:5"]
  ) throws -> RunFolder {
    let shard = Shard(index, of: count)
    let lock = try RunFolder.reserve(url, resume: resume, shard: shard, holder: "a test")
    _ = try RunFolder.begin(shard, of: url, manifest, lock: lock)
    var ready = manifest
    ready.plan.server = "embedded"
    ready.plan.updates = updates
    return try RunFolder(url, shard: shard, manifest: ready, lock: lock)
  }

  private static func ask(
    _ folder: RunFolder, _ set: PromptSet, failing: Bool = false
  ) async throws {
    var plan = folder.manifest.plan
    plan.cells = folder.cells()
    let model = ScriptedModel { request in
      guard failing, request.messages.last?.content == "prompt 3" else { return nil }
      return ChatFailure(
        code: "timeout", message: "slow", attempts: 1, latencyMilliseconds: 1, isFatal: false)
    }
    try await Runner(
      plan: plan, datasets: [set], model: model, judges: [RefusalJudge()], maxConnections: 3,
      maxErrors: .count(100)
    ).run(folder.journal) { _ in }
  }

  /// What one undisturbed process writes.
  private static func whole(_ url: URL, failing: Bool = false) async throws -> StoredRun {
    var (manifest, set) = makeManifest()
    manifest.plan.updates = ["lox-r6": "sha256:5"]
    let folder = try RunFolder(url, manifest: manifest, resume: false)
    try await ask(folder, set, failing: failing)
    return try StoredRun(url)
  }

  private static func files(_ url: URL) throws -> Set<String> {
    Set(try FileManager.default.contentsOfDirectory(atPath: url.path))
  }

  @Test(arguments: [false, true])
  func shardsMakeTheRunThatOneProcessMakes(failing: Bool) async throws {
    let temporary = try TemporaryFolder()
    let whole = try await Self.whole(temporary.url.appending(path: "whole"), failing: failing)
    let url = temporary.url.appending(path: "run")
    let (manifest, set) = Self.divided()
    // Both are open at once; neither touches the other's files.
    do {
      let second = try Self.open(url, 2, manifest)
      let first = try Self.open(url, 1, manifest)
      #expect(first.cells().map(\.id) == [0, 3].map { manifest.plan.cells[$0].id })
      try await Self.ask(second, set, failing: failing)
      #expect(try RunProgress(of: url).parts.map(\.state) == [.asking, .finished])
      try await Self.ask(first, set, failing: failing)
      #expect(throws: RunError.shardInUse(path: url.path, shard: 1, holder: "a test")) {
        _ = try RunFolder.reserve(url, resume: true, shard: Shard(1, of: 2))
      }
      #expect(throws: RunError.runInUse(path: url.path)) { _ = try RunMerge.inPlace(url) }
    }
    let read = try StoredRun(url)
    #expect(read.samples == whole.samples)
    #expect(read.manifest.plan == whole.manifest.plan)
    #expect(
      try StableRows.of(Summary(of: read.manifest, samples: read.samples))
        == StableRows.of(Summary(of: whole.manifest, samples: whole.samples)))
    #expect(read.manifest.sessions?.map(\.shard) == [1, 2])

    let written = try ["samples-1.jsonl", "samples-2.jsonl"].reduce(into: Data()) {
      $0 += try Data(contentsOf: url.appending(path: $1))
    }
    let other = temporary.url.appending(path: "other")
    let copied = try RunMerge.into(other, [url])
    #expect(copied.samples == whole.samples && copied.manifest.plan == whole.manifest.plan)
    #expect(try Self.files(url).contains("samples-2.jsonl"))
    let merged = try RunMerge.inPlace(url)
    #expect(merged.samples == whole.samples && merged.manifest.division == nil)
    #expect(try Self.files(url) == ["run.json", "samples.jsonl"])
    #expect(try StoredRun(url).samples == whole.samples)
    let journal = try Data(contentsOf: url.appending(path: "samples.jsonl"))
    #expect(try journal == Data(contentsOf: other.appending(path: "samples.jsonl")))
    // Lines stand as they were written.
    #expect(
      Set(journal.split(separator: UInt8(ascii: "\n")))
        == Set(written.split(separator: UInt8(ascii: "\n"))))
    // It is a run like any other now.
    var same = whole.manifest
    same.division = nil
    _ = try RunFolder(url, manifest: same, resume: true)
    #expect(throws: RunError.isWhole(path: url.path)) {
      _ = try RunFolder.reserve(url, resume: true, shard: Shard(1, of: 2))
    }
    #expect(throws: RunError.self) { _ = try RunMerge.inPlace(url) }
  }

  /// A shard that was killed goes on with its own journal.
  @Test func aShardIsStartedAgain() async throws {
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let (manifest, set) = Self.divided()
    do { try await Self.ask(try Self.open(url, 1, manifest), set) }
    let journal = url.appending(path: "samples-1.jsonl")
    let data = try Data(contentsOf: journal)
    try data.prefix(data.count / 2).write(to: journal)
    let kept = data.prefix(data.count / 2).count { $0 == UInt8(ascii: "\n") }
    #expect(throws: RunError.shardExists(path: url.path, shard: 1)) {
      _ = try RunFolder.reserve(url, resume: false, shard: Shard(1, of: 2))
    }
    #expect(throws: RunError.unfinished(path: url.path, missing: 40 - kept, shards: [1, 2])) {
      _ = try RunMerge.inPlace(url)
    }
    let again = try Self.open(url, 1, manifest)
    #expect(again.journal.samples.count == kept)
    try await Self.ask(again, set)
    #expect(again.journal.samples.count == 20)
    #expect(again.record?.sessions.count == 2)
    #expect(again.record?.sessions.last?.samplesBefore == kept)
  }

  @Test func anotherDivisionOrPlanIsRefused() throws {
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let (manifest, _) = Self.divided()
    do { _ = try Self.open(url, 1, manifest) }
    #expect(throws: RunError.otherDivision(path: url.path, there: 2, here: 4)) {
      _ = try RunFolder.reserve(url, resume: true, shard: Shard(1, of: 4))
    }
    #expect(throws: RunError.isDivided(path: url.path, shards: 2)) {
      _ = try RunFolder.reserve(url, resume: true)
    }
    var other = manifest
    other.plan.seed = 9
    #expect(throws: RunError.runDiffers(path: url.path, fields: ["seed is 0 there and 9 here"])) {
      _ = try Self.open(url, 2, other)
    }
    // The division that the run began with holds.
    let (otherwise, _) = Self.divided([2, 1, 1, 2])
    let second = try Self.open(url, 2, otherwise)
    #expect(second.cells().map(\.id) == [1, 2].map { manifest.plan.cells[$0].id })
    let single = temporary.url.appending(path: "single")
    do { _ = try RunFolder(single, manifest: makeManifest().0, resume: false) }
    #expect(throws: RunError.isWhole(path: single.path)) {
      _ = try RunFolder.reserve(single, resume: true, shard: Shard(1, of: 2))
    }
  }

  /// Updates of like processors are the same; those of unlike ones may differ, and the report says so.
  @Test func whatUnlikeProcessorsComputeIsTold() throws {
    let temporary = try TemporaryFolder()
    let (manifest, _) = Self.divided()
    var unlike = manifest
    unlike.environment.instructions = "other"
    let url = temporary.url.appending(path: "run")
    do { _ = try Self.open(url, 1, manifest) }
    #expect(throws: RunError.self) {
      _ = try Self.open(url, 2, manifest, updates: ["lox-r6": "sha256:6"])
    }
    // What was refused said nothing that counts: its shard starts anew.
    try FileManager.default.removeItem(at: url.appending(path: "shard-2.json"))
    do { _ = try Self.open(url, 2, unlike, updates: ["lox-r6": "sha256:6", "b": "sha256:7"]) }
    let read = try RunManifest.read(from: url)
    #expect(read.plan.updates == ["lox-r6": "sha256:5", "b": "sha256:7"])
    #expect(read.unlikeProcessors.map(\.shards) == [[1], [2]])
  }

  @Test func samplesOfAnotherShardAreRefused() async throws {
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let (manifest, set) = Self.divided()
    do { try await Self.ask(try Self.open(url, 1, manifest), set) }
    try FileManager.default.copyItem(
      at: url.appending(path: "samples-1.jsonl"), to: url.appending(path: "samples-2.jsonl"))
    let error = #expect(throws: RunError.self) { _ = try StoredRun(url) }
    #expect(error?.description.contains("another shard") == true)
  }

  /// Parts in folders of their own, such as of machines that share no file system.
  @Test func foldersOfOneStudyAreMerged() async throws {
    let temporary = try TemporaryFolder()
    let whole = try await Self.whole(temporary.url.appending(path: "whole"))
    let (manifest, set) = Self.divided()
    let places = [1, 2].map { temporary.url.appending(path: "part-\($0)") }
    for (index, place) in places.enumerated() {
      try await Self.ask(try Self.open(place, index + 1, manifest), set)
    }
    let merged = try RunMerge.into(temporary.url.appending(path: "merged"), places)
    #expect(merged.samples == whole.samples && merged.manifest.plan == whole.manifest.plan)
    // A part by itself is an unfinished run, which one process may go on with.
    let some = temporary.url.appending(path: "some")
    #expect(try RunMerge.into(some, [places[0]]).samples.count == 20)
    do {
      let folder = try RunFolder(some, manifest: whole.manifest, resume: true)
      try await Self.ask(folder, set)
      #expect(folder.samples == whole.samples)
    }
    // Twice the same is once.
    #expect(
      try RunMerge.into(
        temporary.url.appending(path: "twice"), [places[0], places[1], places[0]]
      ).samples == whole.samples)
    #expect(throws: RunError.runExists(path: some.path)) {
      _ = try RunMerge.into(some, places)
    }
  }

  @Test func whatIsNotOneStudyIsNotMerged() async throws {
    let temporary = try TemporaryFolder()
    let one = temporary.url.appending(path: "one")
    _ = try await Self.whole(one)
    func copy(_ name: String, _ file: String, _ old: String, _ new: String) throws -> URL {
      let place = temporary.url.appending(path: name)
      try FileManager.default.copyItem(at: one, to: place)
      let path = place.appending(path: file)
      let text = try String(contentsOf: path, encoding: .utf8)
      #expect(text.contains(old))
      try text.replacing(old, with: new, maxReplacements: 1)
        .write(to: path, atomically: true, encoding: .utf8)
      return place
    }
    func error(_ other: URL) -> String {
      let output = temporary.url.appending(path: "output")
      do {
        _ = try RunMerge.into(output, [one, other])
        return "none"
      } catch {
        #expect(!FileManager.default.fileExists(atPath: output.path))
        return "\(error)"
      }
    }
    let seed = try copy("seed", "run.json", #""seed" : 0,"#, #""seed" : 8,"#)
    #expect(error(seed).contains("seed is 0 in"), "\(error(seed))")
    let server = try copy("server", "run.json", #""server" : "embedded""#, #""server" : "vllm 1""#)
    #expect(error(server).contains("server"), "\(error(server))")
    let update = try copy("update", "run.json", "sha256:5", "sha256:6")
    #expect(error(update).contains("the update lox-r6"), "\(error(update))")
    let reply = try copy("reply", "samples.jsonl", "Sure, here", "Well, here")
    #expect(error(reply).contains("with another reply"), "\(error(reply))")
  }
}

/// A summary as it is written.
enum StableRows {
  static func of(_ summary: Summary) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys]
    return String(decoding: try encoder.encode(summary), as: UTF8.self)
  }
}
