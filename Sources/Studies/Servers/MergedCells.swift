import Checkpoints
import Foundation
import Inference
import ModelAccess
import Synchronization

/// Servers that take no adapters, started for one model after the other: each cell's updates are
/// merged into a checkpoint of its own, a server is started for it, and both go when it is measured.
struct MergedCells: ServerDialect {
  let name = "plain"
  let preparedLimit = 1
  private let study: ServedStudy
  private let probe: ServerProbe
  private let pool: EndpointPool
  private let modelName: String?
  private let makeServer: @Sendable (_ model: String, _ log: String) -> ManagedServer
  private let running = Running()

  /// The one server that runs, and what it calls its model.
  private final class Running: Sendable {
    let state = Mutex<(server: ManagedServer?, model: String?)>((nil, nil))
  }

  init(
    study: ServedStudy, probe: ServerProbe, pool: EndpointPool, modelName: String?,
    makeServer: @escaping @Sendable (_ model: String, _ log: String) -> ManagedServer
  ) {
    self.study = study
    self.probe = probe
    self.pool = pool
    self.modelName = modelName
    self.makeServer = makeServer
    pool.suspend(0)
  }

  func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    fields.model = running.state.withLock { $0.model }
    return fields
  }

  private func folder(_ variant: [ScaledUpdate]) -> URL {
    study.run.appending(path: "models/\(study.id(of: variant))").absoluteURL
  }

  func prepare(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    do {
      let id = study.id(of: variant)
      var model = study.checkpoint.folder.absoluteURL
      if !variant.isEmpty {
        model = folder(variant)
        try? FileManager.default.removeItem(at: model)
        try study.checkpoint.writeMerged(try study.updates.stack(variant), to: model)
      }
      let server = makeServer(model.path, "servers/\(id).log")
      running.state.withLock { $0.server = server }
      try await server.start()
      // A server that lists what it could load lists more than what it serves.
      let listed = try await probe.models()
      let name = modelName ?? (listed.contains(model.path) ? model.path : listed.first)
      running.state.withLock { $0.model = name ?? model.path }
      pool.resume(0)
    } catch let error as ChatFailure {
      throw error
    } catch {
      throw .fatal("server-failed", "\(error)")
    }
  }

  func release(_ variant: [ScaledUpdate]) async {
    pool.suspend(0)
    let server = running.state.withLock { state in
      defer { state = (nil, nil) }
      return state.server
    }
    await server?.stop()
    if !variant.isEmpty { try? FileManager.default.removeItem(at: folder(variant)) }
  }
}
