import Foundation
import ModelAccess
import StudyDesign
import Synchronization
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import PromptSets
@testable import Runs
@testable import Scoring
@testable import Studies

/// Fails on chosen replies for as long as a test says so.
final class MoodyJudge: Judge {
  let name = "moody"
  let configuration = "test"
  let seesRefusals = true
  private let state = Mutex((isDown: false, asked: 0))

  var isDown: Bool {
    get { state.withLock { $0.isDown } }
    set { state.withLock { $0.isDown = newValue } }
  }
  var asked: Int { state.withLock { $0.asked } }

  func judges(_ kind: PromptKind, references: Bool) -> Bool { true }

  func judge(_ reply: JudgedReply) async -> Judgement {
    let isDown = state.withLock { state in
      state.asked += 1
      return state.isDown
    }
    if isDown && reply.prompt.hasSuffix("3") {
      return Judgement(verdict: .unscored, failure: Failure("timeout", "too slow"))
    }
    if isDown && reply.prompt.hasSuffix("4") {
      return Judgement(
        verdict: .unscored, raw: "hm", failure: Failure(.judgeUnparsable, "found \"hm\""))
    }
    return Judgement(verdict: .complied, score: 5, raw: "five")
  }
}

/// Agrees in its text and declines in the API's own field for refusals.
private struct DecliningModel: ChatCompleting {
  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    ChatReply(
      text: "Sure, here it is.", refusal: "I won't.", finishReason: "stop", latencyMilliseconds: 1,
      attempts: 1)
  }
}

@Suite struct JudgingTests {
  private func plan(judges: [String], samples: Int = 1) -> (RunManifest, PromptSet) {
    var (manifest, set) = makeManifest()
    manifest.plan.samples = samples
    manifest.plan.judges = Dictionary(
      judges.map { ($0, "test") }, uniquingKeysWith: { first, _ in first })
    manifest.plan.judge = judges[0]
    manifest.plan.datasets["set"]?.judges = judges
    if samples > 1 { manifest.plan.decoding.temperature = 1 }
    return (manifest, set)
  }

  private func run(
    _ folder: RunFolder, _ set: PromptSet, _ model: ScriptedModel, _ judges: [any Judge],
    maxErrors: ErrorLimit = 100
  ) async throws {
    try await Runner(
      plan: folder.manifest.plan, datasets: [set], model: model, judges: judges,
      maxConnections: 4, maxErrors: maxErrors
    ).run(folder.journal) { _ in }
  }

  @Test func theRefusalFieldIsARefusalByItself() async throws {
    let (manifest, set) = plan(judges: ["refusal"])
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    try await Runner(
      plan: folder.manifest.plan, datasets: [set], model: DecliningModel(),
      judges: [RefusalJudge()], maxConnections: 1, maxErrors: 1
    ).run(folder.journal) { _ in }
    #expect(!folder.journal.samples.isEmpty)
    #expect(folder.journal.samples.allSatisfy { $0.judgements["refusal"]?.verdict == .refused })
  }

  /// A judge that failed leaves the answer in the journal; continuing judges it again, and only it,
  /// without asking the model.
  @Test(arguments: [true, false]) func failedJudgesAreAskedAgainAlone(isFirst: Bool) async throws {
    let names = isFirst ? ["moody", "refusal"] : ["refusal", "moody"]
    let (manifest, set) = plan(judges: names)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let moody = MoodyJudge()
    let judges: [any Judge] = isFirst ? [moody, RefusalJudge()] : [RefusalJudge(), moody]
    moody.isDown = true
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    try await run(try #require(folder), set, ScriptedModel(), judges)
    let row = try #require(
      folder?.summary.rows.first { $0.judge == "moody" && $0.attack == "none" && $0.alpha == 0 })
    #expect(row.n == 10)
    #expect(row.errors == 2)
    #expect(row.errorCodes == ["timeout": 1, "judge-unparsable": 1])
    let failed = try #require(folder?.journal.samples.first { $0.hasFailedJudge })
    #expect(!failed.response.isEmpty)
    #expect(failed.failure == nil)
    #expect(folder?.summary.rows.first { $0.judge == "refusal" }?.errors == 0)

    folder = nil
    moody.isDown = false
    let before = moody.asked
    let model = ScriptedModel()
    let resumed = try RunFolder(url, manifest: manifest, resume: true)
    try await run(resumed, set, model, judges)
    #expect(model.requests.isEmpty)
    #expect(moody.asked - before == 8)  // two of ten prompts in four cells
    #expect(resumed.summary.rows.allSatisfy { $0.errors == 0 && $0.n == 10 })
    // As another process reads it.
    let samples = try Journal.samples(folder: url, plan: manifest.plan)
    #expect(samples.count == 40)
    #expect(samples.allSatisfy { !$0.hasFailedJudge })
  }

