import Analysis
import Foundation
import Runs
import Scoring
import TestSupport
import Testing
import TinyRun

@Suite struct FirstReleaseTests {
  /// The committed report of the first release.
  @Test func runsOfTheFirstReleaseAreRead() throws {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .appending(path: "RunsTests/FirstRelease")
    let manifest = try RunManifest.read(from: folder)
    #expect(manifest.plan.samples == 1)
    #expect(manifest.plan.judges == ["refusal": manifest.plan.judgeConfiguration])
    #expect(manifest.plan.judges(of: "set") == ["refusal"])
    let samples = try Journal.samples(folder: folder, plan: manifest.plan)
    #expect(samples.count == 4)
    let summary = Summary(of: manifest, samples: samples)
    let old = try Summary(
      reading: Data(contentsOf: folder.appending(path: "summary.json")))
    #expect(old.rows.count == summary.rows.count)
    #expect(old.rows.map(\.successes) == summary.rows.map(\.successes))
    // The first release showed Wilson's limits.
    expectClose(
      old.rows.map { $0.interval?.upper ?? 0 },
      summary.rows.map {
        wilsonInterval(successes: $0.successes, trials: $0.judged)?.upper ?? 1
      }, tolerance: 1e-9)
    #expect(manifest.plan.samplingSeeds == nil)
    #expect(old.recommendation == nil)
  }
}
