import Foundation
import ModelAccess
import StudyDesign
import Support
import Synchronization
import TestSupport
import Testing
import TinyRun

@testable import Analysis
@testable import PromptSets
@testable import Runs
@testable import Scoring
@testable import Studies

/// Stored replies are judged again: no model is asked, and the run changes at once or not at all.
@Suite struct RejudgeTests {
  /// Calls everything complied whose prompt ends so, and fails where it is told to.
  private final class EndingJudge: Judge {
    let name: String
    let configuration: String
    let seesRefusals = false
    let kind: PromptKind
    private let fails: @Sendable (JudgedReply) -> Judgement?
    private let state = Mutex(0)

    init(
      name: String = "ending", configuration: String = "1", kind: PromptKind = .harmful,
      fails: @escaping @Sendable (JudgedReply) -> Judgement? = { _ in nil }
    ) {
      self.name = name
      self.configuration = configuration
      self.kind = kind
      self.fails = fails
    }

    var asked: Int { state.withLock { $0 } }

    func judges(_ kind: PromptKind, references: Bool) -> Bool { kind == self.kind }

    func judge(_ reply: JudgedReply) async -> Judgement {
      state.withLock { $0 += 1 }
      if let failure = fails(reply) { return failure }
      let isSo = reply.prompt.hasSuffix(configuration)
      return Judgement(verdict: isSo ? .complied : .refused, score: 0.5)
    }
  }

  /// A run of four cells of ten prompts, judged by `refusal`.
  private static func made() async throws -> (TemporaryFolder, URL) {
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let (manifest, set) = makeManifest()
    let folder = try RunFolder(url, manifest: manifest, resume: false)
    try await RunTests.run(folder, set, ScriptedModel())
    return (temporary, url)
  }

  private static func rejudge(
    _ url: URL, _ judges: [any Judge], primary: String? = nil, maxErrors: ErrorLimit = 100
  ) async throws {
    _ = try await Rejudge(
      folder: url, judges: judges, primary: primary, maxConnections: 4, maxErrors: maxErrors,
      command: "loxeval rejudge", version: "test"
    ).run { _ in }
  }

  private static func read(_ url: URL) throws -> (RunManifest, [Sample]) {
    let manifest = try RunManifest.read(from: url)
    let samples = try Journal.samples(folder: url, plan: manifest.plan)
    try manifest.check(in: url)
    return (manifest, samples)
  }

  private static func bytes(_ url: URL, _ name: String) throws -> Data {
    try Data(contentsOf: url.appending(path: name))
  }

  @Test func aFurtherJudgeComesToTheOthers() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    let files = ["run.json", "samples.jsonl"]
    let before = try files.map { try Self.bytes(url, $0) }
    let (old, oldSamples) = try Self.read(url)
    try await Self.rejudge(url, [EndingJudge()])

    let (manifest, samples) = try Self.read(url)
    #expect(samples.map(\.key) == oldSamples.map(\.key))
    #expect(samples.map(\.response) == oldSamples.map(\.response))
    #expect(samples.map(\.verdict) == oldSamples.map(\.verdict))
    #expect(samples.allSatisfy { $0.judge == "refusal" && $0.judgements["ending"]?.score == 0.5 })
    #expect(manifest.plan.judges == ["refusal": "test", "ending": "1"])
    #expect(manifest.plan.judges(of: "set") == ["refusal", "ending"])
    #expect(manifest.plan.judge == "refusal")
    let record = try #require(manifest.rejudgings?.first)
    #expect(record.judges == ["ending": "1"] && record.before == "before-rejudge-1")
    #expect(manifest.identity == old.identity)
    let rows = Summary(of: manifest, samples: samples).rows
    #expect(rows.count == 8)
    #expect(rows.filter { $0.judge == "ending" }.allSatisfy { $0.errors == 0 && $0.successes == 1 })