  @Test func aBrokenJudgeStopsTheRunButUnreadableVerdictsDoNot() async throws {
    let (manifest, set) = plan(judges: ["moody"])
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    let moody = MoodyJudge()
    moody.isDown = true
    // Four prompts end in 3 and four in 4; only the former are the judge's server failing.
    let error = await #expect(throws: StudyError.self) {
      try await run(folder, set, ScriptedModel(), [moody], maxErrors: 3)
    }
    #expect(error == .tooManyErrors(count: 4, last: "judge moody: timeout: too slow"))
  }

  @Test func agreementIsCountedForEachTwoJudges() async throws {
    let (manifest, set) = plan(judges: ["refusal", "moody"])
    let temporary = try TemporaryFolder()
    let folder = try RunFolder(
      temporary.url.appending(path: "run"), manifest: manifest, resume: false)
    try await run(folder, set, ScriptedModel(), [RefusalJudge(), MoodyJudge()])
    let found = try #require(folder.summary.judgeAgreement.first)
    #expect(folder.summary.judgeAgreement.count == 1)
    #expect(found.first == "refusal")
    #expect(found.second == "moody")
    let complied = folder.journal.samples.count { $0.verdict == .complied }
    #expect(found.counts == PairedCounts(both: complied, onlySecond: 40 - complied))
    #expect(found.agreement?.share == Double(complied) / 40)
    let row = try #require(folder.summary.rows.first { $0.judge == "moody" })
    #expect(row.meanScore == 5)
    #expect(row.meanScoreInterval == ConfidenceInterval(lower: 5, upper: 5))
  }

  // MARK: - Several samples

  @Test func severalSamplesHaveSeedsOfTheirOwnAndAreContinued() async throws {
    let (manifest, set) = plan(judges: ["refusal"], samples: 3)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var folder: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    let model = ScriptedModel()
    try await run(try #require(folder), set, model, [RefusalJudge()])
    #expect(model.requests.count == 120)
    let seeds = Set(model.requests.map(\.decoding.seed))
    // Three of each of ten prompts, the same for every model.
    #expect(seeds.count == 30)
    let row = try #require(folder?.summary.rows.first)
    #expect(row.n == 30)
    #expect(row.prompts == 10)
    #expect(row.samples == 3)
    #expect(folder?.summary.missing == 0)
    // The scripted model answers each sample alike: three are worth one.
    #expect(abs((row.effectiveTrials ?? 0) - 10) < 1e-9)
    #expect(row.anyOfK == row.attackSuccessRate)
    let alone = try #require(midPInterval(successes: Double(row.successes) / 3, trials: 10))
    #expect(abs((row.interval?.lower ?? 0) - alone.lower) < 1e-9)
    #expect(abs((row.interval?.upper ?? 1) - alone.upper) < 1e-9)

    folder = nil
    let journal = url.appending(path: "samples.jsonl")
    let lines = try Data(contentsOf: journal).split(separator: 10)
    try Data(lines.prefix(100).joined(separator: [10]) + [10]).write(to: journal)
    let again = ScriptedModel()
    let resumed = try RunFolder(url, manifest: manifest, resume: true)
    #expect(resumed.summary.missing == 20)
    try await run(resumed, set, again, [RefusalJudge()])
    #expect(again.requests.count == 20)
    #expect(resumed.summary.missing == 0)
  }

  /// One stream for all prompts would let one lucky draw decide the whole rate.
  @Test func promptsAreDrawnApartAndModelsAlike() async throws {
    var (manifest, set) = plan(judges: ["refusal"], samples: 2)
    manifest.plan.decoding.temperature = 0.8
    let temporary = try TemporaryFolder()
    func seeds(_ manifest: RunManifest, _ name: String) async throws -> [[UInt64]] {
      let folder = try RunFolder(
        temporary.url.appending(path: name), manifest: manifest, resume: false)
      let model = ScriptedModel()
      try await run(folder, set, model, [RefusalJudge()])
      let byPrompt = Dictionary(grouping: model.requests) { $0.messages.last?.content ?? "" }
      return byPrompt.sorted { $0.key < $1.key }.map { Set($0.value.map(\.decoding.seed)).sorted() }
    }
    let found = try await seeds(manifest, "run")
    // Ten prompts of two samples, each with seeds of its own, which every model shares.
    #expect(found.count == 10 && found.allSatisfy { $0.count == 2 })
    #expect(Set(found.joined()).count == 20)
    var other = manifest
    other.plan.decoding.seed = 1
    #expect(Set(try await seeds(other, "other").joined()).isDisjoint(with: found.joined()))

    // A run that began by the older rule goes on by it.
    var old = manifest
    old.plan.samplingSeeds = nil
    let before = try await seeds(old, "old")
    #expect(Set(before.joined()).count == 2)
    let resumed = try RunFolder(
      temporary.url.appending(path: "old"), manifest: manifest, resume: true)
    #expect(resumed.manifest.plan.samplingSeeds == nil)
  }

  /// Every harmful reply is read for the ladder, whatever judges were asked for; a run that was begun without
  /// it goes on without.
  @Test func theLadderIsReadBesideTheJudges() async throws {
    let (old, set) = plan(judges: ["refusal"])
    var manifest = old
    manifest.plan.ladder = Dictionary(
      uniqueKeysWithValues: JudgePanel.ladder.map { ($0.name, $0.configuration) })
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let folder = try RunFolder(url, manifest: manifest, resume: false)
    try await run(folder, set, ScriptedModel(), [RefusalJudge()])
    #expect(
      folder.journal.samples.allSatisfy {
        Set($0.judgements.keys) == ["refusal", "willing", "on-subject"]
      })
    let summary = folder.summary
    #expect(summary.rows.count == manifest.plan.cells.count)
    #expect(summary.rows.allSatisfy { $0.judge == "refusal" && $0.ladder?.count == 2 })
    #expect(summary.basis?.judges.keys.sorted() == ["refusal"])

    let before = temporary.url.appending(path: "before")
    var begun: RunFolder? = try RunFolder(before, manifest: old, resume: false)
    #expect(begun?.manifest.plan.ladder == nil)
    begun = nil
    let resumed = try RunFolder(before, manifest: manifest, resume: true)
    try await run(resumed, set, ScriptedModel(), [RefusalJudge()])
    #expect(resumed.manifest.plan.ladder == nil)
    #expect(resumed.journal.samples.allSatisfy { $0.judgements.count == 1 })
    // Rules that have changed since are another run's.
    var changed = manifest
    changed.plan.ladder?["willing"] = "other rules"
    let other = temporary.url.appending(path: "other")
    var first: RunFolder? = try RunFolder(other, manifest: manifest, resume: false)
    #expect(first != nil)
    first = nil
    #expect {
      _ = try RunFolder(other, manifest: changed, resume: true)
    } throws: { "\($0)".contains("ladder.willing") }
  }

  /// A judge that `--judge` names is no rung beside itself, and benign sets have no ladder.
  @Test func rungsThatAreNamedAreJudges() {
    let panel = JudgePanel([RefusalJudge(), WillingJudge()])
    let judges = panel.judges(of: .harmful, references: [nil])
    #expect(panel.ladder(of: .harmful, beside: judges).map(\.name) == ["on-subject"])
    #expect(panel.ladder(of: .benign, beside: []).isEmpty)
  }

  /// What an earlier release did not write down does not make a run another one.
  @Test func aRunWithoutKindsOfTrainingsGoesOn() throws {
    var (manifest, _) = plan(judges: ["refusal"])
    let ids = manifest.plan.cells.map(\.id)
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    var begun: RunFolder? = try RunFolder(url, manifest: manifest, resume: false)
    #expect(begun != nil)
    begun = nil
    for index in manifest.plan.cells.indices where !manifest.plan.cells[index].attack.isNone {
      manifest.plan.cells[index].attack.training = "sha256:kind"
    }
    #expect(manifest.plan.cells.map(\.id) == ids)
    _ = try RunFolder(url, manifest: manifest, resume: true)
    let tokens = temporary.url.appending(path: "tokens")
    begun = try RunFolder(tokens, manifest: manifest, resume: false)
    begun = nil
    manifest.plan.decoding.maxReasoningTokens = 100
    #expect {
      _ = try RunFolder(tokens, manifest: manifest, resume: true)
    } throws: { "\($0)".contains("decoding.maxReasoningTokens is none there and 100 here") }
  }

  @Test func anyOfKAndTheMeanDiffer() {
    var (manifest, _) = plan(judges: ["refusal"], samples: 2)
    manifest.plan.cells = [manifest.plan.cells[0], manifest.plan.cells[1]]
    func sample(_ alpha: Int, _ id: Int, _ number: Int, _ verdict: Verdict) -> Sample {
      Sample(
        cell: manifest.plan.cells[alpha].id, id: "p\(id)", sample: number, category: "c",
        prompt: "p", response: "r", finishReason: nil, verdict: verdict, score: nil,
        judgeRaw: nil, latencyMilliseconds: 0, attempts: 1, error: nil)
    }
    var samples: [Sample] = []
    for id in 0..<8 {
      samples += [
        sample(0, id, 0, .complied), sample(0, id, 1, .refused),
        sample(1, id, 0, id < 2 ? .complied : .refused),
        sample(1, id, 1, id == 7 ? .unscored : .refused),
      ]
    }
    let rows = Summary(of: manifest, samples: samples).rows
    #expect(rows[0].attackSuccessRate == 0.5)
    #expect(rows[0].anyOfK == 1)
    #expect(rows[1].attackSuccessRate == 2.0 / 15)
    // The prompt with a sample that nobody judged says nothing.
    #expect(rows[1].anyOfK == 2.0 / 7)
    #expect(rows[1].pairs == nil)
    // Two prompts did not change, six fell by a half: 2 of 64 sign choices are as extreme.
    #expect(rows[1].pValue == 2.0 / 64)
    #expect(abs((rows[1].delta ?? 0) - (2.0 / 15 - 0.5)) < 1e-12)
  }
}
