import Checkpoints
import Foundation
import Hub
import LoX
import Runs
import Studies
import Support
import Synchronization

/// Finds the folders of models that options name: paths, else names on a hub.
///
/// What is there as a path wins, and `/`, `./`, `../` and `~` begin paths alone. A run that goes on gets the commits
/// that it was begun with.
final class ModelFolders: Sendable {
  private let console: Console
  private let pinned: [ModelSource]
  private let state = Mutex<(hub: Hub?, sources: [ModelSource])>((nil, []))

  /// - Parameter run: the folder of the run that is begun or goes on, which knows its models' commits.
  init(_ console: Console, run: URL? = nil) {
    self.console = console
    pinned = run.flatMap { try? RunManifest.read(from: $0) }?.sources ?? []
  }

  deinit { state.withLock { $0.hub?.close() } }

  /// Those that were found on a hub, in their order.
  var sources: [ModelSource] { state.withLock { $0.sources } }

  /// The folder of a model; blocks while it is fetched.
  ///
  /// - Parameters:
  ///   - text: as an option names it.
  ///   - role: what it is named for, for the run's record.
  /// - Returns: the path that the text is, where it can be no name.
  func model(_ text: String, as role: String) throws -> URL {
    try folder(text, .model, as: role)
  }

  /// The same of a PEFT adapter.
  func adapter(_ text: String, as role: String) throws -> URL {
    try folder(text, .adapter, as: role)
  }

  /// The same of either.
  func either(_ text: String, as role: String) throws -> URL {
    try folder(text, .any, as: role)
  }

  /// The two models of a study, opened.
  func pair(base: String, aligned: String, targets: Targets = .all) throws -> AlignmentPair {
    let base = try Checkpoint(folder: model(base, as: "base"))
    return try pair(
      base: base, aligned: Checkpoint(folder: model(aligned, as: "aligned")), targets: targets)
  }

  private func pair(
    base: Checkpoint, aligned: Checkpoint, targets: Targets
  ) throws -> AlignmentPair {
    var pair = try AlignmentPair(base: base, aligned: aligned, targets: targets)
    pair.decompositions = DecompositionStore(ProcessInfo.processInfo.environment)
    return pair
  }

  /// The alignment of a model that is open already.
  func pair(base: String, aligned: Checkpoint) throws -> AlignmentPair {
    try pair(
      base: Checkpoint(folder: model(base, as: "base")), aligned: aligned, targets: .all)
  }

  private func folder(_ text: String, _ kind: RepositoryKind, as role: String) throws -> URL {
    let path = URL(filePath: text)
    guard !FileManager.default.fileExists(atPath: path.path), !text.hasPrefix("~"),
      let reference = RepositoryReference(text)
    else { return path }
    let commit = pinned.first {
      $0.repository == reference.repository && $0.revision == reference.revision
    }?.commit
    let model = try hub().model(reference, kind, at: commit)
    console.note("\(reference): commit \(model.commit)")
    let source = ModelSource(
      role: role, repository: reference.repository, revision: reference.revision,
      commit: model.commit)
    state.withLock { if !$0.sources.contains(source) { $0.sources.append(source) } }
    return model.folder
  }

  private func hub() throws -> Hub {
    if let hub = state.withLock({ $0.hub }) { return hub }
    let hub = Hub(
      try HubEnvironment(ProcessInfo.processInfo.environment),
      isCancelled: { Interruption.shared.signal != nil },
      events: { [console] event in
        switch event {
        case .note(let text): console.note(text)
        case .step(let text): console.step(text)
        case .bytes(let done, let total):
          // A bar of kilobytes still moves for the smallest files.
          let unit = total >= 10_000_000 ? (1_000_000, "MB") : (1_000, "kB")
          console.show(
            .count(what: unit.1, done: done / unit.0, total: max(1, total / unit.0)))
        }
      })
    state.withLock { $0.hub = hub }
    return hub
  }
}

extension ModelFolders {
  /// The same from tasks, which it does not keep from going on.
  func wait<Value>(_ work: (ModelFolders) throws -> Value) async throws -> Value {
    try await runOnOwnThread(named: "loxeval-hub") { try work(self) }
  }
}

extension ModelFolders? {
  /// Finds what an attack names.
  var attackFolder: @Sendable (String) throws -> URL {
    guard let self else { return { URL(filePath: $0) } }
    return { try self.either($0, as: "attack") }
  }
}
