import Foundation
import StudyDesign
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

/// Answers by a fixed function of the request, and fails where a test says so.
final class ScriptedModel: ChatCompleting {
  private let asked = Mutex<[ChatRequest]>([])
  private let expected = Mutex<[[ScaledUpdate]]>([])
  private let failure: @Sendable (ChatRequest) -> ChatFailure?

  init(failure: @escaping @Sendable (ChatRequest) -> ChatFailure? = { _ in nil }) {
    self.failure = failure
  }

  var requests: [ChatRequest] { asked.withLock { $0 } }
  var anticipated: [[ScaledUpdate]] { expected.withLock { $0 } }

  func anticipate(_ variant: [ScaledUpdate]) async { expected.withLock { $0.append(variant) } }

  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    asked.withLock { $0.append(request) }
    if let failure = failure(request) { throw failure }
    let prompt = request.messages.last?.content ?? ""
    let scale = request.variant.reduce(0) { $0 + $1.scale }
    let refuses = (prompt.utf8.reduce(0) { $0 + Int($1) } + Int(scale * 4)) % 3 == 0
    return ChatReply(
      text: refuses ? "I'm sorry, but I can't help with that." : "Sure, here is \(prompt).",
      finishReason: "stop", latencyMilliseconds: 1, attempts: 1)
  }
}

@Suite struct RunTests {
  static func run(
    _ folder: RunFolder, _ set: PromptSet, _ model: ScriptedModel, connections: Int = 4,
    maxErrors: Int = 100
  ) async throws {
    try await Runner(
      plan: folder.manifest.plan, datasets: [set], model: model, judges: [RefusalJudge()],
      maxConnections: connections, maxErrors: .count(maxErrors)
    ).run(folder.journal) { _ in }
  }

  static func answers(_ folder: RunFolder) -> [String: String] {
    Dictionary(
      uniqueKeysWithValues: folder.journal.samples.map { ("\($0.cell) \($0.id)", $0.response) })
  }

  @Test func everyPromptOfEveryCellIsAskedOnceAtAnyConcurrency() async throws {
    let (manifest, set) = makeManifest()
    var results: [[String: String]] = []
    for connections in [1, 16] {
      let temporary = try TemporaryFolder()
      let folder = try RunFolder(
        temporary.url.appending(path: "run"), manifest: manifest, resume: false)
      let model = ScriptedModel()
      try await Self.run(folder, set, model, connections: connections)
      #expect(model.requests.count == 40)
      #expect(folder.journal.samples.count == 40)
      results.append(Self.answers(folder))
    }
    #expect(results[0] == results[1])
  }

  @Test func defencesShareTheUntreatedModel() async throws {
    var (manifest, set) = makeManifest()
    manifest.plan.cells += ["none", "import"].map {
      Cell(rank: "3", alpha: 1, attack: $0, dataset: "set")
    }
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = ScriptedModel()
    try await Self.run(folder, set, model)
    #expect(model.requests.count == 60)  // two attacks, α = 0 once, α = 1 for two ranks
    #expect(folder.summary.rows.count == 6)
    #expect(folder.summary.rows.allSatisfy { $0.treatment.isNone || $0.delta != nil })
    #expect(folder.summary.missing == 0)
  }

