import Foundation
import StudyDesign
import Support

extension RunManifest {
  /// With what a run's shards say of their updates and servers, which nobody knew when the run was begun.
  func joined(in folder: URL) throws(RunError) -> RunManifest {
    guard let division else { return self }
    guard division.isValid(cells: plan.cells.count) else {
      throw .invalidPlan(
        path: folder.appending(path: Self.fileName).path,
        reason:
          "a division into \(division.shards) shards that does not fit \(plan.cells.count) cells")
    }
    let parts = try ShardRecord.all(of: division, in: folder).map { record in
      JoinedRecords.Part(
        name: "shard \(record.shard)", updates: record.updates, server: record.server,
        request: record.request, sessions: record.sessions)
    }
    return joined(try JoinedRecords(parts, in: folder.path))
  }

  func joined(_ records: JoinedRecords) -> RunManifest {
    var manifest = self
    manifest.plan.updates = records.updates
    manifest.plan.server = records.server
    manifest.plan.request = records.request
    manifest.sessions = records.sessions.isEmpty ? nil : records.sessions
    return manifest
  }

  /// What a shard measures of the run; all of it where there is none.
  package func cells(of shard: Int?) -> [Cell] { places(of: shard).map { plan.cells[$0] } }

  /// Where those cells stand in the plan.
  func places(of shard: Int?) -> [Int] {
    guard let shard, let division else { return Array(plan.cells.indices) }
    return division.places(of: shard)
  }

  /// Of the sessions that made the run, those whose processors differ, with the shards that each did: what
  /// they computed may differ in its last bits. Empty where all are alike.
  package var unlikeProcessors: [(processor: String, shards: [Int])] {
    let groups = Dictionary(grouping: sessions ?? [], by: \.processor)
    guard groups.count > 1 else { return [] }
    return groups.map { ($0.key, Set($0.value.compactMap(\.shard)).sorted()) }
      .sorted { ($0.1.first ?? 0, $0.0) < ($1.1.first ?? 0, $1.0) }
  }
}
