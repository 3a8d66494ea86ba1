package import Foundation
package import Testing

/// Golden values and public data that stand beside the checkout. Tests that need them are skipped
/// by name where they are missing.
package enum SharedMaterial {
  /// `../shared` beside the checkout, or `LOXEVAL_SHARED` where that is set.
  package static let folder: URL = {
    if let path = ProcessInfo.processInfo.environment["LOXEVAL_SHARED"] {
      return URL(filePath: path)
    }
    return URL(filePath: #filePath)  // Tests/TestSupport/SharedMaterial.swift
      .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "shared")
  }()

  /// The folder of the SmolLM2 pair that `make-smollm2` builds: `LOXEVAL_SMOLLM2`, if set.
  package static let smolLM2: URL? = ProcessInfo.processInfo.environment["LOXEVAL_SMOLLM2"]
    .map { URL(filePath: $0) }

  /// Whether a path below the shared folder exists.
  package static func has(_ path: String) -> Bool {
    FileManager.default.fileExists(atPath: folder.appending(path: path).path)
  }
}

extension SharedMaterial {
  /// What a skipped test says it misses.
  package static let needsSmolLM2: Comment =
    "needs the SmolLM2 pair: set LOXEVAL_SMOLLM2 to the folder that make-smollm2 filled"
}
