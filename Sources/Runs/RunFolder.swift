package import Foundation
package import ModelAccess
import StudyDesign

/// A run's folder: made, or continued, by one process at a time.
package struct RunFolder {
  package let url: URL
  package private(set) var manifest: RunManifest
  package let journal: Journal
  private let lock: RunLock

  /// Takes a folder for a run before any long work, and refuses one that already has a run unless it
  /// is to be continued.
  package static func reserve(_ url: URL, resume: Bool) throws(RunError) -> RunLock {
    let lock = try RunLock(url)
    try PendingFiles.settle(url)
    if !resume, holdsRun(url) { throw .runExists(path: url.path) }
    return lock
  }

  /// Refuses to continue a run that was planned otherwise, before anything is made for it.
  ///
  /// - Parameter manifest: the run's as far as it is planned: what its updates are and what serves them
  ///   is not known yet.
  package static func requireContinuable(_ url: URL, _ manifest: RunManifest) throws(RunError) {
    guard holdsRun(url) else { return }
    let existing = try RunManifest.read(from: url)
    let differences = try manifest.goingOn(with: existing).differences(
      from: existing, except: [.updates, .server, .request, .geometry])
    guard differences.isEmpty else { throw .runDiffers(path: url.path, fields: differences) }
  }

  /// Keeps how requests came to be written while the run went on.
  package mutating func note(_ form: RequestForm) throws {
    let request = form == .usual ? nil : form
    guard manifest.plan.request != request else { return }
    manifest.plan.request = request
    try manifest.write(to: url)
  }

  /// How the requests of a run that is there are written; nil where there is none, or none that can be
  /// read.
  package static func requestForm(of url: URL) -> RequestForm? {
    (try? RunManifest.read(from: url))?.plan.request
  }

  /// The recipes of the attacks that a run measures; empty where there is no run that can be read.
  package static func attackRecipes(of url: URL) -> Set<String> {
    Set((try? RunManifest.read(from: url))?.plan.cells.map(\.attack.recipe) ?? [])
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
      let differences = try manifest.goingOn(with: existing).differences(from: existing)
      guard differences.isEmpty else {
        throw RunError.runDiffers(path: url.path, fields: differences)
      }
      // What does not decide the samples may be told anew.
      var current = existing
      current.limits = manifest.limits
      if current != existing { try current.write(to: url) }
      self.manifest = current
    } else {
      self.manifest = manifest
    }
    journal = try Journal(folder: url, plan: self.manifest.plan)
    if hasRun {
      try self.manifest.check(journal.samples, in: url)
    } else {
      guard journal.samples.isEmpty else {
        throw RunError.manifestMissing(path: url.path)
      }
      try manifest.write(to: url)
    }
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
