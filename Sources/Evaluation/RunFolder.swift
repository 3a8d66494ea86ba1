public import Foundation

/// A run's folder: made, or continued, by one process at a time.
public struct RunFolder {
  public let url: URL
  public let manifest: RunManifest
  public let journal: Journal

  /// Refuses a folder that already has a run, unless it is to be continued: before any long work.
  static func check(_ url: URL, resume: Bool) throws(EvaluationError) {
    let file = url.appending(path: RunManifest.fileName).path
    if !resume, FileManager.default.fileExists(atPath: file) { throw .runExists(path: url.path) }
  }

  /// Creates the folder with its manifest, or opens that of an equal plan.
  ///
  /// - Parameter resume: whether a run that is there may be continued.
  public init(_ url: URL, manifest: RunManifest, resume: Bool) throws {
    self.url = url
    let manager = FileManager.default
    let hasRun = manager.fileExists(atPath: url.appending(path: RunManifest.fileName).path)
    if hasRun {
      guard resume else { throw EvaluationError.runExists(path: url.path) }
      let existing = try RunManifest.read(from: url)
      let differences = manifest.differences(from: existing)
      guard differences.isEmpty else {
        throw EvaluationError.runDiffers(path: url.path, fields: differences)
      }
      // What does not decide the samples may be told anew.
      var current = existing
      current.limits = manifest.limits
      if !manifest.judgeQuality.isEmpty { current.judgeQuality = manifest.judgeQuality }
      if current != existing { try current.write(to: url) }
      self.manifest = current
    } else {
      self.manifest = manifest
      do {
        try manager.createDirectory(at: url, withIntermediateDirectories: true)
      } catch {
        throw EvaluationError.unwritable(
          path: url.path, reason: (error as NSError).localizedDescription)
      }
    }
    journal = try Journal(folder: url)
    if !hasRun {
      // A journal without a manifest belongs to no known plan.
      guard journal.samples.isEmpty else { throw EvaluationError.runExists(path: url.path) }
      try manifest.write(to: url)
    }
  }

  /// What the journal says so far.
  public var summary: Summary { Summary(of: manifest, samples: journal.samples) }
}
