package import Foundation

/// A run as it stands in its folder, made by one process or by shards: the one way in which runs are read.
///
/// What is held of it are its samples' outcomes; texts are read again by whoever needs them.
package struct StoredRun: Sendable {
  package let url: URL
  package var manifest: RunManifest
  /// In an order that the plan gives, whoever asked them and when.
  package internal(set) var outcomes: SampleOutcomes

  /// Reads a run that nobody need be writing.
  ///
  /// - Throws: `RunError` where there is none, or where it is not what its plan says.
  package init(_ folder: URL) throws(RunError) {
    let manifest = try RunManifest.read(from: folder)
    try manifest.check(in: folder)
    let outcomes = try Journal.read(
      folder: folder, plan: manifest.plan, division: manifest.division)
    self.init(url: folder, manifest: manifest, outcomes: outcomes)
  }

  package init(url: URL, manifest: RunManifest, outcomes: SampleOutcomes) {
    self.url = url
    self.manifest = manifest
    self.outcomes = outcomes
  }

  /// A whole sample, read again.
  package func sample(_ outcome: SampleOutcome) throws(RunError) -> Sample {
    try outcomes.sample(outcome)
  }
}

extension RunFolder {
  /// The run as it stands by now.
  package var run: StoredRun {
    get throws(RunError) {
      StoredRun(url: url, manifest: manifest, outcomes: try journal.outcomes())
    }
  }
}
