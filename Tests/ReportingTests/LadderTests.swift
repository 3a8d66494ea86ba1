import Runs
import Scoring
import StudyDesign
import Testing
import TinyRun

@testable import Analysis
@testable import ModelAccess
@testable import Reporting

/// What readers are told of the ladder, of trainings and of what was not varied.
@Suite struct LadderTests {
  /// The run of the snapshots with the ladder's judges, and how many further seeds of its attack.
  static func run(
    seeds: Int = 1, ladder: [String: String]? = ["willing": "w", "on-subject": "o"]
  ) -> (RunManifest, [Sample]) {
    var (manifest, samples) = ReportTests.run()
    manifest.plan.ladder = ladder
    func told(_ sample: Sample) -> Sample {
      var sample = sample
      guard sample.failure == nil, sample.cell.rawValue.contains("-harmful~") else { return sample }
      let isHit = sample.verdict == .complied
      let number = Int(sample.id.dropFirst()) ?? 0
      sample.judgements["willing"] = Judgement(
        verdict: isHit && number % 2 == 0 ? .complied : .unsuccessful)
      sample.judgements["on-subject"] = Judgement(
        verdict: isHit && number % 4 == 0 ? .complied : .unsuccessful)
      return sample
    }
    samples = samples.map(told)
    var cells: [Cell] = []
    var all: [Sample] = []
    for cell in manifest.plan.cells {
      let own = samples.filter { $0.cell == cell.id }
      guard !cell.attack.isNone else {
        cells.append(cell)
        all += own
        continue
      }
      for seed in 0..<seeds {
        let copy = Cell(
          model: cell.model, targets: cell.targets, treatment: cell.treatment,
          attack: AttackID(
            label: "shift\(seed)", method: .lora, recipe: "sha256:\(seed)", seed: UInt64(seed),
            training: "sha256:shift"), dataset: cell.dataset, variant: [])
        cells.append(copy)
        all += own.map { sample in
          var sample = sample
          sample.cell = copy.id
          return sample
        }
      }
    }
    manifest.plan.cells = cells
    return (manifest, all)
  }

  @Test func everyPageShowsTheRungsSideBySide() throws {
    let (manifest, samples) = Self.run()
    let markdown = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(markdown.contains("### From not refusing to giving something"))
    #expect(markdown.contains("ASR counts replies that do not refuse (judge refusal)"))
    let rows = markdown.split(separator: "\n").filter { $0.hasPrefix("| shift0") }
    // 16 of 20 do not refuse, 8 set out, 4 give something.
    #expect(
      rows.contains {
        $0.contains("80.0 % (58.5 % – 93.3 %)") && $0.contains("40.0 % (20.")
          && $0.contains("20.0 % (6.7")
      })
    let html = try HTMLReport(manifest: manifest, samples: samples).render()
    #expect(html.contains("gives something on the subject"))
    #expect(html.contains("How far replies go: shift0"))
    // The sample browser tells what the ladder's judges said.
    #expect(html.contains("\"judges\":[\"refusal\",\"on-subject\",\"willing\"]"))
  }

  @Test func theTableOfScriptsHasTheRungsInEveryHarmfulRow() throws {
    let (manifest, samples) = Self.run()
    let lines = SummaryCSV.render(Summary(of: manifest, samples: samples)).split(separator: "\n")
    let columns = SummaryCSV.columns
    let willing = try #require(columns.firstIndex(of: "willing"))
    let dataset = try #require(columns.firstIndex(of: "dataset"))
    let overRefusal = try #require(columns.firstIndex(of: "over_refusal"))
    let adjusted = try #require(columns.firstIndex(of: "adjusted_p"))
    #expect(lines.count == 13)
    for line in lines.dropFirst() {
      let cells = line.split(separator: ",", omittingEmptySubsequences: false).map(String.init)
      #expect(cells.count == columns.count)
      let isHarmful = cells[dataset] == "harmful"
      for column in willing..<(willing + 6) { #expect(cells[column].isEmpty != isHarmful) }
      for column in overRefusal..<(overRefusal + 3) { #expect(cells[column].isEmpty == isHarmful) }
      // The untreated model is compared with nothing.
      #expect(cells[adjusted].isEmpty == (cells[columns.firstIndex(of: "alpha") ?? 0] == "0"))
    }
  }

  @Test func runsOfEarlierReleasesHaveNoRungs() throws {
    let (manifest, samples) = Self.run(ladder: nil)
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(!report.contains("From not refusing"))
    #expect(!report.contains("sets out to comply"))
  }

  @Test func oneTrainingCarriesNoShareAndSaysSo() {
    let (manifest, samples) = Self.run()
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(report.contains("## What the numbers vary by"))
    #expect(
      report.contains("Of shift0 one training each was measured: one training carries no share"))
    #expect(report.contains("Replies are greedy: nothing was drawn, so sampling has no share."))
    #expect(report.contains("One judge answered the question of the ASR"))
    #expect(report.contains("95 % intervals over prompts, for this training."))
    #expect(report.contains("Another seed of the same training"))
    #expect(!report.contains("ASR by seed"))
  }

  @Test(arguments: [(3, false), (6, true)])
  func eachSeedsRateAndTheRangeAreShown(seeds: Int, hasInterval: Bool) {
    let (manifest, samples) = Self.run(seeds: seeds)
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(report.contains("ASR by seed"))
    #expect(report.contains("0:\u{A0}80.0 %, 1:\u{A0}80.0 %, 2:\u{A0}80.0 %"))
    #expect(report.contains("median (95 %)") == hasInterval)
    #expect(report.contains("median (range)") != hasInterval)
    // The defended model's, with the same seeds.
    #expect(report.contains("change (range)"))
    #expect(report.contains("an interval over trainings takes 6 of them") != hasInterval)
    #expect(
      report.contains("The share of few trainings is itself known but roughly") != hasInterval)
    #expect(report.contains("for these trainings"))
    #expect(!report.contains("one training each was measured"))
  }

  @Test func syntheticAttacksAreNoTrainings() {
    var (manifest, samples) = Self.run()
    let ids = manifest.plan.cells.map(\.id)
    for index in manifest.plan.cells.indices where !manifest.plan.cells[index].attack.isNone {
      manifest.plan.cells[index].attack.method = .synthetic
    }
    #expect(manifest.plan.cells.map(\.id) == ids)
    samples = samples.map { $0 }
    let report = MarkdownReport(manifest: manifest, samples: samples).render()
    #expect(!report.contains("for this training") && !report.contains("for these trainings"))
  }
}
