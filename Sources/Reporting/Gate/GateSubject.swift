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
  /// nil where only a summary was kept: then nothing can be counted in a ledger.
  package var manifest: RunManifest?

  package init(summary: Summary, samples: [Sample]? = nil, manifest: RunManifest? = nil) {
    self.summary = summary
    self.samples = samples
    self.manifest = manifest
  }

  /// Reads a run's folder.
  package init(run folder: URL) throws {
    let run = try StoredRun(folder)
    self.init(
      summary: Summary(of: run.manifest, samples: run.samples), samples: run.samples,
      manifest: run.manifest)
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
