package import Foundation
import ModelAccess
import StudyDesign
import Support

/// How far a run is, from its files alone.
package struct RunProgress: Codable, Sendable {
  /// What one process of a run does: a shard, or all of it.
  package struct Part: Codable, Sendable {
    /// nil where one process does all.
    package var shard: Int?
    package var state: State
    /// Samples that have a line in the journal, and those that there will be.
    package var done: Int
    package var planned: Int
    /// Of `done`, requests that failed.
    package var errors: Int
    /// Who works on it, or did last; nil where nobody said so.
    package var host: String?
    package var process: Int?
    /// Samples a minute in the session that works, or worked last; nil before there are any of it.
    package var perMinute: Double?
    /// Seconds that are left at that rate, for a part that somebody works on; of one that is prepared, by what its
    /// trainings took so far.
    package var secondsLeft: Double?
    /// Of a part that is prepared, trainings that are not done; nil where it did not say.
    package var trainingsLeft: Int?

    enum CodingKeys: String, CodingKey {
      case shard, state, done, planned, errors, host, process
      case perMinute = "per_minute"
      case secondsLeft = "seconds_left"
      case trainingsLeft = "trainings_left"
    }
  }

  package enum State: String, Codable, Sendable {
    /// Nobody has begun it.
    case waiting
    /// A process decomposes, trains attacks or starts its servers.
    case preparing
    /// A process asks.
    case asking
    /// Begun, not finished, and nobody works on it.
    case stopped
    case finished
  }

  package var parts: [Part]
  package var done: Int
  package var planned: Int
  package var errors: Int
  /// Seconds until the last part is done, where somebody works on every part that is not.
  package var secondsLeft: Double?
  /// What it has cost; nil where nobody gave prices.
  package var spending: Spending?

  enum CodingKeys: String, CodingKey {
    case parts, done, planned, errors, spending
    case secondsLeft = "seconds_left"
  }

  package var missing: Int { planned - done }

  init(_ parts: [Part]) {
    self.parts = parts
    done = parts.reduce(0) { $0 + $1.done }
    planned = parts.reduce(0) { $0 + $1.planned }
    errors = parts.reduce(0) { $0 + $1.errors }
    let open = parts.filter { $0.state != .finished }
    let left = open.compactMap(\.secondsLeft)
    secondsLeft = left.count == open.count ? left.max() ?? 0 : nil
  }

  /// Counts of a run that was read.
  init(_ run: StoredRun) {
    var counts: [Int?: Count] = [:]
    let owners = run.manifest.owners
    for cell in run.outcomes.byCell {
      let owner = owners[cell.cell] ?? nil
      for sample in cell { counts[owner, default: Count()].add(sample.failure != nil) }
    }
    self.init(
      run.manifest.shards.map { shard in
        let count = counts[shard] ?? Count()
        let planned = run.manifest.samples(of: shard)
        return Part(
          shard: shard, state: count.done >= planned ? .finished : .stopped, done: count.done,
          planned: planned, errors: count.errors)
      })
  }

  private struct Count {
    var done = 0
    var errors = 0

    mutating func add(_ isError: Bool) {
      done += 1
      if isError { errors += 1 }
    }
  }

  /// Reads the files of a run that others may be writing.
  package init(of folder: URL) throws(RunError) {
    let manifest = try RunManifest.read(from: folder)
    let records =
      try manifest.division.map { division throws(RunError) in
        try ShardRecord.all(of: division, in: folder)
      } ?? []
    let files = try Journal.files(of: manifest.division, in: folder)
    var parts: [Part] = []
    for shard in manifest.shards {
      let file = files.first { $0.shard == shard }?.url
      var count = Count()
      if let file { count = try Self.count(file) }
      let record = records.first { $0.shard == shard }
      let isHeld =
        shard.map { ShardRecord.isHeld($0, in: folder) } ?? FolderLock.isHeld(folder.path)
      var part = Part(
        shard: shard, state: .stopped, done: count.done, planned: manifest.samples(of: shard),
        errors: count.errors)
      let session = record?.sessions.last
      (part.host, part.process) = (session?.host, session?.process)
      if part.done >= part.planned {
        part.state = .finished
      } else if isHeld {
        part.state = shard == nil || session?.asking != nil ? .asking : .preparing
      } else if shard != nil, record == nil {
        part.state = .waiting
      }
      if let session, let file { part.setRate(session, file) }
      if part.state == .preparing, let session, let shard,
        let said = Preparation.read(
          in: ShardRecord.workspace(of: shard, in: folder), since: session.environment.createdAt)
      {
        (part.secondsLeft, part.trainingsLeft) = (said.secondsLeft.rounded(), said.trainings)
      }
      parts.append(part)
    }
    self.init(parts)
    spending = try Spending.read(in: folder)
  }

  /// What of a journal's line is counted.
  private struct Line: Decodable {
    var cell: CellID
    var id: String
    var sample: Int?
    var error: String?
  }

  /// Lines as they stand: what is wrong with one is for those to say who read the run.
  private static func count(_ file: URL) throws(RunError) -> Count {
    // Whether the last line of a sample failed, by a hash of its key: ten million are counted in little room.
    var failed: [UInt64: Bool] = [:]
    let decoder = JSONDecoder()
    do {
      try StreamedLines.read(
        file, decoding: { try? decoder.decode(Line.self, from: $0) },
        { _, line in
          guard let line else { return }
          failed[Fingerprint.hash("\(line.cell.rawValue)\n\(line.id)\n\(line.sample ?? 0)")] =
            line.error != nil
        })
    } catch {
      throw .unreadable(path: file.path, reason: error.plainReason)
    }
    return Count(done: failed.count, errors: failed.values.count { $0 })
  }
}

extension RunProgress.Part {
  /// From the session's beginning to the journal's last line.
  fileprivate mutating func setRate(_ session: Session, _ journal: URL) {
    guard let asking = session.asking.flatMap({ try? Date($0, strategy: .iso8601) }),
      let before = session.samplesBefore, let state = FileState(of: journal.path),
      case let seconds = Double(state.seconds) - asking.timeIntervalSince1970, seconds >= 1,
      case let count = done - before, count > 0
    else { return }
    let rate = Double(count) / seconds
    perMinute = (rate * 600).rounded() / 10
    if self.state == .asking { secondsLeft = (Double(planned - done) / rate).rounded() }
  }
}

extension RunManifest {
  /// The parts of the run: its shards, or the one that does all.
  var shards: [Int?] { division.map { (1...$0.shards).map(Optional.some) } ?? [nil] }

  /// The shard of each cell; nil for all where one process does the run.
  var owners: [CellID: Int?] {
    Dictionary(
      plan.cells.enumerated().map { ($1.id, division?.cells[$0]) },
      uniquingKeysWith: { first, _ in first })
  }

  /// How many samples a part of the run has; at most, where it goes on until it is decided.
  func samples(of shard: Int?) -> Int {
    var seen: Set<CellID> = []
    return cells(of: shard).filter { seen.insert($0.id).inserted }.reduce(0) {
      $0 + (plan.datasets[$1.dataset]?.prompts ?? 0) * plan.samples
    }
  }
}
