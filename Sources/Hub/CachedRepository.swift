import Foundation
import Support

/// A repository in the cache, laid out as huggingface_hub does: `blobs/ETAG` holds contents,
/// `snapshots/COMMIT/PATH` links to them, `refs/REVISION` a commit, and `.no_exist/COMMIT/PATH` says that a commit has no such file.
struct CachedRepository: Sendable {
  let cache: URL
  let folder: URL

  init(_ repository: String, in cache: URL) {
    self.cache = cache
    folder = cache.appending(path: Self.folderName(of: repository))
  }

  private static func folderName(of repository: String) -> String {
    "models--" + repository.replacing("/", with: "--")
  }

  func snapshot(_ commit: String) -> URL { folder.appending(path: "snapshots/\(commit)") }
  func blob(_ etag: String) -> URL { folder.appending(path: "blobs/\(etag)") }
  /// What has come of a blob so far.
  func part(_ etag: String) -> URL { folder.appending(path: "blobs/\(etag).incomplete") }
  /// What `FileLock` makes `ETAG.lock` of, the name that huggingface_hub locks too.
  func lock(_ etag: String) -> URL { locks.appending(path: etag) }
  private var locks: URL { cache.appending(path: ".locks/\(folder.lastPathComponent)") }
  private func absence(_ path: String, _ commit: String) -> URL {
    folder.appending(path: ".no_exist/\(commit)/\(path)")
  }
  private func ref(_ revision: String) -> URL { folder.appending(path: "refs/\(revision)") }

  /// The commit that a revision was when the cache last heard of it; nil where it never did.
  ///
  /// - Throws: `HubError.unusable` where the first digits of a commit are those of several.
  func commit(of revision: String, repository: String) throws(HubError) -> String? {
    if Hexadecimal.isCommit(revision) { return revision }
    if let file = try? InputFile.ifPresent(ref(revision), .settings) {
      let text = String(decoding: file.body, as: UTF8.self)
        .trimmingCharacters(in: .whitespacesAndNewlines)
      return Hexadecimal.isCommit(text) ? text : nil
    }
    guard revision.utf8.count >= 7, Hexadecimal.isDigits(revision) else { return nil }
    let names =
      (try? FileManager.default.contentsOfDirectory(
        atPath: folder.appending(path: "snapshots").path)) ?? []
    let matching = names.filter { Hexadecimal.isCommit($0) && $0.hasPrefix(revision) }.sorted()
    guard matching.count < 2 else {
      throw .unusable(
        repository: repository,
        reason: "\(revision) begins several commits in the cache: "
          + matching.joined(separator: ", "))
    }
    return matching.first
  }

  /// Whether a file is there with its contents.
  func has(_ path: String, _ commit: String) -> Bool {
    FileManager.default.fileExists(atPath: snapshot(commit).appending(path: path).path)
  }

  func isKnownAbsent(_ path: String, _ commit: String) -> Bool {
    FileManager.default.fileExists(atPath: absence(path, commit).path)
  }

  /// Remembers that a commit has no such file. Where the cache cannot be written it is asked for again.
  func noteAbsent(_ path: String, _ commit: String) {
    let place = absence(path, commit)
    guard !FileManager.default.fileExists(atPath: place.path) else { return }
    try? FileManager.default.createDirectory(
      at: place.deletingLastPathComponent(), withIntermediateDirectories: true)
    _ = FileManager.default.createFile(atPath: place.path, contents: nil)
  }

  /// Gives a blob its place in a commit's tree.
  func link(_ path: String, _ commit: String, to etag: String) throws(HubError) {
    let place = snapshot(commit).appending(path: path)
    try makeFolder(place.deletingLastPathComponent())
    // Up to the repository's folder: the tree, its commit, and what the path goes down.
    let up = String(repeating: "../", count: 2 + path.split(separator: "/").count - 1)
    for _ in 0..<2 {
      if unsafe symlink("\(up)blobs/\(etag)", place.path) == 0 { return }
      let code = errno
      guard code == EEXIST else {
        throw .cache(path: place.path, reason: Self.reason(code))
      }
      // Somebody else's, or one whose blob was deleted.
      if FileManager.default.fileExists(atPath: place.path) { return }
      _ = unsafe unlink(place.path)
    }
    throw .cache(path: place.path, reason: "a link that leads nowhere cannot be replaced")
  }

  /// Remembers which commit a branch or tag is.
  func note(_ revision: String, is commit: String) throws(HubError) {
    guard !commit.hasPrefix(revision) else { return }
    do throws(FileError) {
      try AtomicFile.write(Data(commit.utf8), to: ref(revision))
    } catch {
      throw .cache(path: ref(revision).path, reason: "\(error)")
    }
  }

  /// Makes what every fetch needs.
  func prepare() throws(HubError) {
    try makeFolder(folder.appending(path: "blobs"))
    try makeFolder(locks)
    let tag = cache.appending(path: "CACHEDIR.TAG")
    if !FileManager.default.fileExists(atPath: tag.path) {
      // By which programs that make copies of disks know caches.
      try? Data("Signature: 8a477f597d28d172789f06886806bc55\n".utf8).write(to: tag)
    }
  }

  private func makeFolder(_ url: URL) throws(HubError) {
    do {
      try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    } catch {
      throw .cache(
        path: url.path, reason: "cannot be written: \(error.writingReason)")
    }
  }

  static func reason(_ code: Int32) -> String { unsafe String(cString: strerror(code)) }

  /// The bytes that may still be written where a folder is, or will be.
  static func freeBytes(at url: URL) -> Int? {
    var place = url
    while !FileManager.default.fileExists(atPath: place.path), place.path != "/" {
      place = place.deletingLastPathComponent()
    }
    var status = statvfs()
    guard unsafe statvfs(place.path, &status) == 0 else { return nil }
    let (bytes, isTooMany) = Int(clamping: status.f_bavail).multipliedReportingOverflow(
      by: Int(clamping: status.f_frsize))
    return isTooMany ? .max : bytes
  }
}
