package import Foundation
package import ModelAccess
package import StudyDesign
import Support

/// A run's folder: made, or continued, by one process at a time, or by one for each of its shards.
package struct RunFolder {
  package let url: URL
  package private(set) var manifest: RunManifest
  package let journal: Journal
  /// Of the shard that this process does; nil where it does all of the run.
  package private(set) var record: ShardRecord?
  private let lock: RunLock

  /// Takes a folder for a run before any long work, and refuses one that already has a run unless it
  /// is to be continued.
  ///
  /// - Parameter shard: the part of the run that is to be done; nil for all of it.
  package static func reserve(
    _ url: URL, resume: Bool, shard: Shard? = nil, holder: String = ""
  ) throws(RunError) -> RunLock {
    let lock = try RunLock(url, shard: shard?.index, holder: holder)
    guard let shard else {
      try PendingFiles.settle(url)
      if !resume, holdsRun(url) { throw .runExists(path: url.path) }
      if let division = (try? RunManifest.readFile(in: url))?.division {
        throw .isDivided(path: url.path, shards: division.shards)
      }
      return lock
    }
    try requireDivision(of: url, into: shard.count)
    if !resume, try ShardRecord.read(shard.index, in: url) != nil {
      throw .shardExists(path: url.path, shard: shard.index)
    }
    return lock
  }

  private static func requireDivision(of url: URL, into shards: Int) throws(RunError) {
    // What was merged, and not moved to its place yet, is no run of shards any more.
    guard FileManager.default.fileExists(atPath: place(of: url).path) else { return }
    guard let division = try RunManifest.readFile(in: url).division else {
      throw .isWhole(path: url.path)
    }
    guard division.shards == shards else {
      throw .otherDivision(path: url.path, there: division.shards, here: shards)
    }
  }

  private static func place(of url: URL) -> URL {
    PendingFiles.place(of: RunManifest.fileName, in: url)
  }

  /// Refuses to continue a run that was planned otherwise, before anything is made for it.
  ///
  /// - Parameter manifest: the run's as far as it is planned: what its updates are and what serves them
  ///   is not known yet.
  package static func requireContinuable(_ url: URL, _ manifest: RunManifest) throws(RunError) {
    guard holdsRun(url) else { return }
    try requireSamePlan(
      manifest, as: try RunManifest.read(from: url),
      except: [.updates, .server, .request, .geometry],
      in: url)
  }

  private static func requireSamePlan(
    _ manifest: RunManifest, as existing: RunManifest, except fields: Set<RunManifest.PlanField>,
    in url: URL
  ) throws(RunError) {
    let differences = try manifest.goingOn(with: existing).differences(
      from: existing, except: fields)
    guard differences.isEmpty else { throw .runDiffers(path: url.path, fields: differences) }
  }

  /// Begins a shard's part, or goes on with it: the first of a run's shards writes its manifest, which none
  /// writes again, and each a record of its own.
  ///
  /// - Parameters:
  ///   - manifest: the run's as far as it is planned, with its division.
  ///   - lock: the shard's.
  /// - Returns: the run's manifest, whose division holds.
  package static func begin(
    _ shard: Shard, of url: URL, _ manifest: RunManifest, lock: RunLock
  ) throws -> RunManifest {
    var planned = manifest
    planned.plan.updates = [:]
    planned.plan.server = ""
    planned.plan.request = nil
    let isFirst = try AtomicFile.create(
      try StableJSON.encodePretty(planned), at: url.appending(path: RunManifest.fileName))
    if !isFirst {
      try requireDivision(of: url, into: shard.count)
      try requireContinuable(url, manifest)
      planned = try RunManifest.readFile(in: url)
    }
    let session = Session.here(shard: shard.index, manifest.environment)
    var record =
      try ShardRecord.read(shard.index, in: url) ?? ShardRecord(shard: shard.index, sessions: [])
    record.sessions.append(session)
    try record.write(in: url)
    return planned
  }

  /// Keeps how requests came to be written while the run went on.
  package mutating func note(_ form: RequestForm) throws {
    let request = form == .usual ? nil : form
    if var record {
      guard record.request != request else { return }
      record.request = request
      try keep(record)
      return
    }
    guard manifest.plan.request != request else { return }
    manifest.plan.request = request
    try manifest.write(to: url)
  }

  /// Keeps what the run has cost so far.
  package mutating func note(_ spending: Spending) throws {
    guard manifest.spending != spending else { return }
    manifest.spending = spending
    try manifest.write(to: url)
  }

  /// Keeps what further updates of the run are, which were made while it went on.
  ///
  /// - Throws: `RunError.runDiffers` where one is another than it was.
  package mutating func note(updates: [String: String]) throws {
    let known = record?.updates ?? manifest.plan.updates
    try Self.requireSameUpdates(updates, as: known, in: url)
    let all = known.merging(updates) { first, _ in first }
    guard all != known else { return }
    if var record {
      record.updates = all
      try keep(record)
    } else {
      manifest.plan.updates = all
      try manifest.write(to: url)
    }
  }

  /// Updates that one of the two does not know yet are made later.
  ///
  /// - Parameter computed: what else may have made them others.
  private static func requireSameUpdates(
    _ updates: [String: String], as known: [String: String], in url: URL, computed: String? = nil
  ) throws(RunError) {
    let differences = updates.sorted { $0.key < $1.key }.compactMap { name, digest in
      known[name].flatMap { there in
        there == digest ? nil : "updates.\(name) is \(there) there and \(digest) here"
      }
    }
    guard differences.isEmpty else {
      throw .runDiffers(path: url.path, fields: differences + [computed].compactMap(\.self))
    }
  }

  private mutating func keep(_ record: ShardRecord) throws {
    try record.write(in: url)
    self.record = record
    manifest.plan.updates = record.updates
    manifest.plan.request = record.request
  }

  /// How the requests of a run that is there are written; nil where there is none, or none that can be
  /// read.
  package static func requestForm(of url: URL) -> RequestForm? {
    (try? RunManifest.read(from: url))?.plan.request
  }

  /// The recipes of the attacks that a run measures; empty where there is no run that can be read.
  package static func attackRecipes(of url: URL) -> Set<String> {
    Set((try? RunManifest.readFile(in: url))?.plan.cells.map(\.attack.recipe) ?? [])
  }

  /// Whether a run was begun in a folder.
  package static func holdsRun(_ url: URL) -> Bool {
    FileManager.default.fileExists(atPath: url.appending(path: RunManifest.fileName).path)
  }

  /// Creates the folder with its manifest, or opens that of an equal plan.
  ///
  /// - Parameters:
  ///   - resume: whether a run that is there may be continued.
  ///   - lock: the folder's, where it was reserved before.
  package init(_ url: URL, manifest: RunManifest, resume: Bool, lock: RunLock? = nil) throws {
    self.url = url
    self.lock = try lock ?? RunLock(url)
    try PendingFiles.settle(url)
    let hasRun = Self.holdsRun(url)
    if hasRun {
      guard resume else { throw RunError.runExists(path: url.path) }
      let existing = try RunManifest.read(from: url)
      try Self.requireSamePlan(manifest, as: existing, except: [.updates], in: url)
      try Self.requireSameUpdates(
        manifest.plan.updates, as: existing.plan.updates, in: url,
        computed: manifest.environment.otherwise(than: existing.environment))
      // What does not decide the samples may be told anew.
      var current = existing
      current.limits = manifest.limits
      current.plan.updates.merge(manifest.plan.updates) { first, _ in first }
      if current != existing { try current.write(to: url) }
      self.manifest = current
    } else {
      self.manifest = manifest
    }
    try self.manifest.check(in: url)
    do {
      journal = try Journal(folder: url, plan: self.manifest.plan)
    } catch {
      // Of another plan, which is gone.
      if !hasRun, case .foreignSample = error { throw RunError.manifestMissing(path: url.path) }
      throw error
    }
    guard !hasRun else { return }
    guard journal.isEmpty else { throw RunError.manifestMissing(path: url.path) }
    try manifest.write(to: url)
  }

  /// Opens a shard's part of a run, which was begun.
  ///
  /// - Parameters:
  ///   - shard: the part.
  ///   - manifest: the run's, with the updates and the server of this shard.
  ///   - lock: the shard's.
  package init(_ url: URL, shard: Shard, manifest: RunManifest, lock: RunLock) throws {
    self.url = url
    self.lock = lock
    let existing = try RunManifest.readFile(in: url)
    try Self.requireSamePlan(
      manifest, as: existing, except: [.updates, .server, .request, .geometry], in: url)
    guard var record = try ShardRecord.read(shard.index, in: url) else {
      throw RunError.runMissing(path: url.path)
    }
    try Self.requireSameUpdates(manifest.plan.updates, as: record.updates, in: url)
    record.updates.merge(manifest.plan.updates) { first, _ in first }
    let isAnswered = !record.server.isEmpty
    guard !isAnswered || record.server == manifest.plan.server else {
      throw RunError.runDiffers(
        path: url.path,
        fields: ["server is \(record.server) there and \(manifest.plan.server) here"])
    }
    guard
      !isAnswered
        || (record.request ?? .usual).wanted == (manifest.plan.request ?? .usual).wanted
    else {
      throw RunError.runDiffers(path: url.path, fields: ["request"])
    }
    record.server = manifest.plan.server
    record.request = manifest.plan.request

    var current = existing
    current.plan.updates = record.updates
    current.plan.server = record.server
    current.plan.request = record.request
    self.manifest = current
    try current.check(in: url)
    journal = try Journal(
      folder: url, plan: current.plan, shard: shard.index,
      of: Set(current.cells(of: shard.index).map(\.id)))
    if var session = record.sessions.last {
      session.server = record.server
      session.asking = Date.now.formatted(.iso8601)
      session.samplesBefore = try journal.outcomes().count
      record.sessions[record.sessions.count - 1] = session
    }
    self.record = record
    try record.write(in: url)
    // What others have said by now is compared before anything is asked.
    _ = try existing.joined(in: url)
  }

  /// What this process asks: its shard's cells, or all of the run's.
  ///
  /// - Parameter places: in the plan, to which it is limited now; nil for all.
  package func cells(at places: Set<Int>? = nil) -> [Cell] {
    manifest.places(of: record?.shard).filter { places?.contains($0) ?? true }
      .map { manifest.plan.cells[$0] }
  }
}

extension RunManifest {
  /// The plan as it is for a run that it is to go on with: a run keeps the rules that it began with, and
  /// does not come to differ by what an earlier release did not write down.
  fileprivate func goingOn(with existing: RunManifest) -> RunManifest {
    var manifest = self
    manifest.plan.samplingSeeds = existing.plan.samplingSeeds
    if existing.plan.ladder == nil { manifest.plan.ladder = nil }
    let kinds = Dictionary(
      existing.plan.cells.map { ($0.id, $0.attack.training) },
      uniquingKeysWith: { first, _ in first })
    for index in manifest.plan.cells.indices {
      if kinds[manifest.plan.cells[index].id] == .some(nil) {
        manifest.plan.cells[index].attack.training = nil
      }
    }
    return manifest
  }
}
