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

  /// Servers may have to be started for each.
  @Test func aModelIsAskedAllSetsBeforeTheNext() async throws {
    var (manifest, set) = makeManifest()
    let other = PromptSet(name: "other", kind: .benign, prompts: set.prompts, digest: "sha256:2")
    manifest.plan.datasets["other"] = .init(digest: "sha256:2", prompts: 10, kind: .benign)
    manifest.plan.cells += manifest.plan.cells.map { cell in
      var cell = cell
      cell.id = CellID(rawValue: "\(cell.id)-other")
      cell.dataset = "other"
      return cell
    }
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let model = ScriptedModel()
    try await Runner(
      plan: folder.manifest.plan, datasets: [set, other], model: model, judges: [RefusalJudge()],
      maxConnections: 1, maxErrors: .count(0)
    ).run(folder.journal) { _ in }
    let asked = model.requests.map(\.variant)
    let turns = zip(asked, asked.dropFirst()).count { $0 != $1 } + 1
    #expect(asked.count == 80)
    #expect(turns == Set(asked).count)
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
    let lost = try LostSamples(folder.run, folder: "run")
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
    let lost = try LostSamples(folder.run, folder: "reports/x")
    let sentence = try #require(lost.sentence)
    for part in ["of 40 samples were lost", "http-429", "--output reports/x", "slow down, please"] {
      #expect(sentence.contains(part), "\(sentence)")
    }
    let error = #expect(throws: AnalysisError.self) {
      try folder.summary.requireVerdicts(quoting: lost)
    }
    #expect(error?.description.contains("slow down, please") == true)
    let none = try LostSamples(StoredRun(manifest, holding: []), folder: "")
    #expect(none.sentence == nil)
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
    #expect(try Journal.samples(folder: url, plan: manifest.plan).count == 40)
    #expect(
      Summary(of: manifest, samples: try Journal.samples(folder: url, plan: manifest.plan)).rows[0]
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
