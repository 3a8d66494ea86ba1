import Checkpoints
import Foundation
import Inference
import ModelAccess
import Support
import Synchronization

/// Servers that take no adapters, started for one model after the other: each variant's updates are
/// merged into a checkpoint of its own, a server is started for it, and both go when it is measured.
struct OneMergedModel: ServerDialect {
  let name = "plain"
  let preparedLimit = 1
  private let launcher: ServerLauncher
  private let running = Running()

  /// The one server that runs, and what it calls its model.
  private final class Running: Sendable {
    struct State {
      var server: ManagedServer?
      var model: String?
    }

    let state = Mutex(State())
  }

  init(_ launcher: ServerLauncher) {
    self.launcher = launcher
    launcher.pool.suspend(0)
  }

  private var models: ModelsToServe { launcher.opening.models }

  func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    fields.model = running.state.withLock { $0.model }
    return fields
  }

  private func folder(_ variant: [ScaledUpdate]) -> URL {
    models.run.appending(path: "models/\(models.id(of: variant))").absoluteURL
  }

  func prepare(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    do {
      let model = try await checkpoint(variant)
      let server = launcher.server(of: model.path, log: "servers/\(models.id(of: variant)).log")
      running.state.withLock { $0.server = server }
      try await server.start()
      // A server that lists what it could load lists more than what it serves.
      let listed = try await launcher.probe.listedModels() ?? []
      let name =
        launcher.opening.connection.modelName
        ?? (listed.contains(model.path) ? model.path : listed.first)
      running.state.withLock { $0.model = name ?? model.path }
      launcher.pool.resume(0)
    } catch let error as ChatFailure {
      throw error
    } catch {
      throw .fatal("server-failed", "\(error)")
    }
  }

  /// The variant as a folder: the bare model's own, or one that is written now.
  private func checkpoint(_ variant: [ScaledUpdate]) async throws -> URL {
    let models = models
    guard !variant.isEmpty else { return models.checkpoint.folder.absoluteURL }
    if let outcome = try models.updates.outcome(of: variant, on: models.digest) {
      return outcome.folder.absoluteURL
    }
    let place = folder(variant)
    try await runOnOwnThread(named: "loxeval-merge") {
      try? FileManager.default.removeItem(at: place)
      try models.checkpoint.writeMerged(try models.updates.stack(variant), to: place)
    }
    return place
  }

  func release(_ variant: [ScaledUpdate]) async {
    launcher.pool.suspend(0)
    let server = running.state.withLock { state in
      defer { state = Running.State() }
      return state.server
    }
    await server?.stop()
    if !variant.isEmpty { try? FileManager.default.removeItem(at: folder(variant)) }
  }
}
