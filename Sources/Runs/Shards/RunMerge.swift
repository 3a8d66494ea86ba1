package import Foundation
import Scoring
import StudyDesign
import Support

/// Makes one run of the journals of a run's shards, or of runs in different folders.
package enum RunMerge {
  /// Puts the shards of one run together, in its folder: from then on it is a run like one that a single
  /// process made.
  ///
  /// - Throws: `RunError.shardInUse` while one works, `.unfinished` where samples are missing, `.partsDiffer`.
  package static func inPlace(_ folder: URL) throws -> StoredRun {
    // Before the folder is taken, which would make one of that name.
    _ = try RunManifest.read(from: folder)
    let lock = try RunLock(folder)
    defer { withExtendedLifetime(lock) {} }
    try PendingFiles.settle(folder)
    var run = try StoredRun(folder)
    guard let division = run.manifest.division else {
      throw RunError.notMergeable(
        path: folder.path, reason: "it is one run already; loxeval report writes its reports anew")
    }
    let progress = RunProgress(run)
    guard progress.missing == 0 else {
      throw RunError.unfinished(
        path: folder.path, missing: progress.missing,
        shards: progress.parts.filter { $0.done < $0.planned }.compactMap(\.shard))
    }
    run.manifest.division = nil
    let manifest = try StableJSON.encodePretty(run.manifest)
    try PendingFiles.replace(
      [
        RunManifest.fileName: { try AtomicFile.write(manifest, to: $0) },
        Journal.fileName: { place in
          var writer = try JournalWriter(place)
          try run.outcomes.write(to: &writer, as: folder.appending(path: Journal.fileName))
          try writer.close()
        },
      ], in: folder)
    // Everything of them stands in the two files now; without the division nobody reads them.
    for shard in 1...division.shards {
      for name in [ShardRecord.fileName(shard), Journal.fileName(ofShard: shard)] {
        try? FileManager.default.removeItem(at: folder.appending(path: name))
      }
    }
    return run
  }

  /// Makes one run of several, which stay as they are.
  ///
  /// - Parameters:
  ///   - folders: of runs of equal plans, finished or not; at least one.
  ///   - output: a folder that is not there yet, or empty.
  package static func into(_ output: URL, _ folders: [URL]) throws -> StoredRun {
    let runs = try folders.map { try StoredRun($0) }
    guard !runs.isEmpty else {
      throw RunError.notMergeable(path: output.path, reason: "expected a run, found none")
    }
    let manifest = try joined(runs)
    let isNew = !FileManager.default.fileExists(atPath: output.path)
    let lock = try RunFolder.reserve(output, resume: false)
    defer { withExtendedLifetime(lock) {} }
    do {
      return try write(manifest, of: runs, to: output)
    } catch {
      // Parts that are not one run leave nothing behind.
      if isNew {
        try? FileManager.default.removeItem(at: output)
      } else {
        PendingFiles.discard(output)
      }
      throw error
    }
  }

  private static func write(
    _ manifest: RunManifest, of runs: [StoredRun], to output: URL
  ) throws -> StoredRun {
    let file = try StableJSON.encodePretty(manifest)
    try PendingFiles.replace(
      [
        RunManifest.fileName: { try AtomicFile.write(file, to: $0) },
        Journal.fileName: { place in
          var writer = try JournalWriter(place)
          for cell in manifest.plan.distinctCells {
            let owners = runs.filter { !$0.outcomes[cell.id].isEmpty }
            if owners.count > 1 {
              for sample in try joined(cell.id, of: owners) { try writer.append(sample) }
            } else if let owner = owners.first {
              for outcome in owner.outcomes[cell.id] {
                _ = try writer.append(line: try owner.outcomes.line(outcome))
              }
            }
          }
          try writer.close()
        },
      ], in: output)
    return try StoredRun(output)
  }

  /// A cell's samples of several runs that have some, each once, in their order.
  private static func joined(
    _ cell: CellID, of runs: [StoredRun]
  ) throws(RunError) -> [Sample] {
    var found: [Sample.Key: (sample: Sample, run: URL)] = [:]
    var order: [Sample.Key] = []
    for run in runs {
      for outcome in run.outcomes[cell] {
        let sample = try run.sample(outcome)
        guard let known = found[sample.key] else {
          found[sample.key] = (sample, run.url)
          order.append(sample.key)
          continue
        }
        let kept = try kept(known.sample, sample, known.run, run.url)
        if kept == sample { found[sample.key] = (kept, run.url) }
      }
    }
    let sorted = order.sorted { a, b in
      a.id == b.id ? a.sample < b.sample : a.id.isBefore(counting: b.id)
    }
    return sorted.compactMap { found[$0]?.sample }
  }

  /// The manifest of runs that are one.
  private static func joined(_ runs: [StoredRun]) throws(RunError) -> RunManifest {
    var earliest = runs[0].manifest
    for run in runs.dropFirst() {
      let manifest = run.manifest
      let differences = try manifest.differences(
        from: runs[0].manifest, except: [.updates, .server, .request])
      guard differences.isEmpty else {
        throw .partsDiffer(
          path: run.url.path,
          fields: differences.map {
            $0.replacing(" there and ", with: " in \(runs[0].url.relativePath) and ")
          })
      }
      guard manifest.plan.sequential == nil else {
        throw .notMergeable(
          path: run.url.path,
          reason: "a run made with --until-decided asks what its own replies leave undecided")
      }
      if manifest.environment.createdAt < earliest.environment.createdAt { earliest = manifest }
    }
    let parts = runs.map { run in
      JoinedRecords.Part(
        name: run.url.relativePath, updates: run.manifest.plan.updates,
        server: run.manifest.plan.server, request: run.manifest.plan.request,
        sessions: run.manifest.sessions ?? [run.manifest.ownSession])
    }
    var joined = earliest.joined(try JoinedRecords(parts, in: runs[0].url.path))
    joined.division = nil
    return joined
  }

  /// Of two samples of one prompt of one cell: that which says more, where they do not contradict each
  /// other.
  private static func kept(
    _ known: Sample, _ other: Sample, _ first: URL, _ second: URL
  ) throws(RunError) -> Sample {
    func overlap(_ reason: String) -> RunError {
      .overlap(
        sample: "\(other.id) of \(other.cell)", first: first.relativePath,
        second: second.relativePath, reason: reason)
    }
    guard other.prompt == known.prompt, other.reference == known.reference else {
      throw overlap("with another prompt")
    }
    if other.failure != nil { return known }
    if known.failure != nil { return other }
    guard other.response == known.response, other.reasoning == known.reasoning,
      other.refusal == known.refusal
    else { throw overlap("with another reply") }
    for (judge, judgement) in known.judgements where judgement.failure == nil {
      if let said = other.judgements[judge], said.failure == nil, said != judgement {
        throw overlap("judged otherwise by \(judge)")
      }
    }
    return other.judgements.values.count { $0.failure == nil }
      > known.judgements.values.count { $0.failure == nil } ? other : known
  }
}

extension RunManifest {
  /// Of a run that one process made, which did not say where.
  fileprivate var ownSession: Session {
    var session = Session(shard: nil, host: "", process: 0, environment: environment)
    session.server = plan.server
    return session
  }
}
