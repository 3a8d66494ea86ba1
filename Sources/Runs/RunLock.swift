package import Foundation
import StudyDesign
import Support

/// Keeps a second process out of a run's folder, from before its attacks are trained to its end: out of all
/// of it, or, of a run that shards make, out of one shard's part.
package final class RunLock: Sendable {
  private let folder: FolderLock
  private let shard: FileLock?
  private let path: String
  private let isNew: Bool

  /// Makes the folder where there is none.
  ///
  /// - Parameters:
  ///   - shard: the part that is taken; nil for all of the folder, which no shard may be working in.
  ///   - holder: who takes it, for people.
  /// - Throws: `RunError.runInUse`, `.shardInUse`, `.unwritable`.
  package init(_ url: URL, shard: Int? = nil, holder: String = "") throws(RunError) {
    let files = FileManager.default
    path = url.path
    isNew = !files.fileExists(atPath: path)
    do {
      try files.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .unwritable(path: path, reason: error.writingReason)
    }
    do throws(FolderLock.Failure) {
      folder = try FolderLock(path, isShared: shard != nil)
    } catch {
      throw Self.failure(error, path, .runInUse(path: path))
    }
    guard let shard else {
      self.shard = nil
      // The folder's own lock does not reach other machines.
      try Self.requireNoShard(url)
      return
    }
    let file = ShardRecord.file(shard, in: url)
    do throws(FolderLock.Failure) {
      self.shard = try FileLock(of: file, holder: holder, attempts: 10)
    } catch {
      throw Self.failure(
        error, path,
        .shardInUse(path: path, shard: shard, holder: FileLock.holder(of: file)))
    }
  }

  private static func failure(
    _ failure: FolderLock.Failure, _ path: String, _ inUse: RunError
  ) -> RunError {
    switch failure {
    case .inUse: inUse
    case .system(let code):
      .unwritable(path: path, reason: unsafe String(cString: strerror(code)))
    }
  }

  private static func requireNoShard(_ url: URL) throws(RunError) {
    guard let division = (try? RunManifest.readFile(in: url))?.division else { return }
    for shard in 1...max(1, min(division.shards, Shard.most))
    where ShardRecord.isHeld(shard, in: url) {
      throw .shardInUse(
        path: url.path, shard: shard,
        holder: FileLock.holder(of: ShardRecord.file(shard, in: url)))
    }
  }

  deinit {
    // A run that did not begin leaves no empty folder; one with files in it stays.
    if isNew { _ = unsafe rmdir(path) }
  }
}
