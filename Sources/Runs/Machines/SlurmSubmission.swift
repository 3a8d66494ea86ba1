package import Foundation
import Support

/// Hands a study's jobs to Slurm.
package enum SlurmSubmission {
  /// The jobs' numbers.
  package struct Submitted: Hashable, Sendable {
    package let shards: String
    package let merge: String
  }

  package enum Failure: Error, CustomStringConvertible {
    case sbatch(reason: String, script: String)

    package var description: String {
      switch self {
      case .sbatch(let reason, let script):
        "expected sbatch to take \(script), found: \(reason); submit it yourself, or pass what it wants with "
          + "--sbatch-options"
      }
    }
  }

  /// Submits the array job, and the merge for when all of its tasks have ended.
  ///
  /// - Parameter scripts: as `SlurmJobs.write` gives them.
  package static func submit(_ scripts: [URL]) throws -> Submitted {
    let shards = try sbatch([], scripts[0])
    // A task that is queued again has not ended; one that failed leaves a merge that says what is missing.
    let merge = try sbatch(["--dependency=afterany:\(shards)"], scripts[1])
    return Submitted(shards: shards, merge: merge)
  }

  private static func sbatch(_ options: [String], _ script: URL) throws -> String {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = ["sbatch", "--parsable"] + options + [script.path]
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try process.run()
    let said = output.fileHandleForReading.readDataToEndOfFile()
    let complaint = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    // `123`, or `123;cluster`.
    let job = String(decoding: said, as: UTF8.self).split(whereSeparator: \.isWhitespace).first?
      .split(separator: ";").first.map(String.init)
    guard process.terminationStatus == 0, let job, Int(job) != nil else {
      let reason = PrintableText.line(
        String(decoding: complaint, as: UTF8.self)
          .trimmingCharacters(in: .whitespacesAndNewlines))
      throw Failure.sbatch(
        reason: reason.isEmpty ? "status \(process.terminationStatus)" : reason, script: script.path
      )
    }
    return job
  }
}
