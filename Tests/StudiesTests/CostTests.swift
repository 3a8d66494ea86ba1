import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import Synchronization
import TestSupport
import Testing
import TinyRun

@testable import PromptSets
@testable import Runs
@testable import Studies

/// What a study will cost, before it begins and while it goes on.
@Suite struct CostTests {
  static func measurement(
    _ sets: [PromptSet], samples: Int = 1, tokens: Int = 60, output: URL = URL(filePath: "/none"),
    resume: Bool = false
  ) throws -> Studies.Measurement {
    try Studies.Measurement(
      datasets: sets, decoding: Decoding(maxTokens: tokens), seed: 0, samples: samples, judges: [],
      maxConnections: 4, maxErrors: 100, output: output, resume: resume, command: "loxeval",
      version: "0", threads: 1)
  }

  static func set(_ name: String, _ prompts: [String], _ kind: PromptKind = .harmful) -> PromptSet {
    PromptSet(
      name: name, kind: kind,
      prompts: prompts.enumerated().map { Prompt(id: "q\($0)", category: "c", prompt: $1) },
      digest: "d")
  }

  static func cells(_ sets: [String], models: Int) -> [Cell] {
    sets.flatMap { set in
      (0..<models).map { Cell(alpha: Double($0), attack: "none", dataset: set) }
    }
  }

  // MARK: - Money

  /// A judge is asked twice at most, as its own code asks: once more where its answer says nothing.
  @Test func judgesAreCountedByWhatTheyAsk() async throws {
    let set = Self.set("s", [String(repeating: "word ", count: 30), "short"])
    let measurement = try Self.measurement([set], samples: 2)
    let judging = JudgeSource(try JudgeSpecification.parse("rubric,refusal"))
    let spending = Spending(
      prices: Prices(perMillionIn: 0, perMillionOut: 1e6),
      judgePrices: Prices(perMillionIn: 0, perMillionOut: 2e6), limit: 10_000)
    let cells = Self.cells(["s"], models: 3)
    let bound = try await measurement.costBound(
      of: cells, spending, isPaid: true, judging: judging)
    // 3 models × 2 prompts × 2 samples; two questions of the judge about each.
    #expect(bound.requests == 12 + 24)
    #expect(bound.completionTokens == 12 * 60 + 24 * 300)
    #expect(abs(bound.cost - Double(12 * 60 + 2 * 24 * 300)) < 1e-6)
    #expect("\(bound)".contains("--max-cost 10000 may stop it"))
    // The rubric's policy alone is more than a hundred tokens.
    #expect(bound.promptTokens > 24 * 100)
    let free = try await measurement.costBound(
      of: cells, spending, isPaid: false, judging: judging)
    #expect(free.requests == 24)
    let unjudged = try await measurement.costBound(
      of: cells, spending, isPaid: true, judging: JudgeSource(JudgeSpecification.parse("refusal")))
    #expect(unjudged.requests == 12 && "\(unjudged)".contains("within --max-cost"))
  }

