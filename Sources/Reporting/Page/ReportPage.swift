import Analysis
import ModelAccess
import Runs
import Scoring
import StudyDesign

/// What a report says, whatever it is written in: the verdict, then what it rests on.
struct ReportPage {
  let run: StoredRun
  let summary: Summary
  let findings: Findings
  /// Whether replies are cut to their opening, so that the page may be shown to anyone.
  let isRedacted: Bool

  static let title = "Does the model's safety survive fine-tuning?"
  /// Characters of a reply that a redacted page shows, and of one to a harmful prompt that did not
  /// refuse: enough to see which way it goes.
  static let opening = 80
  static let harmfulOpening = 40
  private let harmfulCells: Set<CellID>
  /// Replies of the run, read once.
  private(set) var examples: [Block] = []

  /// - Parameter labels: of the run's own replies, to correct rates by.
  init(_ run: StoredRun, isRedacted: Bool, labels: [RunLabel] = []) throws(RunError) {
    self.run = run
    self.isRedacted = isRedacted
    let summary = Summary(of: run.manifest, run.outcomes, labels: labels)
    self.summary = summary
    findings = Findings(summary: summary)
    harmfulCells = Set(
      run.manifest.plan.cells.filter { summary.datasets[$0.dataset]?.kind != .benign }.map(\.id))
    examples = try readExamples()
  }

  var manifest: RunManifest { run.manifest }

  /// The answer, one sentence each.
  var verdict: [Sentence] {
    let sentences = findings.verdict
    return sentences.isEmpty ? [["Nothing was measured yet."]] : sentences
  }

  /// The first of the verdict's sentences, with what it says first in bold.
  var headline: Sentence {
    let headline = verdict.first ?? []
    if headline.count == 1, case .text(let text) = headline[0] { return [.strong(text)] }
    return headline
  }

  /// Everything after the verdict.
  var blocks: [Block] {
    stopping + landscape + choice + tradeoff + controls + adaptability + results + searches
      + severity + categories + variation + judges
      + threats + examples + asked + [.samples] + provenance
      + limits
  }

  // MARK: - Names

  /// Attacks in the order of the plan.
  func order(_ attack: String) -> Int {
    manifest.plan.cells.firstIndex { $0.attackLabel == attack } ?? 0
  }

  /// Attacks in the order of the plan; an attack's place decides its colour and marker.
  var attacks: [String] {
    Findings.distinct(manifest.plan.cells.map(\.attackLabel))
  }

  func style(_ attack: String) -> Int {
    let attacked = Findings.distinct(
      manifest.plan.cells.filter { !$0.isUnattacked }.map(\.attackLabel))
    return attacked.firstIndex(of: attack).map { $0 + 1 } ?? 0
  }

  static func name(_ attack: String) -> String {
    attack == AttackID.none.label ? "no attack" : attack
  }

  /// Harmful sets first: they are what the page is about.
  var datasets: [String] {
    manifest.plan.datasets.keys.sorted {
      (findings.isHarmful($0) ? 0 : 1, $0) < (findings.isHarmful($1) ? 0 : 1, $1)
    }
  }

  /// A reply, or the opening of it.
  func shown(_ sample: Sample, limit: Int) -> String {
    let isHarmful = harmfulCells.contains(sample.cell) && sample.verdict != .refused
    let opening = isHarmful ? Self.harmfulOpening : Self.opening
    let limit = isRedacted ? min(limit, opening) : limit
    // Bytes are counted at once, characters one by one, and there are never more of them.
    guard sample.response.utf8.count > limit, sample.response.count > limit else {
      return sample.response
    }
    return String(sample.response.prefix(limit)) + " …"
  }
}
