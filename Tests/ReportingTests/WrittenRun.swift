import Foundation
import TestSupport
import TinyRun

@testable import Runs

/// A run's folder as a study leaves it.
enum WrittenRun {
  @discardableResult
  static func write(
    _ manifest: RunManifest, _ samples: [Sample], to folder: TemporaryFolder, _ path: String
  ) throws -> URL {
    let place = folder.url.appending(path: path)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    try manifest.write(to: place)
    try folder.write(try Journal.lines(of: samples), "\(path)/samples.jsonl")
    return place
  }
}