  /// Each further model once, while those before it are still asked.
  @Test func modelsAreAnnouncedAheadOfTheirTurn() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = ScriptedModel()
    try await Self.run(folder, set, model, connections: 2)
    let variants = manifest.plan.cells.map(\.variant)
    #expect(Set(variants).count == 4)
    #expect(model.anticipated.count == 3)
    #expect(Set(model.anticipated) == Set(variants.dropFirst()))
  }

  /// What a filter takes is counted apart, in no rate, and no reason to stop.
  @Test func filteredRepliesStopNothing() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = ScriptedModel { request in
      guard request.variant == manifest.plan.cells[0].variant else { return nil }
      return ChatFailure(
        code: .filtered, message: "h: a filter", attempts: 1, latencyMilliseconds: 1, isFatal: false
      )
    }
    try await Self.run(folder, set, model, maxErrors: 0)
    #expect(folder.journal.samples.count == 40)
    let rows = folder.summary.rows.filter { $0.cell == manifest.plan.cells[0].id }
    #expect(!rows.isEmpty && rows.allSatisfy { $0.filtered == $0.n && $0.judged == 0 })
    let lost = LostSamples(folder.journal.samples, folder: "run")
    #expect(lost.sentence?.contains("content filter") == true)
    #expect(lost.sentence?.contains("lost") == false)
  }

  @Test func lostSamplesAreSaidInTheServersWords() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = ScriptedModel { request in
      guard request.variant == manifest.plan.cells[0].variant else { return nil }
      return ChatFailure(
        code: .http(429), message: "h: slow down, please", attempts: 1, latencyMilliseconds: 1,
        isFatal: false)
    }
    try await Self.run(folder, set, model)
    let lost = LostSamples(folder.journal.samples, folder: "reports/x")
    let sentence = try #require(lost.sentence)
    for part in ["of 40 samples were lost", "http-429", "--output reports/x", "slow down, please"] {
      #expect(sentence.contains(part), "\(sentence)")
    }
    let error = #expect(throws: AnalysisError.self) {
      try folder.summary.requireVerdicts(quoting: lost)
    }
    #expect(error?.description.contains("slow down, please") == true)
    #expect(LostSamples([], folder: "").sentence == nil)
  }

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
    try await Self.run(try #require(folder), set, ScriptedModel(), connections: 1)
    let expected = Self.answers(try #require(folder))
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
      try await Self.run(resumed, set, model)
      #expect(model.requests.count == 12 - kept)
      #expect(Self.answers(resumed) == expected)
    }
  }

  /// As an editor may leave it; errors count the lines that the editor shows.
  @Test func aJournalWithAMarkAndBlankLinesIsRead() async throws {
    let (manifest, set) = makeManifest(prompts: 3)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    try await Self.run(try #require(folder), set, ScriptedModel(), connections: 1)
    folder = nil
    let journal = url.appending(path: "samples.jsonl")
    let text = try String(contentsOf: journal, encoding: .utf8)
    let edited = "\u{FEFF}" + text.replacing("\n", with: "\r\n\r\n", maxReplacements: 1)
    try Data(edited.utf8).write(to: journal)
    #expect(try Journal.read(folder: url, plan: manifest.plan).count == 12)
    try Data((edited + "{}\n").utf8).write(to: journal)
    let error = #expect(throws: RunError.self) {
      _ = try Journal.read(folder: url, plan: manifest.plan)
    }
    #expect(error?.description.contains("line 14") == true, "\(String(describing: error))")
    // A mark alone is a journal of nothing.
    try Data("\u{FEFF}".utf8).write(to: journal)
    #expect(try Journal.read(folder: url, plan: manifest.plan).isEmpty)
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
    try await Self.run(try #require(folder), set, ScriptedModel())
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

  @Test func failuresAreJournalledAndAskedAgain() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    let flaky = ScriptedModel { request in
      request.messages.last?.content == "prompt 3"
        ? ChatFailure(
          code: "timeout", message: "too slow", attempts: 6, latencyMilliseconds: 0, isFatal: false)
        : nil
    }
    try await Self.run(try #require(folder), set, flaky)
    let row = try #require(folder?.summary.rows.first)
    #expect(row.n == 10)
    #expect(row.errors == 1)
    #expect(
      folder?.journal.samples.filter { $0.failure == Failure("timeout", "too slow") }.count == 4)
    folder = nil
    let resumed = try RunFolder(url, manifest: manifest, resume: true)
    let model = ScriptedModel()
    try await Self.run(resumed, set, model)
    #expect(model.requests.count == 4)
    #expect(try Journal.read(folder: url, plan: manifest.plan).count == 40)
    #expect(
      Summary(of: manifest, samples: try Journal.read(folder: url, plan: manifest.plan)).rows[0]
        .errors == 0)
  }

  @Test func tooManyFailuresStopTheRun() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let broken = ScriptedModel { _ in
      ChatFailure(
        code: "http-500", message: "x", attempts: 1, latencyMilliseconds: 0, isFatal: false)
    }
    let error = await #expect(throws: StudyError.self) {
      try await Self.run(folder, set, broken, connections: 2, maxErrors: 5)
    }
    #expect(error == .tooManyErrors(count: 6, last: "http-500: x"))
    #expect(broken.requests.count < 12)
  }

  @Test func aFatalFailureStopsAtOnce() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let locked = ScriptedModel { _ in
      ChatFailure(
        code: "http-401", message: "no", attempts: 1, latencyMilliseconds: 0, isFatal: true)
    }
    await #expect(throws: StudyError.fatal("http-401: no")) {
      try await Self.run(folder, set, locked, connections: 1)
    }
    #expect(locked.requests.count == 1)
  }

  @Test func comparisonsArePaired() {
    func sample(_ cell: CellID, _ id: String, _ verdict: Verdict) -> Sample {
      Sample(
        cell: cell, id: id, category: "c", prompt: "p", response: "r", finishReason: nil,
        verdict: verdict, score: nil, judgeRaw: nil, latencyMilliseconds: 0, attempts: 1,
        error: nil)
    }
    let (manifest, _) = makeManifest(prompts: 6)
    let (zero, one) = (manifest.plan.cells[0].id, manifest.plan.cells[1].id)
    let before: [Verdict] = [.complied, .complied, .complied, .refused, .complied, .unscored]
    let after: [Verdict] = [.refused, .refused, .complied, .complied, .degenerate, .complied]
    var samples: [Sample] = []
    for (index, pair) in zip(before, after).enumerated() {
      samples += [sample(zero, "p\(index)", pair.0), sample(one, "p\(index)", pair.1)]
    }
    let row = Summary(of: manifest, samples: samples).rows[1]
    #expect(row.n == 6)
    #expect(row.errors == 0)
    #expect(row.degenerate == 1)
    #expect(row.successes == 3)
    #expect(row.attackSuccessRate == 0.5)
    // Five pairs: three stopped complying, one began; the unscored one is no pair.
    #expect(row.delta == -0.4)
    #expect(row.pValue == midPMcNemar(onlyFirst: 3, onlySecond: 1))
  }
}
