import Foundation
import ModelAccess
import Runs
import Scoring
import StudyDesign
import Support
import TestSupport
import Testing
import TinyRun

/// What is kept of samples says of each what the sample itself says, and the sample is found again.
@Suite struct SampleOutcomeTests {
  /// Samples of every kind, by a seed: judged by some judges, with scores, failed, with a loss.
  private static func samples(
    of plan: RunManifest.Plan, prompts: Int, _ random: inout SplitMix64
  ) -> [Sample] {
    plan.distinctCells.flatMap { cell in
      (0..<prompts).flatMap { prompt in
        (0..<plan.samples).map { number in
          var sample = Sample(
            cell: cell.id, id: "p\(prompt)", sample: number, category: "c\(prompt % 3)",
            prompt: "prompt \(prompt)", reference: prompt % 2 == 0 ? "answer" : nil,
            judge: "refusal", response: "reply \(random.next())\nwith \"two\" lines")
          if random.nextUnit() < 0.2 {
            sample.failure = Failure("http-500", "said \(prompt)")
            return sample
          }
          for judge in ["refusal", "second", "third"] where random.nextUnit() < 0.8 {
            let place = Int(random.nextUnit() * Double(Verdict.allCases.count))
            sample.judgements[judge] = Judgement(
              verdict: Verdict.allCases[place],
              score: random.nextUnit() < 0.5 ? random.nextUnit() : nil,
              failure: Verdict.allCases[place] == .unscored ? Failure("judge-x", "why") : nil)
          }
          if random.nextUnit() < 0.5 { sample.refusalLoss = random.nextUnit() }
          return sample
        }
      }
    }
  }

  @Test(arguments: [1, 3]) func outcomesSayWhatSamplesSay(each: Int) throws {
    var (manifest, _) = makeManifest(prompts: 12)
    manifest.plan.samples = each
    var random = SplitMix64(seed: UInt64(each))
    let samples = Self.samples(of: manifest.plan, prompts: 12, &random)
    let folder = try TemporaryFolder()
    try manifest.write(to: folder.url)
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    // In any order.
    let mixed = samples.map { (random.next(), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
    for sample in mixed { try journal.append(sample) }

    for outcomes in [try journal.outcomes(), try StoredRun(folder.url).outcomes] {
      let all = Array(outcomes.all)
      // Cells as they are planned, ids as people count, numbers.
      #expect(all.map(\.key) == samples.map(\.key))
      for (outcome, sample) in zip(all, samples) {
        #expect(outcome.category == sample.category)
        #expect(outcome.failure == sample.failure?.code)
        #expect(outcome.verdict == sample.verdict)
        #expect(outcome.refusalLoss == sample.refusalLoss)
        for judge in ["refusal", "second", "third", "none"] {
          let (mine, its) = (outcome.judgement(by: judge), sample.judgement(by: judge))
          #expect(mine.verdict == its.verdict && mine.score == its.score)
          #expect(mine.failure == its.failure?.code)
          #expect(outcome.isJudged(by: [judge]) == sample.isJudged(by: [judge]))
        }
        #expect(try outcomes.sample(outcome).response == sample.response)
        #expect(outcomes[sample.key]?.key == sample.key)
      }
      #expect(outcomes[Sample.Key(cell: samples[0].cell, id: "p12")] == nil)
    }
  }

  /// Marks of several replies to a prompt do not depend on when they arrived.
  @Test(arguments: [1, 2]) func marksAreOfAllReplies(each: Int) throws {
    var (manifest, _) = makeManifest(prompts: 3)
    manifest.plan.samples = each
    var random = SplitMix64(seed: 5)
    let samples = Self.samples(of: manifest.plan, prompts: 3, &random)
    let outcomes = RecordedOutcomes(
      manifest.plan, SampleOutcomes(holding: samples.reversed(), of: manifest.plan))
    for cell in manifest.plan.cells {
      let own = samples.filter { $0.cell == cell.id }
      let marks = (0..<3).map { prompt in ReplyMark(own.filter { $0.id == "p\(prompt)" }) }
      #expect(outcomes.cells[cell.id.rawValue]?.marks == marks)
    }
  }

  /// A journal that changed under a reader is no other sample.
  @Test func aChangedJournalIsNotRead() throws {
    let (manifest, _) = makeManifest(prompts: 2)
    let folder = try TemporaryFolder()
    try manifest.write(to: folder.url)
    let journal = try Journal(folder: folder.url, plan: manifest.plan)
    var random = SplitMix64(seed: 1)
    for sample in Self.samples(of: manifest.plan, prompts: 2, &random) {
      try journal.append(sample)
    }
    let run = try StoredRun(folder.url)
    let last = try #require(Array(run.outcomes.all).last)
    let file = folder.url.appending(path: "samples.jsonl")
    try Data(try Data(contentsOf: file).prefix(300)).write(to: file)
    let error = #expect(throws: RunError.self) { try run.sample(last) }
    #expect(error?.description.contains("changed meanwhile") == true)
  }

  /// What is written piece by piece is what the encoder gives.
  @Test(arguments: [0, 1, 4]) func outcomesAreWrittenAsTheEncoderWrites(prompts: Int) throws {
    let (manifest, _) = makeManifest(prompts: 4)
    var random = SplitMix64(seed: 9)
    var outcomes = RecordedOutcomes(
      manifest.plan,
      SampleOutcomes(
        holding: Self.samples(of: manifest.plan, prompts: prompts, &random), of: manifest.plan))
    outcomes.cells["a \"b\"/c\n\u{1F600}"] = outcomes.cells.first?.value
    outcomes.cells["Z"] = outcomes.cells.first?.value
    outcomes.cells["z10"] = outcomes.cells.first?.value
    outcomes.cells["z9"] = outcomes.cells.first?.value
    outcomes.prompts["none"] = []
    #expect(outcomes.digest == Digest.sha256(try StableJSON.encode(outcomes)))
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "outcomes.json")
    try AtomicFile.write(to: file) { writer in
      try writer.write("{\n  \"outcomes\" : ")
      try outcomes.write(to: &writer, indented: 1)
      try writer.write("\n}\n")
    }
    let whole = try StableJSON.encodePretty(["outcomes": outcomes])
    #expect(
      String(decoding: try Data(contentsOf: file), as: UTF8.self)
        == String(decoding: whole, as: UTF8.self))
  }
}
