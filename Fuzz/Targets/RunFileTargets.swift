import Foundation
import Runs

/// A journal: what is read can be appended to a journal of its own, and comes back equal.
struct JournalTarget: FuzzTarget {
  static let name = "journal"

  private let scratch = ScratchFolder()
  private let plan: RunManifest.Plan

  /// The plan is that of a manifest's seed.
  init() {
    let seed = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../Corpora/manifest/first-release")
    do {
      _ = scratch.write(try Data(contentsOf: seed), to: "run.json")
      plan = try RunManifest.read(from: scratch.url).plan
    } catch {
      fatalError("no plan: \(error)")
    }
  }

  private func samples() throws(RunError) -> [Sample] {
    let outcomes = try Journal.read(folder: scratch.url, plan: plan)
    var samples: [Sample] = []
    for outcome in outcomes.all { samples.append(try outcomes.sample(outcome)) }
    return samples
  }

  func run(_ bytes: [UInt8]) {
    _ = scratch.write(bytes, to: "samples.jsonl")
    guard let samples = try? samples() else { return }
    check(Set(samples.map(\.key)).count == samples.count, "no sample stands twice")
    _ = scratch.write([], to: "samples.jsonl")
    do throws(RunError) {
      let journal = try Journal(folder: scratch.url, plan: plan)
      for sample in samples { try journal.append(sample) }
      let again = try samples()
      check(again.count == samples.count, "each sample comes back")
      for (mine, other) in zip(samples, again) {
        var mine = mine
        // Written to a tenth of a millisecond.
        mine.latencyMilliseconds = other.latencyMilliseconds
        check(mine == other, "a sample comes back as it was")
      }
    } catch {
      check(false, "what was read can be written: \(error)")
    }
  }
}

/// A run's manifest: what is read is written so that it reads the same, and can be compared and checked.
struct ManifestTarget: FuzzTarget {
  static let name = "manifest"

  private let scratch = ScratchFolder()

  func run(_ bytes: [UInt8]) {
    _ = scratch.write(bytes, to: "run.json")
    guard let manifest = try? RunManifest.read(from: scratch.url) else { return }
    try? manifest.check(in: scratch.url)
    _ = manifest.missing(.none(of: manifest.plan))
    do {
      try manifest.write(to: scratch.url)
      let again = try RunManifest.read(from: scratch.url)
      check(again.plan == manifest.plan, "a plan comes back as it was")
      check(again.environment == manifest.environment, "an environment comes back as it was")
      check(again.judgeQuality == manifest.judgeQuality, "judges' quality comes back as it was")
      check(again.limits == manifest.limits, "limits come back as they were")
      try check(manifest.differences(from: again).isEmpty, "it does not differ from itself")
    } catch {
      check(false, "what was read can be written: \(error)")
    }
  }
}