  /// The limit is met between two requests: what is under way ends, the rest is asked when the run goes on.
  @Test(arguments: [1, 4]) func aRunStopsBeforeItsLimitAndGoesOn(connections: Int) async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let prices = Prices(perMillionIn: 0, perMillionOut: 1e6)
    var asked = 0
    for (limit, isEnd) in [(10.0, false), (10, false), (25, false), (1_000, true)] {
      let folder = try RunFolder(url, manifest: manifest, resume: true)
      let book = try SpendingBook(prices: prices, limit: limit, continuing: url)
      try book.open(in: url)
      let model = PaidModel(meter: book.meter(of: .models))
      let runner = Runner(
        plan: folder.manifest.plan, datasets: [set], model: model, judges: [RefusalJudge()],
        maxConnections: connections, maxErrors: .count(0))
      if isEnd {
        try await runner.run(folder.journal) { _ in }
      } else {
        let error = await #expect(throws: StudyError.self) {
          try await runner.run(folder.journal) { _ in }
        }
        guard case .costReached = error else {
          Issue.record("\(String(describing: error))")
          continue
        }
        #expect(book.spending.cost <= limit)
      }
      // As the end of a session does.
      try book.save()
      asked += model.asked.withLock { $0 }
      #expect(folder.journal.samples.count == asked)
      #expect(book.spending.cost == Double(asked))
      #expect(folder.journal.samples.allSatisfy { $0.failure == nil })
    }
    #expect(asked == 40)
  }

  /// Costs 1 a reply, which might have been 3.
  private final class PaidModel: ChatCompleting {
    let meter: any TokenMeter
    let asked = Mutex(0)

    init(meter: any TokenMeter) { self.meter = meter }

    func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
      let reservation = try await meter.begin(TokenUse(prompt: 1, completion: 3))
      asked.withLock { $0 += 1 }
      await Task.yield()
      meter.end(reservation, .answered(prompt: 1, completion: 1))
      return ChatReply(
        text: "Sure, here is it.", finishReason: "stop", latencyMilliseconds: 1, attempts: 1)
    }
  }

  /// A reply whose judge cannot be paid is kept, and judged when the run goes on.
  @Test func aReplyWithoutAJudgementIsKept() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    let judge = PaidJudge()
    func run() async throws -> [Sample] {
      let folder = try RunFolder(url, manifest: manifest, resume: true)
      do {
        try await Runner(
          plan: folder.manifest.plan, datasets: [set], model: ScriptedModel(), judges: [judge],
          maxConnections: 1, maxErrors: .count(0)
        ).run(folder.journal) { _ in }
      } catch StudyError.costReached {}
      return folder.journal.samples
    }
    let stopped = try await run()
    #expect(stopped.count == 6)
    #expect(stopped.count { $0.verdict == .refused } == 5)
    judge.left.withLock { $0 = .max }
    let whole = try await run()
    #expect(whole.count == 40)
    #expect(whole.allSatisfy { $0.verdict == .refused })
  }

  private final class PaidJudge: Judge {
    let name = RefusalJudge.name
    let configuration = RefusalJudge().configuration
    let seesRefusals = true
    let left = Mutex(5)

    func judges(_ kind: PromptKind, references: Bool) -> Bool { true }

    func judge(_ reply: JudgedReply) async -> Judgement {
      let isPaid = left.withLock { left in
        left -= left == .max ? 0 : 1
        return left >= 0
      }
      return isPaid
        ? Judgement(verdict: .refused)
        : Judgement(
          verdict: .unscored, failure: Failure(.costLimit, "too dear"), isFatal: true)
    }
  }

  // MARK: - Time

  /// Answers in a time of its own: each prompt takes 0.1 s by itself, each token of all replies side by side 0.01 s.
  private final class SteadyModel: ChatCompleting, TimeSource {
    private let elapsed = Mutex(Duration.zero)
    let width: Int
    /// Tokens after which a reply is over.
    let length: Int
    let asked = Mutex(0)

    init(width: Int, length: Int = .max) { (self.width, self.length) = (width, length) }

    var now: Duration { elapsed.withLock { $0 } }
    func sleep(for duration: Duration) async throws {}

    func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
      let tokens = min(request.decoding.maxTokens, length)
      elapsed.withLock { $0 += .seconds(0.1 + 0.01 * Double(tokens) / Double(width)) }
      asked.withLock { $0 += 1 }
      return ChatReply(
        text: "x", finishReason: tokens < request.decoding.maxTokens ? "stop" : "length",
        latencyMilliseconds: 1, attempts: 1, promptTokens: 20, completionTokens: tokens)
    }
  }

  private static func pace(
    limit: Int, length: Int = .max, budget: Double, width: Int = 4
  ) async throws -> (pace: ReplyCalibration.Pace, seconds: Double) {
    let model = SteadyModel(width: width, length: length)
    let request = ChatRequest(
      messages: [ChatMessage(role: .user, content: "q")], decoding: Decoding(maxTokens: limit))
    let pace = try await ReplyCalibration(
      model: model, requests: [request, request], width: width, budget: budget, time: model
    ).measure()
    #expect(pace.asked == model.asked.withLock { $0 })
    return (pace, model.now.inSeconds)
  }

  @Test(arguments: [1, 3, 16, 40]) func shortRepliesAreMeasuredWhole(limit: Int) async throws {
    let (pace, seconds) = try await Self.pace(limit: limit, budget: 8)
    let expected = 0.1 + 0.01 * Double(limit) / 4
    #expect(abs(pace.secondsEach - expected) < 1e-9)
    #expect(pace.newTokens == Double(limit) && pace.promptTokens == 20)
    #expect(abs(pace.secondsOfTheLongest - expected) < 1e-6)
    #expect(seconds < 8)
  }

  /// Replies that are too long to be measured whole are taken to go on as they began.
  @Test func longRepliesAreMeasuredInPart() async throws {
    let (pace, seconds) = try await Self.pace(limit: 10_000, budget: 4)
    #expect(abs(pace.secondsEach - (0.1 + 0.01 * 10_000 / 4)) < 1e-6)
    #expect(pace.newTokens == 10_000)
    #expect(seconds < 5)
  }

  /// What ends before its limit says how long replies are.
  @Test func repliesThatEndAreNotTakenForTheLongest() async throws {
    let (pace, _) = try await Self.pace(limit: 200, length: 30, budget: 60)
    #expect(abs(pace.secondsEach - (0.1 + 0.01 * 30 / 4)) < 1e-9)
    #expect(pace.newTokens == 30)
    #expect(pace.secondsOfTheLongest > 0.5)
    #expect(ReplyCalibration.expectedTokens(seen: 1_000, ended: 0, limit: 50) == 50)
    #expect(
      abs(ReplyCalibration.expectedTokens(seen: 1_000, ended: 10, limit: 1_000_000) - 100) < 1e-6)
  }

  @Test func aSilentServerIsAnError() async throws {
    let model = ScriptedModel { _ in
      ChatFailure(
        code: .http(500), message: "no", attempts: 1, latencyMilliseconds: 0, isFatal: false)
    }
    let request = ChatRequest(messages: [], decoding: Decoding(maxTokens: 4))
    await #expect(throws: ChatFailure.self) {
      try await ReplyCalibration(model: model, requests: [request], width: 2, budget: 1).measure()
    }
  }

  /// What a run has is not asked again, and what is asked of is spread over all of it.
  @Test func whatIsThereIsLeftOut() async throws {
    let (manifest, set) = makeManifest()
    let temporary = try TemporaryFolder()
    let url = temporary.url.appending(path: "run")
    @Sendable func isAttacked(_ request: ChatRequest) -> Bool {
      request.variant.contains { $0.name == "import" }
    }
    let model = ScriptedModel { isAttacked($0) ? .fatal("x", "stop") : nil }
    let folder = try RunFolder(url, manifest: manifest, resume: false)
    await #expect(throws: StudyError.self) {
      try await RunTests.run(folder, set, model, connections: 1)
    }
    let there = folder.journal.samples.count { $0.failure == nil }
    #expect(there == 20)
    let measurement = try Self.measurement([set], output: url, resume: true)
    let work = try await OpenWork(
      manifest.plan.cells, of: measurement, after: StoredRun(url), most: 8)
    #expect(work.there == there && work.count == 40 - there)
    #expect((4...9).contains(work.requests.count))
    let cached = try await OpenWork(
      manifest.plan.cells, of: measurement, after: nil, most: 8
    ) { isAttacked($0) ? nil : true }
    #expect(cached.cached == 20 && cached.count == 20 && cached.unknown == 20)
  }

  /// Trainings and replies by their own measure; before a reply was asked by that of the other.
  @Test func whatIsLeftIsWeighedByWhatWasMeasured() throws {
    var pace = StudyPace(trainings: 3, passes: 300, replies: 1_000)
    #expect(pace.left == nil)
    pace.begin(passes: 100)
    #expect(pace.left == nil)
    pace.goOn(share: 0.5, seconds: 10)
    var left = try #require(pace.left)
    // 250 passes of 0.2 s, and replies of 0.1 s.
    #expect(abs(left.trainingSeconds - 50) < 1e-9 && abs(left.seconds - 150) < 1e-9)
    #expect(left.isRough && left.trainings == 3)
    pace.end(seconds: 30)
    // One that is there already measures nothing.
    pace.begin(passes: 100)
    pace.end(seconds: nil)
    left = try #require(pace.left)
    #expect(abs(left.trainingSeconds - 30) < 1e-9 && left.trainings == 1)
    pace.asked(400, seconds: 4)
    left = try #require(pace.left)
    #expect(abs(left.seconds - 36) < 1e-9 && !left.isRough)
    pace.begin(passes: 100)
    pace.end(seconds: 50)
    pace.asked(600, seconds: 6)
    left = try #require(pace.left)
    #expect(left.seconds == 0 && left.trainings == 0)
  }

  @Test func estimatesAddUp() throws {
    var estimate = StudyEstimate()
    estimate.add(.init(.trainings, seconds: 100, within: 0.2, "a"))
    estimate.add(.init(.replies, seconds: 50, within: 0.2, most: 80, "b"))
    #expect(estimate.seconds == 150)
    #expect(abs(estimate.least - 120) < 1e-9 && abs(estimate.most - (120 + 96)) < 1e-9)
    estimate.memory = 2_500_000_000
    estimate.leftOut = ["x"]
    #expect(estimate.lines.count == 5)
    #expect(estimate.lines[0].contains("about 2 min 30 s (2 min 0 s to 3 min 36 s)"))
    #expect(estimate.lines[3].contains("2.5 GB"))
  }
}
