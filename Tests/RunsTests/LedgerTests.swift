import Foundation
import ModelAccess
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

@testable import Runs

/// What keeps evidence across runs: a file that is whole, of one claim, and held by one process.
@Suite struct LedgerTests {
  static func book() -> LedgerBook {
    let (manifest, _) = makeManifest()
    let checks = manifest.plan.checks(GateLimits(maximumSuccessRate: 0.1))
    var book = LedgerBook(manifest.plan, checks, confidence: 0.95)
    book.count(checks[0], [("p0", .init(false)), ("p1", .init(true))], of: "one")
    book.count(checks[0], [("p1", .init(false)), ("p2", .init(false))], of: "two")
    return book
  }

  @Test func aBookReadsAsItWasWritten() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "deep/ledger.json")
    let file = try LedgerFile(url)
    #expect(file.book == nil)
    try file.write(Self.book())
    var read = try #require(try LedgerFile.read(url))
    #expect(read.digest.hasPrefix("sha256:"))
    read.digest = ""
    #expect(read == Self.book())
    // A second process would be refused, and the lock goes with its owner.
    #expect(throws: LedgerError.inUse(path: url.path)) { _ = try LedgerFile(url) }
    withExtendedLifetime(file) {}
  }

  @Test func theLockGoesWithItsOwner() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "ledger.json")
    do { _ = try LedgerFile(url) }
    let file = try LedgerFile(url)
    withExtendedLifetime(file) {}
    // What a killed process leaves locks nothing.
    try folder.write("", "other.json.lock")
    _ = try LedgerFile(folder.url.appending(path: "other.json"))
  }

  @Test func aPromptCountsOnceAndForItsFirstRun() throws {
    let book = Self.book()
    let check = book.checks[0]
    #expect(check.counted.map(\.prompt) == ["p0", "p1", "p2"])
    #expect(check.counted[1].seen == .init(true))
    #expect(check.runs.map(\.run) == ["one", "two"])
    #expect(check.runs.map(\.prompts) == [2, 1])
    #expect(book.without(run: "one").checks[0].counted.map(\.prompt) == ["p2"])
    #expect(book.without(run: "two").checks[0].counted.map(\.prompt) == ["p0", "p1"])
    #expect(book.without(run: "one").without(run: "two").evidence == "none")
    #expect(book.holds(run: "two") && !book.without(run: "two").holds(run: "two"))
    #expect(book.evidence != book.without(run: "two").evidence)
  }

  /// What was damaged, edited or made up is no evidence, and never a crash.
  @Test(arguments: [
    ("\"highest\":1", "\"highest\":0", "showed"), ("\"p2\"", "\"p9\"", "digest"),
    ("\"p2\"", "\"p1\"", "prompt p1 twice"), ("\"highest\":1", "\"highest\":7", "showed"),
    ("\"highest\":1", "\"highest\":-1e300", "showed"), ("\"limit\":0.1", "\"limit\":5", "limit"),
    ("\"level\":0", "\"level\":5,\"x\":0", "a level"),
    ("\"level\":0", "\"level\":-1e308,\"x\":0", "a level"),
    ("\"horizon\":10", "\"horizon\":0", "horizon"),
    ("\"horizon\":10", "\"horizon\":9223372036854775807", "horizon"),
    ("\"horizon\":10", "\"horizon\":1e999", "no ledger"),
    ("{\"prompts\":2,", "{\"prompts\":9223372036854775807,", "runs counted"),
    ("{\"prompts\":2,", "{\"prompts\":-9223372036854775808,", "runs counted"),
    ("{\"prompts\":2,", "{\"prompts\":1,", "runs counted"),
    ("\"schema\":1", "\"schema\":2", "schema 2"),
    ("\"schema\":1", "\"schemas\":1", "schema"),
    ("\"confidence\":0.95", "\"confidence\":1", "confidence"),
    ("\"restarts\":0", "\"restarts\":-1", "confidence"),
    ("\"rule\":\"max-asr\"", "\"rule\":\"max\"", "no ledger"),
    ("\"digest\":\"sha256:", "\"digest\":\"", "digest"), ("{", "[", "no ledger"),
    ("}\n", "", "no ledger"),
  ])
  func aSpoiltLedgerIsRefused(found: String, replacement: String, says: String) throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "ledger.json")
    try LedgerFile(url).write(Self.book())
    let text = try String(contentsOf: url, encoding: .utf8)
    #expect(text.contains(found), "\(text)")
    try folder.write(text.replacing(found, with: replacement, maxReplacements: 1), "ledger.json")
    let error = #expect(throws: LedgerError.self) { _ = try LedgerFile(url) }
    #expect(error?.description.contains(says) == true, "\(String(describing: error))")
    #expect(error?.description.contains("ledger.json") == true)
  }

  @Test func mutantsOfALedgerAreRefusedOrTheSame() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "ledger.json")
    try LedgerFile(url).write(Self.book())
    let whole = try Data(contentsOf: url)
    var mutator = Mutator(seed: 5)
    var refused = 0
    for _ in 0..<300 {
      try Data(mutator.spoil([UInt8](whole))).write(to: url)
      do {
        var read = try LedgerFile.read(url)
        read?.digest = ""
        #expect(read == Self.book())
      } catch {
        refused += 1
      }
    }
    #expect(refused > 150)
  }
}