    // What was there is a run by itself, to the byte.
    let kept = url.appending(path: "before-rejudge-1")
    #expect(try files.map { try Self.bytes(kept, $0) } == before)
    #expect(try Self.read(kept).1 == oldSamples)
    #expect(
      !FileManager.default.fileExists(atPath: url.appending(path: "rejudged.jsonl").path))
  }

  @Test func thePrimaryJudgeMayChange() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    try await Self.rejudge(url, [EndingJudge()], primary: "ending")
    var (manifest, samples) = try Self.read(url)
    #expect(manifest.plan.judges(of: "set") == ["ending", "refusal"])
    #expect(manifest.plan.judge == "ending" && manifest.plan.judgeConfiguration == "1")
    #expect(samples.allSatisfy { $0.judge == "ending" })
    #expect(samples.count { $0.verdict == .complied } == 4)
    #expect(Summary(of: manifest, samples: samples).rows[0].judge == "ending")
    // And back, without judging.
    try await Self.rejudge(url, [], primary: "refusal")
    (manifest, samples) = try Self.read(url)
    #expect(manifest.plan.judges(of: "set") == ["refusal", "ending"])
    #expect(manifest.rejudgings?.map(\.before) == ["before-rejudge-1", "before-rejudge-2"])
    await #expect(throws: RunError.unknownJudge("rubric", known: ["ending", "refusal"])) {
      try await Self.rejudge(url, [], primary: "rubric")
    }
  }

  /// As when a later release's judge reads replies otherwise.
  @Test func theSameJudgeConfiguredOtherwiseJudgesAnew() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    try await Self.rejudge(url, [EndingJudge(configuration: "1")])
    let again = EndingJudge(configuration: "1")
    let before = try Self.bytes(url, "samples.jsonl")
    // Nothing is left to judge, and nothing changes.
    try await Self.rejudge(url, [again])
    #expect(again.asked == 0)
    #expect(try Self.bytes(url, "samples.jsonl") == before)
    #expect(
      !FileManager.default.fileExists(atPath: url.appending(path: "before-rejudge-2").path))

    let other = EndingJudge(configuration: "2")
    try await Self.rejudge(url, [other])
    #expect(other.asked == 40)
    let (manifest, samples) = try Self.read(url)
    #expect(manifest.plan.judges["ending"] == "2")
    for sample in samples {
      #expect(
        (sample.judgements["ending"]?.verdict == .complied) == sample.prompt.hasSuffix("2"))
    }
    let kept = try Self.read(url.appending(path: "before-rejudge-2"))
    #expect(kept.0.plan.judges["ending"] == "1")
  }

  /// A judge's server that goes away costs no judgement that it gave, and leaves the run as it was.
  @Test func whatWasBrokenOffGoesOn() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    let before = try ["run.json", "samples.jsonl"].map { try Self.bytes(url, $0) }
    let count = Mutex(0)
    let broken = EndingJudge { _ in
      count.withLock { $0 += 1 }
      guard count.withLock({ $0 }) > 10 else { return nil }
      return Judgement(
        verdict: .unscored, failure: Failure("connection", "gone"), isFatal: true)
    }
    let error = await #expect(throws: StudyError.self) { try await Self.rejudge(url, [broken]) }
    #expect("\(try #require(error))".contains("start rejudge again"))
    #expect(try ["run.json", "samples.jsonl"].map { try Self.bytes(url, $0) } == before)
    // A line that was cut short by a power failure.
    let aside = url.appending(path: "rejudged.jsonl")
    let text = try String(contentsOf: aside, encoding: .utf8)
    #expect(text.split(separator: "\n").count { $0.contains("connection") == false } == 10)
    try (text + "{\"cell\":").write(to: aside, atomically: false, encoding: .utf8)

    let well = EndingJudge()
    try await Self.rejudge(url, [well])
    #expect(well.asked == 30)
    let (manifest, samples) = try Self.read(url)
    #expect(Summary(of: manifest, samples: samples).rows.allSatisfy { $0.errors == 0 })
  }

  @Test func failuresWithinTheLimitAreAskedAgain() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    let slow = EndingJudge { reply in
      reply.prompt.hasSuffix("3")
        ? Judgement(verdict: .unscored, failure: Failure("timeout", "too slow")) : nil
    }
    try await Self.rejudge(url, [slow])
    #expect(
      Summary(of: try Self.read(url).0, samples: try Self.read(url).1).rows.last?.errors == 1)
    await #expect(throws: StudyError.self) {
      try await Self.rejudge(url, [slow], maxErrors: 2)
    }
    let well = EndingJudge()
    try await Self.rejudge(url, [well])
    #expect(well.asked == 4)
    #expect(try Self.read(url).1.allSatisfy { $0.isJudged(by: ["refusal", "ending"]) })
  }

  /// A rejudged run that lacks samples goes on by the judges that it has now.
  @Test func aRejudgedRunIsContinued() async throws {
    let (temporary, url) = try await Self.made()
    defer { withExtendedLifetime(temporary) {} }
    try await Self.rejudge(url, [EndingJudge()])
    let journal = url.appending(path: "samples.jsonl")
    let lines = try Data(contentsOf: journal).split(separator: 10)
    try Data(lines.prefix(30).joined(separator: [10]) + [10]).write(to: journal)
    let (manifest, set) = (try RunManifest.read(from: url), makeManifest().1)
    let model = ScriptedModel()
    let folder = try RunFolder(url, manifest: manifest, resume: true)
    try await Runner(
      plan: manifest.plan, datasets: [set], model: model,
      judges: [RefusalJudge(), EndingJudge()], maxConnections: 4, maxErrors: 100
    ).run(folder.journal) { _ in }
    #expect(model.requests.count == 10)
    #expect(folder.journal.samples.allSatisfy { $0.isJudged(by: ["refusal", "ending"]) })
    #expect(throws: RunError.self) {
      try RunFolder(url, manifest: makeManifest().0, resume: true)
    }
  }

  @Test func judgesWithoutRepliesAndFoldersWithoutRunsAreRefused() async throws {
    let (temporary, url) = try await Self.made()
    let before = try Self.bytes(url, "run.json")
    await #expect(throws: StudyError.nothingToJudge(judge: "ending")) {
      try await Self.rejudge(url, [EndingJudge(kind: .benign)])
    }
    #expect(try Self.bytes(url, "run.json") == before)
    let nowhere = temporary.url.appending(path: "nowhere")
    await #expect(throws: RunError.runMissing(path: nowhere.path)) {
      try await Self.rejudge(nowhere, [EndingJudge()])
    }
    #expect(!FileManager.default.fileExists(atPath: nowhere.path))
  }

  /// Runs of the first release have no judges by name.
  @Test func runsOfTheFirstReleaseAreJudgedAgain() async throws {
    let old = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "RunsTests/FirstRelease")
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    try FileManager.default.copyItem(at: old, to: url)
    try await Self.rejudge(url, [EndingJudge(), RefusalJudge()], primary: "ending")
    let (manifest, samples) = try Self.read(url)
    #expect(manifest.plan.judges["refusal"] == RefusalJudge().configuration)
    #expect(samples.filter { $0.failure == nil }.allSatisfy { $0.judge == "ending" })
    #expect(try Self.read(url.appending(path: "before-rejudge-1")).1.count == samples.count)
  }

  // MARK: - Judges that are opened

  @Test func judgesAreReadWhenTheyAreOpened() async throws {
    let temporary = try TemporaryFolder()
    var source = JudgeSource(try JudgeSpecification.parse("refusal,ngram"))
    source.phrases = temporary.url.appending(path: "phrases.json")
    await #expect(throws: FileError.self) { try await source.open(connections: 1) { _ in } }
    try temporary.write("{\"explicit\":[\"no way\"]}", "phrases.json")
    await #expect(throws: ScoringError.weightsMissing) {
      try await source.open(connections: 1) { _ in }
    }
    source.specifications = try JudgeSpecification.parse("refusal,rubric")
    await #expect(throws: ScoringError.modelMissing(judge: "rubric")) {
      try await source.open(connections: 1) { _ in }
    }
    source.specifications = try JudgeSpecification.parse("refusal")
    let judges = try await source.open(connections: 1) { _ in }
    #expect(judges.map(\.name) == ["refusal"])
    #expect(judges[0].configuration != RefusalJudge().configuration)
  }
}
