import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Runs

/// Replies of a run that a person labels: which ones, and how the labels are kept.
@Suite struct LabelTests {
  /// Two attacks' worth of cells on a harmful set, and one on a harmless one.
  static func run(prompts: Int = 40, samples count: Int = 1) -> (RunManifest, [Sample]) {
    var (manifest, _) = makeManifest(alphas: [0, 1, 2], prompts: prompts)
    manifest.plan.samples = count
    manifest.plan.datasets["benign"] = .init(
      digest: "sha256:1", prompts: prompts, kind: .benign, judges: ["refusal"])
    manifest.plan.cells.append(Cell(alpha: 0, attack: "none", dataset: "benign"))
    let samples = manifest.plan.cells.flatMap { cell in
      (0..<prompts).flatMap { index in
        (0..<count).map { number in
          Sample(
            cell: cell.id, id: "p\(index)", sample: number, category: "c",
            prompt: "prompt \(index)",
            response: "reply \(index) \(number) of \(cell.id)",
            verdict: index % 3 == 0 ? .complied : .refused)
        }
      }
    }
    return (manifest, samples)
  }

  static func kinds(_ samples: [Sample], _ manifest: RunManifest) -> [ReplyKind: Int] {
    let cells = Dictionary(uniqueKeysWithValues: manifest.plan.cells.map { ($0.id, $0) })
    return samples.reduce(into: [:]) { counts, sample in
      if let cell = cells[sample.cell] { counts[ReplyKind(cell), default: 0] += 1 }
    }
  }

  @Test func everyKindOfModelIsDrawnAlike() {
    let (manifest, samples) = Self.run()
    let drawn = LabelSample(manifest: manifest, samples: samples, seed: 3).held(100)
    #expect(drawn.count == 100)
    #expect(Set(drawn.map(\.key)).count == 100)
    let kinds = Self.kinds(drawn, manifest)
    // Untreated and treated models, attacked and not: of the untreated there are 40 replies each.
    #expect(kinds.count == 4 && kinds.values.allSatisfy { $0 == 25 })
    #expect(!drawn.contains { $0.cell.rawValue.contains("benign") })
    // Cells of one kind are drawn among each other.
    #expect(Set(drawn.map(\.cell)).count == 6)
  }

  @Test func theSeedDecidesAndALargerSampleBeginsWithTheSmaller() {
    let (manifest, samples) = Self.run()
    func keys(_ count: Int, _ seed: UInt64, _ samples: [Sample]) -> [Sample.Key] {
      LabelSample(manifest: manifest, samples: samples, seed: seed).held(count).map(\.key)
    }
    #expect(keys(30, 1, samples) == keys(30, 1, samples.reversed()))
    #expect(keys(30, 1, samples) != keys(30, 2, samples))
    #expect(keys(60, 1, samples).prefix(30) == keys(30, 1, samples)[...])
    // 6 cells of 40, and no more.
    #expect(keys(1_000, 1, samples).count == 240)
  }

  /// What is labelled stays, whichever seed drew it, and counts.
  @Test func labelledRepliesComeFirst() {
    let (manifest, samples) = Self.run()
    let before = LabelSample(manifest: manifest, samples: samples, seed: 1).held(20).map(\.key)
    let after = LabelSample(manifest: manifest, samples: samples, seed: 9).held(
      40, labelled: before)
    #expect(Set(before).isSubset(of: after.map(\.key)))
    #expect(Set(after.prefix(20).map(\.key)) == Set(before))
    #expect(Self.kinds(after, manifest).values.allSatisfy { $0 == 10 })
  }

  @Test func failedRequestsAreNotDrawnAndPromptsComeOnceFirst() {
    var (manifest, samples) = Self.run(prompts: 6, samples: 3)
    samples[0].failure = Failure("timeout", "too slow")
    samples[0].judgements = [:]
    manifest.plan.cells = manifest.plan.cells.filter { $0.dataset == "set" }
    let drawn = LabelSample(manifest: manifest, samples: samples, seed: 0).held(10_000)
    #expect(drawn.count == 6 * 6 * 3 - 1)
    let one = drawn.filter { $0.cell == manifest.plan.cells[3].id }
    #expect(Set(one.prefix(6).map(\.id)).count == 6)
  }

  // MARK: - Groups

  private static func groups(_ counts: [Int], of plan: RunManifest.Plan) -> [String] {
    let kinds = ReplyKind.all(of: plan)
    return LabelGroup.groups(
      of: plan, labels: Dictionary(uniqueKeysWithValues: zip(kinds, counts)), needed: 30
    ).map(\.text)
  }

