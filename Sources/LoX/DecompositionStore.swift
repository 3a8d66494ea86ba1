import Checkpoints
package import Foundation
import LinearAlgebra
import Support

/// Decompositions that are kept from one command to the next, so that what `spectrum` computed need not be computed by
/// `extrapolate` and `sweep` again: minutes for a pair of large models.
///
/// An entry is a safetensors file, named by the digest of all that decides its bits: which content the files of both
/// models have (`FileVersion`), the tensors, the rank, and what computes here. What is read from it is to the bit what
/// would be computed. Any number of processes may use a store at once: an entry gets its name when it is whole, and
/// a reader keeps the file that it opened. Where nothing can be kept, nothing is, and all works as without a store.
package struct DecompositionStore: Sendable {
  /// Raised when the same weights are decomposed into other bits than before.
  private static let revision = 1

  let folder: URL
  /// Bytes that entries may take together: those not used for the longest go.
  var capacity = 4 << 30
  /// Bytes of both models' weights below which decomposing takes less than people wait.
  var leastWeights = 2 << 30
  /// Seconds since the last change of a model's files: younger ones could be written again within the same tick of the
  /// clock.
  var leastAge = 2.0

  /// - Parameter folder: created when there is something to keep.
  package init(folder: URL) { self.folder = folder }

  /// The folder that `LOXEVAL_CACHE` names, else `loxeval` in the user's caches.
  ///
  /// - Parameters:
  ///   - environment: the process's.
  ///   - home: the user's folder.
  /// - Returns: nil where `LOXEVAL_CACHE` is empty: nothing is kept.
  package init?(_ environment: [String: String], home: String = NSHomeDirectory()) {
    let root: URL
    if let own = environment["LOXEVAL_CACHE"] {
      guard !own.isEmpty else { return nil }
      root = URL(filePath: own)
    } else if let caches = environment["XDG_CACHE_HOME"], caches.hasPrefix("/") {
      root = URL(filePath: caches).appending(path: "loxeval")
    } else {
      root = URL(filePath: environment["HOME"] ?? home).appending(path: ".cache/loxeval")
    }
    self.init(folder: root.appending(path: "decompositions"))
  }

  /// Where the leading triplets of a pair stand, or will; nil where they are not worth keeping, or the files are too
  /// young.
  func entry(for pair: AlignmentPair, count: Int, exact: Bool) -> URL? {
    guard pair.base.byteCount + pair.aligned.byteCount >= leastWeights,
      let old = pair.base.versions, let new = pair.aligned.versions,
      let newest = (old + new).map(\.changedAt).max(),
      newest <= Date().timeIntervalSince1970 - leastAge
    else { return nil }
    var lines = [
      "revision \(Self.revision)", "\(count) \(exact ? "of all" : "leading") triplets",
      Arithmetic.float32.instructions, BLAS.build,
    ]
    for (role, versions) in [("base", old), ("aligned", new)] {
      lines += versions.map { "\(role) \($0)" }
    }
    for name in pair.targetNames { lines.append("\(name) of \(pair.baseNames[name])") }
    let digest = Digest.sha256(Data(lines.joined(separator: "\n").utf8))
    return folder.appending(path: "\(digest.dropFirst("sha256:".count)).safetensors")
  }

  /// Removes entries that were not used for long, as far as all together are too large, and what killed processes left.
  func tidy() {
    let keys: [URLResourceKey] = [.contentModificationDateKey, .fileSizeKey]
    let found =
      (try? FileManager.default.contentsOfDirectory(at: folder, includingPropertiesForKeys: keys))
      ?? []
    var used = 0
    let entries = found.compactMap { url -> (url: URL, used: Date, size: Int)? in
      guard let values = try? url.resourceValues(forKeys: Set(keys)),
        let date = values.contentModificationDate, let size = values.fileSize
      else { return nil }
      return (url, date, size)
    }
    for entry in entries.sorted(by: { $0.used > $1.used }) {
      if entry.url.pathExtension == "safetensors" {
        used += entry.size
        if used <= capacity { continue }
      } else if entry.used.timeIntervalSinceNow > -Self.longestWriting {
        continue
      }
      try? FileManager.default.removeItem(at: entry.url)
    }
  }

  /// In seconds: what was written to longer ago is not finished any more.
  private static let longestWriting = 86_400.0
}
