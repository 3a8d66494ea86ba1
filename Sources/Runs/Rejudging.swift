package import Foundation
import ModelAccess
package import Scoring
import StudyDesign
import Support

/// One time that the stored replies of a run were judged again.
package struct Rejudging: Codable, Hashable, Sendable {
  package var command: String
  package var version: String
  package var createdAt: String
  /// The judges that judged, with their configurations.
  package var judges: [String: String]
  /// The folder, within the run's, that holds `run.json` and `samples.jsonl` as they were before.
  package var before: String

  package init(
    command: String, version: String, createdAt: String, judges: [String: String],
    before: String = ""
  ) {
    self.command = command
    self.version = version
    self.createdAt = createdAt
    self.judges = judges
    self.before = before
  }
}

extension RunFolder {
  /// Replaces a run's judgements, whole or not at all, and keeps what was there before in a folder that is
  /// a run by itself.
  ///
  /// - Parameters:
  ///   - plan: the run's with its judges as they are now.
  ///   - outcomes: the run's.
  ///   - judged: a sample with its judgements as they are now.
  ///   - lock: the folder's.
  package static func replaceJudgements(
    of url: URL, plan: RunManifest.Plan, _ outcomes: SampleOutcomes,
    judged: (Sample) -> Sample, _ rejudging: Rejudging, lock: RunLock
  ) throws -> RunFolder {
    var manifest = try RunManifest.read(from: url)
    manifest.plan = plan
    var rejudging = rejudging
    rejudging.before = try keepBefore(url)
    manifest.rejudgings = (manifest.rejudgings ?? []) + [rejudging]
    try manifest.check(in: url)
    let file = try StableJSON.encodePretty(manifest)
    try withoutActuallyEscaping(judged) { judged in
      try PendingFiles.replace(
        [
          RunManifest.fileName: { try AtomicFile.write(file, to: $0) },
          Journal.fileName: { place in
            var writer = try JournalWriter(place)
            for outcome in outcomes.all {
              try writer.append(judged(try outcomes.sample(outcome)))
            }
            try writer.close()
          },
        ], in: url)
    }
    return try RunFolder(url, manifest: manifest, resume: true, lock: lock)
  }

  /// Copies a run's two files into a folder of their own.
  ///
  /// - Returns: its name.
  private static func keepBefore(_ url: URL) throws -> String {
    let files = FileManager.default
    var number = 1
    func folder() -> URL { url.appending(path: "before-rejudge-\(number)") }
    while files.fileExists(atPath: folder().path) { number += 1 }
    let unfinished = url.appending(path: "before-rejudge.partial")
    try? files.removeItem(at: unfinished)
    do {
      try files.createDirectory(at: unfinished, withIntermediateDirectories: true)
      for name in [RunManifest.fileName, Journal.fileName] {
        try files.copyItem(
          at: url.appending(path: name), to: unfinished.appending(path: name))
      }
      try files.moveItem(at: unfinished, to: folder())
    } catch {
      throw RunError.unwritable(
        path: folder().path, reason: error.writingReason)
    }
    return folder().lastPathComponent
  }
}

extension RunManifest.Plan {
  /// The plan with further judges, or the same judges configured otherwise.
  ///
  /// - Parameters:
  ///   - judges: those that judge, by the sets whose replies they can judge.
  ///   - primary: whose verdict a set's samples have from now on, where it judges that set; nil leaves
  ///     the sets their primary judges.
  package func judged(
    by judges: [String: [any Judge]], primary: String? = nil
  ) throws(RunError) -> RunManifest.Plan {
    var plan = self
    for (name, judges) in judges {
      for judge in judges {
        plan.judges[judge.name] = judge.configuration
        if plan.datasets[name]?.judges.contains(judge.name) == false {
          plan.datasets[name]?.judges.append(judge.name)
        }
      }
    }
    if let primary {
      let known = Set(plan.datasets.values.flatMap(\.judges))
      guard known.contains(primary) else {
        throw .unknownJudge(primary, known: known.sorted())
      }
      for (name, set) in plan.datasets where set.judges.contains(primary) {
        plan.datasets[name]?.judges = [primary] + set.judges.filter { $0 != primary }
      }
    }
    let names = cells.map(\.dataset)
    let leading = names.first { datasets[$0]?.kind == .harmful } ?? names.first
    plan.judge = leading.flatMap { plan.datasets[$0]?.judges.first } ?? judge
    plan.judgeConfiguration = plan.judges[plan.judge] ?? judgeConfiguration
    return plan
  }
}
