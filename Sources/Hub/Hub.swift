package import Foundation
package import HTTP
import Support
import Synchronization

/// Models by their names on a hub, kept in the cache that huggingface_hub keeps.
package struct Hub: Sendable {
  /// What is told while models are fetched.
  package enum Event: Sendable {
    case note(String)
    case step(String)
    /// Bytes of the files that are being fetched.
    case bytes(done: Int, total: Int)
  }

  /// A model's folder, and what it is on the hub.
  package struct Model: Hashable, Sendable {
    package let reference: RepositoryReference
    /// Forty hexadecimal digits.
    package let commit: String
    package let folder: URL
  }

  let environment: HubEnvironment
  let events: @Sendable (Event) -> Void
  let isCancelled: @Sendable () -> Bool
  let waits: [Duration]
  let freeBytes: @Sendable (URL) -> Int?
  private let transport: Transport

  /// - Parameters:
  ///   - isCancelled: asked now and then whether the model is still wanted.
  ///   - waits: before each further attempt at what a busy hub or a broken connection did not give.
  ///   - freeBytes: how much room there is where a folder is or will be.
  package init(
    _ environment: HubEnvironment, isCancelled: @escaping @Sendable () -> Bool = { false },
    waits: [Duration] = [1, 2, 4, 8, 16].map { .seconds($0) },
    freeBytes: (@Sendable (URL) -> Int?)? = nil,
    limits: Transport.Limits = Transport.Limits(firstByteSeconds: 60, bodyBytes: 64 << 20),
    events: @escaping @Sendable (Event) -> Void = { _ in }
  ) {
    self.environment = environment
    self.isCancelled = isCancelled
    self.waits = waits
    self.freeBytes = freeBytes ?? { CachedRepository.freeBytes(at: $0) }
    self.events = events
    transport = Transport(limits: limits)
  }

  /// Ends the thread of its connections.
  package func close() { transport.shutDown() }

  /// The folder of a model: what the cache has of it, else what the hub gives.
  ///
  /// What the cache has whole is taken without asking the hub, also where a branch has gone on there since.
  /// Blocks while it fetches.
  ///
  /// - Parameter commit: which one it must be, of a run that goes on; nil for what the revision is.
  package func model(
    _ reference: RepositoryReference, _ kind: RepositoryKind, at commit: String? = nil
  ) throws(HubError) -> Model {
    let cached = CachedRepository(reference.repository, in: environment.cache)
    var known = commit
    if known == nil {
      known = try cached.commit(of: reference.revision, repository: reference.repository)
    }
    func found(_ commit: String) -> Model {
      Model(reference: reference, commit: commit, folder: cached.snapshot(commit))
    }
    var revision = commit ?? reference.revision
    var missing: [String] = []
    var isUsable = false
    if let known {
      switch cached.completeness(of: known, kind) {
      case .complete: return found(known)
      case .unclear:
        // Those of the commit that the cache has, not of where the branch is now.
        (revision, isUsable) = (known, true)
      case .missing(let paths): missing = paths
      }
    }
    guard !environment.isOffline else {
      if let known, isUsable { return found(known) }
      throw .notFound(
        text: "\(reference)", reason: absence(reference, known: known, missing: missing))
    }
    let token = try environment.readToken()
    let client = HubClient(
      endpoint: environment.endpoint, token: token, transport: transport, isCancelled: isCancelled,
      waits: waits)
    let listing: (commit: String, paths: Set<String>)
    do throws(HubFailure) {
      listing = try client.listing(of: reference.repository, revision)
    } catch {
      let reason = sentence(error, reference, token)
      guard let known, isUsable, error.isSilence else {
        throw .notFound(text: "\(reference)", reason: reason)
      }
      events(.note("\(reference): \(reason); taken as the cache has it, commit \(known)"))
      return found(known)
    }
    if let commit, listing.commit != commit {
      throw .unusable(
        repository: reference.repository,
        reason: "expected commit \(commit), and the hub answered with \(listing.commit)")
    }
    let needed = try NeededFiles(kind, of: reference.repository, listed: listing.paths)
    try Fetch(
      hub: self, client: client, reference: reference, token: token, cached: cached,
      commit: listing.commit
    ).run(needed)
    return found(listing.commit)
  }
}
