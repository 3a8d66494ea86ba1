import CMapping
import Foundation
import Support

/// A file or folder that is written under a temporary name beside its destination, and renamed
/// when it is complete.
///
/// Until then the name ends in `.partial-` and a random word, or `unfinished` where another process
/// may go on with it, so nothing that looks finished is left by a failure, which removes it, or a
/// killed process, which cannot.
final class PartialOutput {
  enum Kind {
    case file, folder
  }

  /// Where to write until `commit()`. A folder is created; a file is not.
  let url: URL
  private let kind: Kind
  private let destination: URL
  private let replaceExisting: Bool
  /// Whether a failure leaves what an earlier process had begun.
  private let keepsUnfinished: Bool
  /// On a folder whose name another process may use too.
  private var lock: FolderLock?
  private var isCommitted = false
  private var isAbandoned = false

  /// - Parameters:
  ///   - needed: bytes about to be written.
  ///   - replaceExisting: whether what is at the destination may be replaced.
  ///   - continues: a folder that a killed process left is used again, else removed; nil gives each
  ///     output a name of its own.
  /// - Throws: `fileSystem` where the destination exists (an empty folder is no obstacle), another
  ///   process is writing it, the space does not suffice, or the folder cannot be created.
  init(
    _ kind: Kind, at destination: URL, needed: Int, replaceExisting: Bool, continues: Bool? = nil
  ) throws(CheckpointError) {
    let destination = destination.standardizedFileURL
    let parent = destination.deletingLastPathComponent()
    let word = continues == nil ? String(UInt64.random(in: .min ... .max), radix: 36) : "unfinished"
    self.kind = kind
    self.destination = destination
    self.replaceExisting = replaceExisting
    self.url = parent.appending(path: "\(destination.lastPathComponent).partial-\(word)")
    self.keepsUnfinished = continues == true && FileManager.default.fileExists(atPath: url.path)
    if !replaceExisting && Self.isOccupied(destination) {
      throw .fileSystem(.outputExists(path: destination.path))
    }
    try Self.createFolder(parent.path)
    if let continues {
      // What another process is writing is not this one's to remove.
      isAbandoned = true
      try Self.createFolder(url.path)
      do throws(FolderLock.Failure) {
        lock = try FolderLock(url.path)
      } catch .inUse {
        throw .fileSystem(.outputInUse(path: destination.path))
      } catch {
        throw .system("open", url.path)
      }
      isAbandoned = false
      if !continues { Self.empty(url) }
    }
    var status = statvfs()
    guard unsafe statvfs(parent.path, &status) == 0 else { throw .system("examine", parent.path) }
    let available = Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
    guard keepsUnfinished || needed <= available else {
      throw .fileSystem(
        .notEnoughSpace(path: destination.path, needed: needed, available: available))
    }
    if kind == .folder {
      try Self.createFolder(url.path)
    }
  }

  deinit { abandon() }

  /// Removes what was written, where it was not committed.
  func abandon() {
    guard !isCommitted, !isAbandoned else { return }
    isAbandoned = true
    // Nothing more can be done where even the removal fails; the name says it is not finished.
    if !keepsUnfinished { try? FileManager.default.removeItem(at: url) }
  }

  /// Gives the output its own name.
  ///
  /// One rename where the destination is free, an empty folder, or a file to be replaced. A folder
  /// to be replaced is first renamed aside, and removed last.
  func commit() throws(CheckpointError) {
    if !replaceExisting && Self.isOccupied(destination) {
      throw .fileSystem(.outputExists(path: destination.path))
    }
    var aside: URL?
    if kind == .folder {
      try Self.synchronizeFolder(url.path)
      if Self.isOccupied(destination) {
        let name = url.lastPathComponent.replacing(".partial-", with: ".replaced-")
        let old = url.deletingLastPathComponent().appending(path: name)
        try Self.rename(destination.path, old.path)
        aside = old
      }
    }
    try Self.rename(url.path, destination.path)
    isCommitted = true
    try Self.synchronizeFolder(destination.deletingLastPathComponent().path)
    if let aside {
      try? FileManager.default.removeItem(at: aside)
    }
  }

  /// Refuses a destination where something is already: before long work, whose result would then have
  /// no place.
  static func refuseOccupied(_ destination: URL) throws(CheckpointError) {
    let destination = destination.standardizedFileURL
    guard !isOccupied(destination) else {
      throw .fileSystem(.outputExists(path: destination.path))
    }
  }

  /// Removes what processes that were killed left of a destination under names of their own.
  ///
  /// Only where locks reach all who may write there, and only this user's: others may not see the lock.
  ///
  /// - Precondition: the caller holds the lock without which nobody writes the destination.
  static func removeLeftovers(of destination: URL) {
    let destination = destination.standardizedFileURL
    let parent = destination.deletingLastPathComponent()
    guard knowsLeftovers(in: parent) else { return }
    let files = FileManager.default
    let start = "\(destination.lastPathComponent).partial-"
    for name in (try? files.contentsOfDirectory(atPath: parent.path)) ?? []
    where name.hasPrefix(start) {
      let place = parent.appending(path: name)
      var status = stat()
      guard unsafe lstat(place.path, &status) == 0, status.st_uid == geteuid() else { continue }
      try? files.removeItem(at: place)
    }
  }

  /// Whether a lock tells that nobody writes what a killed process left in a folder.
  static func knowsLeftovers(in folder: URL) -> Bool { unsafe loxeval_is_local(folder.path) != 0 }

  /// Whether something is there that must not be lost: anything but an empty folder.
  private static func isOccupied(_ url: URL) -> Bool {
    var isFolder: ObjCBool = false
    let files = FileManager.default
    guard unsafe files.fileExists(atPath: url.path, isDirectory: &isFolder) else { return false }
    guard isFolder.boolValue else { return true }
    return (try? files.contentsOfDirectory(atPath: url.path))?.isEmpty != true
  }

  /// Creates a folder and those above it.
  private static func createFolder(_ path: String) throws(CheckpointError) {
    if unsafe mkdir(path, 0o777) == 0 || errno == EEXIST { return }
    let parent = (path as NSString).deletingLastPathComponent
    guard errno == ENOENT, !parent.isEmpty, parent != path else { throw .system("create", path) }
    try createFolder(parent)
    guard unsafe mkdir(path, 0o777) == 0 || errno == EEXIST else { throw .system("create", path) }
  }

  private static func rename(_ old: String, _ new: String) throws(CheckpointError) {
    guard unsafe Foundation.rename(old, new) == 0 else {
      throw .system("rename \(old) to", new)
    }
  }

  /// Removes what is in a folder, but not the folder, on which a lock stands.
  private static func empty(_ folder: URL) {
    let files = FileManager.default
    for name in (try? files.contentsOfDirectory(atPath: folder.path)) ?? [] {
      try? files.removeItem(at: folder.appending(path: name))
    }
  }

  /// Puts a folder's own entries on the disk.
  private static func synchronizeFolder(_ path: String) throws(CheckpointError) {
    let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .system("open", path) }
    defer { close(descriptor) }
    guard fsync(descriptor) == 0 else { throw .system("flush", path) }
  }
}
