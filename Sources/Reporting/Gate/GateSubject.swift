package import Analysis
package import Foundation
package import Runs
import Scoring
import Support

/// A run, or what is kept of one, as a gate sees it.
package struct GateSubject: Sendable {
  package var summary: Summary
  /// nil where only a summary was kept: then two runs cannot be compared prompt by prompt.
  package var samples: [Sample]?

  package init(summary: Summary, samples: [Sample]? = nil) {
    self.summary = summary
    self.samples = samples
  }

  /// Reads a run's folder.
  package init(run folder: URL) throws {
    let manifest = try RunManifest.read(from: folder)
    let samples = try Journal.read(folder: folder, plan: manifest.plan)
    try manifest.check(samples, in: folder)
    summary = Summary(of: manifest, samples: samples)
    self.samples = samples
  }

  /// Reads a baseline: a summary.json, or a run's folder with its journal or with that file alone.
  package init(baseline place: URL) throws {
    guard FileManager.default.fileExists(atPath: place.path) else {
      throw GateError.unreadableSummary(path: place.path, reason: "there is nothing there")
    }
    let isFolder =
      (try? place.resourceValues(forKeys: [.isDirectoryKey]))?.isDirectory ?? false
    if isFolder, let run = try? GateSubject(run: place) {
      self = run
      return
    }
    let file = isFolder ? place.appending(path: "summary.json") : place
    do {
      summary = try Summary(reading: try InputFile(file, .records).body)
      if let contradiction = summary.contradiction {
        throw GateError.unreadableSummary(
          path: file.path, reason: "\(contradiction): that cannot be a run's")
      }
    } catch let error as GateError {
      throw error
    } catch {
      throw GateError.unreadableSummary(path: file.path, reason: error.plainReason)
    }
  }

  /// The row that measures the same: an equal treatment under an attack of the same name, on the same
  /// set by the same judge.
  func row(like row: SummaryRow) -> SummaryRow? {
    summary.rows.first {
      $0.treatment == row.treatment && $0.attack == row.attack
        && $0.isAttacked == row.isAttacked && $0.promptAttack == row.promptAttack
        && $0.dataset == row.dataset && $0.judge == row.judge
    }
  }

  /// What each prompt asked, by its set and id; nil where the samples were not kept.
  func prompts() -> [[String]: String]? {
    guard let samples else { return nil }
    let places = Dictionary(
      summary.rows.map { ($0.cell, [$0.dataset, $0.promptAttack]) },
      uniquingKeysWith: { first, _ in first })
    return Dictionary(
      samples.compactMap { sample in
        places[sample.cell].map { ($0 + [sample.id], sample.prompt) }
      }, uniquingKeysWith: { first, _ in first })
  }

  /// Each prompt's outcomes under a row's judge; nil where the samples were not kept.
  private func outcomes(of row: SummaryRow) -> PromptOutcomes? {
    guard let samples else { return nil }
    var outcomes = PromptOutcomes()
    for sample in samples where sample.cell == row.cell {
      let verdict = sample.judgement(by: row.judge).verdict
      guard verdict != .unscored else { continue }
      outcomes.add(sample.id, isSuccess: verdict == .complied)
    }
    return outcomes
  }

  /// The interval of the change since a baseline on the same prompts, as a function of how many times
  /// as many there are; nil where a side's samples were not kept.
  func pairedInterval(
    of row: SummaryRow, since baseline: GateSubject, _ before: SummaryRow, confidence: Double
  ) -> ((_ factor: Double) -> ConfidenceInterval?)? {
    guard let first = baseline.outcomes(of: before), let second = outcomes(of: row) else {
      return nil
    }
    let pairs = first.paired(with: second)
    // A pairing that leaves out a share of the prompts would compare other rates than it prints.
    guard !pairs.isEmpty, pairs.count == first.count, pairs.count == second.count else {
      return nil
    }
    let changes = pairs.map { ($0.second.rate ?? 0) - ($0.first.rate ?? 0) }
    let falls = changes.reduce(0) { $0 + max(0, -$1) }
    let rises = changes.reduce(0) { $0 + max(0, $1) }
    return { factor in
      guaranteedDifferenceInterval(
        onlyFirst: falls * factor, onlySecond: rises * factor,
        pairs: Double(pairs.count) * factor, confidence: confidence)
    }
  }
}
