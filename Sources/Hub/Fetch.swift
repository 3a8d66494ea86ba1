import Foundation
import Support
import Synchronization

/// Fetches a commit's files into the cache: first all contents, then the links that make a snapshot of them,
/// last the branch's commit. Whatever ends it leaves nothing that looks whole.
struct Fetch {
  let hub: Hub
  let client: HubClient
  let reference: RepositoryReference
  let token: HubEnvironment.Token?
  let cached: CachedRepository
  let commit: String

  /// A file that is not in the snapshot.
  private struct Lacking {
    let path: String
    let head: FileHead
  }

  func run(_ needed: NeededFiles) throws(HubError) {
    var lacking: [Lacking] = []
    var paths = needed.paths
    if needed.hasShards, let place = paths.firstIndex(of: NeededFiles.index) {
      // What the shards are is in the index.
      let index = try self.lacking([NeededFiles.index])
      if !index.isEmpty { try cached.prepare() }
      try fetch(index)
      let bytes = try contents(of: NeededFiles.index, index.first?.head.etag)
      let shards = try NeededFiles.shards(ofIndex: bytes, repository: reference.repository)
      paths.insert(contentsOf: shards, at: place)
      lacking = try self.lacking(paths.filter { $0 != NeededFiles.index }) + index
    } else {
      lacking = try self.lacking(paths)
    }
    if !lacking.isEmpty {
      try cached.prepare()
      try fetch(lacking)
      let etags = Dictionary(lacking.map { ($0.path, $0.head.etag) }) { first, _ in first }
      for path in paths {
        guard let etag = etags[path] else { continue }
        try cached.link(path, commit, to: etag)
      }
      try cached.note(reference.revision, is: commit)
    } else {
      // Known from elsewhere, and perhaps where nothing can be written.
      try? cached.note(reference.revision, is: commit)
    }
    for path in needed.absent { cached.noteAbsent(path, commit) }
  }

  private func lacking(_ paths: [String]) throws(HubError) -> [Lacking] {
    var lacking: [Lacking] = []
    for path in paths where !cached.has(path, commit) {
      try requireWanted()
      do throws(HubFailure) {
        let head = try client.head(path, of: reference.repository, at: commit)
        lacking.append(Lacking(path: path, head: head))
      } catch {
        throw failed(path, hub.sentence(error, reference, token))
      }
    }
    return lacking
  }

  private func contents(of path: String, _ etag: String?) throws(HubError) -> Data {
    let place = etag.map(cached.blob) ?? cached.snapshot(commit).appending(path: path)
    do throws(InputFile.Fault) {
      return try InputFile(place, .settings).body
    } catch {
      throw .cache(path: place.path, reason: error.reason)
    }
  }

  private func failed(_ path: String, _ reason: String) -> HubError {
    .file(repository: "\(reference)", path: path, reason: reason)
  }

  private func requireWanted() throws(HubError) {
    guard !hub.isCancelled() else {
      throw .unusable(repository: reference.repository, reason: "fetching was stopped")
    }
  }

  // MARK: - Contents

  /// Fetches the contents of files that no blob has yet.
  private func fetch(_ files: [Lacking]) throws(HubError) {
    let wanted = files.filter { !isThere($0.head) }
    let total = wanted.reduce(0) { $0 + $1.head.size }
    let there = wanted.reduce(0) { sum, file in
      sum + min(file.head.size, FileState(of: cached.part(file.head.etag).path)?.size ?? 0)
    }
    if let free = hub.freeBytes(cached.folder), free < total - there {
      throw .space(path: cached.cache.path, needed: total - there, free: free)
    }
    guard !wanted.isEmpty else { return }
    if wanted.contains(where: { $0.path != NeededFiles.index }) {
      hub.events(
        .step(
          "fetching \(reference), \(wanted.count == 1 ? "1 file" : "\(wanted.count) files") of "
            + ByteText.text(total)))
    }
    let done = Mutex(0)
    let events = hub.events
    for file in wanted {
      try fetch(file) { further in
        let now = done.withLock { sum in
          sum += further
          return sum
        }
        events(.bytes(done: now, total: total))
      }
    }
  }

  private func isThere(_ head: FileHead) -> Bool {
    FileState(of: cached.blob(head.etag).path)?.size == head.size
  }

  /// Fetches one file, with its lock, and goes on where an earlier fetch or connection ended.
  private func fetch(
    _ file: Lacking, progress: @escaping @Sendable (Int) -> Void
  ) throws(HubError) {
    let lock = try lock(file)
    defer { withExtendedLifetime(lock) {} }
    guard !isThere(file.head) else { return progress(file.head.size) }
    let writer = try BlobWriter(
      file.head, at: cached.part(file.head.etag), progress: progress)
    var failures = 0
    while true {
      try requireWanted()
      let before = writer.count
      if writer.count < file.head.size || file.head.size == 0 {
        writer.expectAnswer()
        do throws(HubFailure) {
          try client.get(
            file.path, of: reference.repository, at: commit, from: writer.count, into: writer)
        } catch {
          if case .status(416, _, _) = error, writer.count > 0 {
            writer.beginAnew()
            continue
          }
          failures = writer.count > before ? 0 : failures + 1
          // What the hub said it was asked again for before it came here.
          guard case .unreachable = error, failures <= hub.waits.count else {
            throw failed(file.path, hub.sentence(error, reference, token))
          }
          client.wait(failures > 0 ? hub.waits[failures - 1] : hub.waits.first ?? .zero)
          continue
        }
      }
      let wasResumed = writer.isResumed
      guard let reason = try writer.finish(as: cached.blob(file.head.etag)) else { return }
      // What an earlier fetch left may have been another's; what came whole is wrong.
      guard wasResumed else { throw failed(file.path, reason) }
      return try fetchAnew(file, progress)
    }
  }

  private func fetchAnew(
    _ file: Lacking, _ progress: @escaping @Sendable (Int) -> Void
  ) throws(HubError) {
    progress(-file.head.size)
    let writer = try BlobWriter(file.head, at: cached.part(file.head.etag), progress: progress)
    do throws(HubFailure) {
      writer.expectAnswer()
      try client.get(file.path, of: reference.repository, at: commit, from: 0, into: writer)
    } catch {
      throw failed(file.path, hub.sentence(error, reference, token))
    }
    if let reason = try writer.finish(as: cached.blob(file.head.etag)) {
      throw failed(file.path, reason)
    }
  }

  /// Waits until no other process fetches the same blob.
  private func lock(_ file: Lacking) throws(HubError) -> FileLock {
    let place = cached.lock(file.head.etag)
    var isTold = false
    while true {
      do throws(FolderLock.Failure) {
        return try FileLock(of: place)
      } catch {
        guard case .inUse = error else {
          guard case .system(let code) = error else { continue }
          throw .cache(
            path: place.path, reason: "cannot be locked: \(CachedRepository.reason(code))")
        }
      }
      try requireWanted()
      if !isTold {
        hub.events(.note("another process fetches \(file.path) of \(reference); waiting for it"))
        isTold = true
      }
      client.wait(.milliseconds(200))
    }
  }
}
