package import Analysis
package import Foundation
package import Runs
import Scoring
import StudyDesign
import Support

/// A run, or what is kept of one, as a gate sees it.
package struct GateSubject: Sendable {
  package var summary: Summary
  /// What the run will measure, or has; nil where only a summary was kept.
  package var manifest: RunManifest?
  /// nil where only a summary was kept: then nothing can be counted in a ledger, and what prompts ask cannot be
  /// compared.
  package var outcomes: SampleOutcomes?

  package init(
    summary: Summary, manifest: RunManifest? = nil, outcomes: SampleOutcomes? = nil
  ) {
    self.summary = summary
    self.manifest = manifest
    self.outcomes = outcomes
  }

  package init(summary: Summary, run: StoredRun) {
    self.init(summary: summary, manifest: run.manifest, outcomes: run.outcomes)
  }

  /// Reads a run's folder.
  package init(run folder: URL) throws {
    let run = try StoredRun(folder)
    self.init(summary: run.summary, run: run)
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

  /// What each prompt asked, by its set and id; nil where that was not kept.
  func prompts() -> [[String]: TextDigest]? {
    outcomes.map { outcomes in
      Dictionary(
        outcomes.prompts.map { ([$0.dataset, $0.promptAttack.text, $0.id], $0.text) },
        uniquingKeysWith: { first, _ in first })
    }
  }

  /// Each prompt's outcomes under a row's judge; nil where they were not kept.
  func outcomes(of row: SummaryRow) -> [RecordedOutcomes.Prompt]? {
    summary.outcomes?.prompts(of: row.cell, dataset: row.dataset, judge: row.judge)
  }

  /// What changed since a baseline, prompt by prompt.
  struct Changes {
    /// Of the prompts that both asked, by id.
    var seen: [(prompt: String, seen: SequentialTest.Observation)] = []
    /// Whether every prompt that the run was to ask has a reply, and it is the baseline's.
    var areNone = true
    /// Whether both asked the same prompts.
    var areOfAll = true
  }

  /// - Returns: nil where a side's outcomes were not kept.
  func changes(of row: SummaryRow, since first: [RecordedOutcomes.Prompt]?) -> Changes? {
    guard let first, let second = outcomes(of: row) else { return nil }
    let known = Dictionary(first.map { ($0.id, $0) }, uniquingKeysWith: { one, _ in one })
    var changes = Changes()
    // A run that stopped early has not seen that nothing changed.
    changes.areNone = second.count >= summary.datasets[row.dataset]?.prompts ?? 0
    for prompt in second {
      guard let earlier = known[prompt.id] else {
        (changes.areNone, changes.areOfAll) = (false, false)
        continue
      }
      changes.areNone = changes.areNone && prompt.isWhollyUnchanged(since: earlier)
      changes.seen.append((prompt.id, prompt.change(since: earlier)))
    }
    changes.areOfAll = changes.areOfAll && first.count == second.count
    return changes.seen.isEmpty ? nil : changes
  }
}
