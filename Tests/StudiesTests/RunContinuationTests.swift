import Foundation
import Synchronization
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import ModelAccess
@testable import PromptSets
@testable import Runs
@testable import Scoring
@testable import Studies

/// What a run that was cut short, moved or edited may be continued from.
@Suite struct RunContinuationTests {
  /// How requests are written is part of the plan; what a server refuses on the way is added to it.
  @Test func theFormOfRequestsIsCompared() throws {
    let (manifest, _) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    do {
      var folder = try RunFolder(url, manifest: manifest, resume: false)
      try folder.note(.usual)
      #expect(folder.manifest == manifest)
      try folder.note(RequestForm(refused: ["seed"]))
    }
    #expect(RunFolder.requestForm(of: url) == RequestForm(refused: ["seed"]))
    #expect(throws: RunError.self) { _ = try RunFolder(url, manifest: manifest, resume: true) }
    var same = manifest
    same.plan.request = RequestForm(refused: ["seed"])
    _ = try RunFolder(url, manifest: same, resume: true)
    // Planned before the server is known, it is no reason to refuse.
    try RunFolder.requireContinuable(url, manifest)
  }

  /// A run cut short at any byte of its journal's last lines goes on without loss or repetition.
  @Test func aTornJournalIsContinued() async throws {
    let (manifest, set) = makeManifest(prompts: 3)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    try await RunTests.run(try #require(folder), set, ScriptedModel(), connections: 1)
    let expected = RunTests.answers(try #require(folder))
    folder = nil
    let journal = url.appending(path: "samples.jsonl")
    let whole = try Data(contentsOf: journal)
    let lastTwo = whole.split(separator: 10).suffix(2).reduce(0) { $0 + $1.count + 1 }
    for cut in stride(from: whole.count - lastTwo, through: whole.count, by: 7) {
      try whole.prefix(cut).write(to: journal)
      let kept = whole.prefix(cut).filter { $0 == 10 }.count
      let resumed = try RunFolder(url, manifest: manifest, resume: true)
      #expect(resumed.journal.samples.count == kept)
      let model = ScriptedModel()
      try await RunTests.run(resumed, set, model)
      #expect(model.requests.count == 12 - kept)
      #expect(RunTests.answers(resumed) == expected)
    }
  }

  /// As an editor may leave it; errors count the lines that the editor shows.
  @Test func aJournalWithAMarkAndBlankLinesIsRead() async throws {
    let (manifest, set) = makeManifest(prompts: 3)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    try await RunTests.run(try #require(folder), set, ScriptedModel(), connections: 1)
    folder = nil
    let journal = url.appending(path: "samples.jsonl")
    let text = try String(contentsOf: journal, encoding: .utf8)
    let edited = "\u{FEFF}" + text.replacing("\n", with: "\r\n\r\n", maxReplacements: 1)
    try Data(edited.utf8).write(to: journal)
    #expect(try Journal.samples(folder: url, plan: manifest.plan).count == 12)
    try Data((edited + "{}\n").utf8).write(to: journal)
    let error = #expect(throws: RunError.self) {
      _ = try Journal.samples(folder: url, plan: manifest.plan)
    }
    #expect(error?.description.contains("line 14") == true, "\(String(describing: error))")
    // A mark alone is a journal of nothing.
    try Data("\u{FEFF}".utf8).write(to: journal)
    #expect(try Journal.samples(folder: url, plan: manifest.plan).isEmpty)
  }

  /// What is no longer what the plan says is not kept as measured.
  @Test func nothingIsKeptOfWeightsThatChanged() async throws {
    struct Changed: Error {}
    let (manifest, set) = makeManifest(prompts: 3)
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let asked = Mutex(0)
    await #expect(throws: Changed.self) {
      try await Runner(
        plan: folder.manifest.plan, datasets: [set], model: ScriptedModel(),
        judges: [RefusalJudge()], maxConnections: 2, maxErrors: .count(9),
        requireUnchanged: {
          let count = asked.withLock { asked in
            asked += 1
            return asked
          }
          if count > 4 { throw Changed() }
        }
      ).run(folder.journal) { _ in }
    }
    #expect(folder.journal.samples.count == 4)
  }

  @Test func anotherPlanIsRefusedByItsFields() async throws {
    let (manifest, _) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    _ = try RunFolder(url, manifest: manifest, resume: false)
    #expect(throws: RunError.runExists(path: url.path)) {
      _ = try RunFolder(url, manifest: manifest, resume: false)
    }
    var other = manifest
    other.plan.seed = 5
    other.plan.models["aligned"] = "sha256:2"
    other.environment.threads = 64
    let error = #expect(throws: RunError.self) {
      _ = try RunFolder(url, manifest: other, resume: true)
    }
    guard case .runDiffers(_, let fields)? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(fields.count == 2)
    #expect(fields.contains { $0.hasPrefix("seed is 0 there and 5 here") })
    #expect(fields.contains { $0 == "models.aligned is sha256:1 there and sha256:2 here" })
  }

  @Test func oneProcessWritesARun() throws {
    let (manifest, _) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let first = try RunFolder(url, manifest: manifest, resume: false)
    #expect(throws: RunError.runInUse(path: url.path)) {
      _ = try RunFolder(url, manifest: manifest, resume: true)
    }
    #expect(first.journal.samples.isEmpty)
  }

  /// What somebody moved to another cell, or renamed, must not fill the place of what is missing.
  @Test(arguments: [
    (#""cell":"[^"]*""#, #""cell":"elsewhere""#, "not planned"),
    (#""id":"[^"]*""#, #""id":"renamed""#, "one more prompt"),
    (#""sample":0"#, #""sample":7"#, "number 7 of 1"),
  ])
  func samplesThatThePlanDoesNotKnowAreRefused(
    pattern: String, replacement: String, naming: String
  ) async throws {
    let (manifest, set) = makeManifest(prompts: 3)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    try await RunTests.run(try #require(folder), set, ScriptedModel())
    folder = nil
    let journal = url.appending(path: "samples.jsonl")
    var lines = try String(contentsOf: journal, encoding: .utf8).split(separator: "\n")
      .map(String.init)
    lines[1] = lines[1].replacing(try Regex(pattern), with: replacement, maxReplacements: 1)
    try Data(lines.map { $0 + "\n" }.joined().utf8).write(to: journal)
    #expect(
      throws: RunError.self,
      performing: {
        do { _ = try RunFolder(url, manifest: manifest, resume: true) } catch {
          #expect("\(error)".contains(naming), "\(error)")
          throw error
        }
      })
  }

  /// A sample too many in one cell does not make up for one too few in another.
  @Test func missingSamplesAreCountedCellByCell() throws {
    let (manifest, set) = makeManifest(prompts: 3)
    let cells = manifest.plan.cells.map(\.id)
    let samples = set.prompts.map { prompt in
      Sample(
        cell: cells[0], id: prompt.id, category: "c", prompt: "p", response: "r",
        finishReason: nil, verdict: .refused, score: nil, judgeRaw: nil, latencyMilliseconds: 0,
        attempts: 1, error: nil)
    }
    #expect(
      Summary(of: manifest, samples: samples).missing == (Set(cells).count - 1) * 3)
    #expect(
      Summary(of: manifest, samples: samples + samples).missing == (Set(cells).count - 1) * 3)
  }

  @Test(arguments: [
    ("nonsense\n", "does not parse"), ("{}\n", "does not parse"),
  ])
  func aDamagedJournalIsRefused(line: String, naming: String) throws {
    let (manifest, _) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    _ = try RunFolder(url, manifest: manifest, resume: false)
    try Data(line.utf8).write(to: url.appending(path: "samples.jsonl"))
    let error = #expect(throws: RunError.self) {
      _ = try RunFolder(url, manifest: manifest, resume: true)
    }
    #expect(error?.description.contains(naming) == true)
    #expect(error?.description.contains("line 1") == true)
  }
}