@Suite struct PromptOrderTests {
  private let ids = (0..<500).map { "p\($0)" }

  @Test func anOrderIsAShuffleThatTheIdsAloneTell() {
    let order = PromptOrder(seed: 3).sorted(ids)
    #expect(order != ids && order.sorted() == ids.sorted())
    #expect(PromptOrder(seed: 3).sorted(ids.reversed()) == order)
    #expect(PromptOrder(seed: 4).sorted(ids) != order)
    // Of a part of them it is the same order.
    let part = Set(ids.prefix(100))
    #expect(PromptOrder(seed: 3).sorted(ids.prefix(100)) == order.filter(part.contains))
    // The first tenth is drawn from all over the set.
    let early = order.prefix(50).count { ids.prefix(250).contains($0) }
    #expect((12...38).contains(early))
  }

  @Test(arguments: [0, 1, 19, 20, 21, 30, 31, 300])
  func looksRiseToTheMost(most: Int) {
    let looks = SequentialPlan.looks(upTo: most)
    #expect(looks.last == (most > 0 ? most : nil))
    #expect(zip(looks, looks.dropFirst()).allSatisfy { $0 < $1 })
    if most > 20 { #expect(looks[0] == 20) }
  }
}

@Suite struct RecordedOutcomesTests {
  @Test func outcomesAreKeptByPromptAndSample() throws {
    var (manifest, _) = makeManifest(prompts: 3)
    manifest.plan.samples = 2
    let cell = manifest.plan.cells[0].id
    func sample(_ id: String, _ number: Int, _ verdict: Verdict, _ text: String = "t") -> Sample {
      Sample(
        cell: cell, id: id, sample: number, category: "c", prompt: "p", response: text,
        verdict: verdict)
    }
    let samples = [
      sample("b", 1, .degenerate), sample("b", 0, .complied), sample("a", 0, .refused),
    ]
    let outcomes = RecordedOutcomes(
      manifest.plan, SampleOutcomes(holding: samples, of: manifest.plan))
    #expect(outcomes.contradiction == nil)
    let prompts = try #require(outcomes.prompts(of: cell, dataset: "set", judge: "refusal"))
    #expect(prompts.map(\.id) == ["a", "b"])
    #expect(prompts.map(\.verdicts) == [[.refused, .unscored], [.complied, .degenerate]])
    // What is missing is like nothing, not even itself.
    #expect(!prompts[0].isUnchanged(since: prompts[0]) && prompts[1].isUnchanged(since: prompts[1]))
    let read = try JSONDecoder().decode(RecordedOutcomes.self, from: StableJSON.encode(outcomes))
    #expect(read == outcomes)
    #expect(outcomes.prompts(of: cell, dataset: "set", judge: "other") == nil)
    var spoilt = outcomes
    spoilt.cells[cell.rawValue]?.verdicts["refusal"] = "rcx"
    #expect(spoilt.contradiction != nil)
    #expect(spoilt.prompts(of: cell, dataset: "set", judge: "refusal") == nil)
    spoilt = outcomes
    spoilt.prompts["set"] = ["a", "a"]
    #expect(spoilt.contradiction != nil)
  }

  @Test func textsAreToldApart() {
    let (manifest, _) = makeManifest(prompts: 1)
    let cell = manifest.plan.cells[0].id
    func mark(_ response: String, _ reasoning: String?) -> ReplyMark? {
      var sample = Sample(
        cell: cell, id: "a", category: "c", prompt: "p", response: response, verdict: .refused)
      sample.reasoning = reasoning
      return RecordedOutcomes(
        manifest.plan, SampleOutcomes(holding: [sample], of: manifest.plan)
      ).cells[cell.rawValue]?.marks.first
    }
    #expect(mark("a", nil) != mark("", "a"))
    #expect(mark("1 a", nil) != mark("1", "a"))
    #expect(mark("a", nil) == mark("a", nil))
    #expect(mark("a", nil)?.text.count == 16)
  }
}