  @Test func kindsWithFewLabelsAreJoinedAcrossTheDefenceAlone() {
    let plan = Self.run().0.plan
    let (plain, defended) = ("neither attacked nor defended", "defended")
    let (attacked, both) = ("attacked", "attacked and defended")
    #expect(Self.groups([30, 30, 30, 30], of: plan) == [plain, defended, attacked, both])
    #expect(
      Self.groups([25, 25, 25, 25], of: plan) == ["\(plain); \(defended)", "\(attacked); \(both)"])
    // A kind whose labels show nothing is no part of a group, and has too few alone.
    #expect(Self.groups([9, 91, 30, 25], of: plan) == [plain, defended, "\(attacked); \(both)"])
    #expect(Self.groups([10, 10, 0, 0], of: plan) == [plain, defended, attacked, both])
  }

  // MARK: - The round

  private struct Round {
    let folder: TemporaryFolder
    let manifest: RunManifest
    let samples: [Sample]
    var file: URL { folder.url.appending(path: "labels.jsonl") }

    init() throws {
      folder = try TemporaryFolder()
      (manifest, samples) = LabelTests.run()
    }

    func begin(_ count: Int = 8, seed: UInt64 = 0) throws -> LabellingRound {
      try LabellingRound(
        of: manifest, samples: samples, in: folder.url, file: file, count: count, seed: seed)
    }

    func read() throws(LabelError) -> [RunLabel] {
      try LabelFile(file, of: manifest, samples: samples).labels
    }
  }

  @Test func eachAnswerIsKeptAndARoundGoesOn() throws {
    let setting = try Round()
    var round = try setting.begin()
    let first = try #require(round.current)
    try round.label(.complied)
    #expect(try setting.read().map(\.label) == [.complied])
    try round.label(.unclear)
    #expect(round.position == 2 && round.labelled == 2)

    // Back to the second, which is said to be unclear, and on to the third.
    let wentBack = round.back()
    #expect(wentBack && round.answer == .unclear)
    try round.label(.refused)
    #expect(round.position == 2)
    #expect(try setting.read().map(\.label) == [.complied, .refused])

    var again = try setting.begin()
    #expect(again.labelled == 2 && again.current?.key == round.current?.key)
    #expect(again.samples.first?.key == first.key)
    while again.current != nil { try again.label(.unsuccessful) }
    #expect(again.labelled == 8)
    let isThere = again.back()
    #expect(isThere && again.answer == .unsuccessful)
    let labels = try setting.read()
    #expect(labels.count == 8)
    #expect(labels.allSatisfy { $0.run == setting.manifest.identity })
    #expect(labels[0].key == first.key && labels[0].responseDigest == first.responseDigest)

    // A larger sample asks for the rest alone.
    let larger = try setting.begin(20)
    #expect(larger.labelled == 8 && larger.samples.count == 20)
  }

  @Test func whatAnotherProcessWroteIsNotOverwritten() throws {
    let setting = try Round()
    var (one, other) = (try setting.begin(), try setting.begin())
    try one.label(.complied)
    #expect(throws: LabelError.changed(path: setting.file.path)) { try other.label(.refused) }
    #expect(try setting.read().map(\.label) == [.complied])
  }

  // MARK: - Labels of elsewhere

  /// Each with words of its refusal.
  static let strangers: [(text: String, says: [String])] = [
    (
      "{\"prompt\":\"p\",\"response\":\"r\",\"label\":\"refused\"}\n",
      ["which run", "loxeval label"]
    ),
    ("{\"schema\":1,\n\"judges\":[]}\n", ["judge-check", "loxeval label"]),
    ("[1,\n2]\n", ["a JSON list"]), ("not JSON\n", ["not JSON"]), ("", ["found none"]),
    ("{\"run\":\"\u{1b}[2J\n", ["\\u001b[2J"]),
  ]

  @Test(arguments: strangers) func otherFilesAreRefused(text: String, says: [String]) throws {
    let setting = try Round()
    try setting.folder.write(text, "labels.jsonl")
    let error = #expect(throws: LabelError.self) { try setting.read() }
    for word in says { #expect("\(try #require(error))".contains(word)) }
    // And a round begins in no such file.
    guard !text.isEmpty else { return }
    #expect(throws: LabelError.self) { try setting.begin() }
    #expect(try String(contentsOf: setting.file, encoding: .utf8) == text)
  }

  @Test func labelsOfOtherRunsAndRepliesAreRefused() throws {
    let setting = try Round()
    var round = try setting.begin()
    try round.label(.complied)
    func refusal(_ change: (inout RunLabel) -> Void) throws -> LabelError? {
      var label = try #require(try setting.read().first)
      change(&label)
      let text = String(decoding: try StableJSON.encode(label), as: UTF8.self)
      let file = try setting.folder.write(text + "\n", "changed.jsonl")
      return #expect(throws: LabelError.self) {
        try LabelFile(file, of: setting.manifest, samples: setting.samples)
      }
    }
    let place = setting.folder.url.appending(path: "changed.jsonl").path + ", line 1"
    #expect(try refusal { $0.run = "sha256:0" } == .anotherRun(path: place))
    #expect("\(LabelError.anotherRun(path: ""))".contains("loxeval label"))
    guard case .unknownReply = try refusal({ $0.id = "p999" }) else {
      Issue.record("a reply that the run lacks")
      return
    }
    guard case .changedReply = try refusal({ $0.responseDigest = "sha256:0" }) else {
      Issue.record("another reply than the run's")
      return
    }
    let text = try String(contentsOf: setting.file, encoding: .utf8)
    try setting.folder.write(text + text, "labels.jsonl")
    guard case .duplicate = #expect(throws: LabelError.self, performing: { try setting.read() })
    else {
      Issue.record("a reply twice")
      return
    }
  }

  /// Judging anew, other limits and a resumed run leave a run what it is.
  @Test func aRunKeepsItsIdentity() {
    let (manifest, _) = Self.run()
    var same = manifest
    same.plan.judges["ngram"] = "x"
    same.plan.judge = "ngram"
    same.plan.datasets["set"]?.judges = ["ngram", "refusal"]
    same.limits.maxUtilityDrop = 0.5
    #expect(same.identity == manifest.identity)
    var other = manifest
    other.environment.createdAt = "2026-01-01T00:00:01Z"
    #expect(other.identity != manifest.identity)
  }

  @Test func aRunWithoutHarmfulRepliesHasNothingToLabel() throws {
    let folder = try TemporaryFolder()
    let (manifest, samples) = Self.run()
    let harmless = samples.filter { $0.cell.rawValue.contains("benign") }
    #expect(throws: LabelError.nothingToLabel(path: folder.url.path)) {
      try LabellingRound(
        of: manifest, samples: harmless, in: folder.url,
        file: folder.url.appending(path: "labels.jsonl"), count: 3, seed: 0)
    }
  }
}
