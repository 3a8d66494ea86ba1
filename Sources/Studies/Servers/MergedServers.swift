import Checkpoints
import Inference
import LinearAlgebra
import ModelAccess
import Support

/// The models of a study that hold a change of full rank: each merged into a checkpoint and served by an
/// embedded server of its own for as long as it is asked, its low-rank updates as adapters there.
///
/// Models that differ by those alone share one.
actor MergedServers {
  /// One of them, while it is open.
  private struct Served {
    /// Fails where the model cannot be served.
    let server: Task<EmbeddedServer.Instance, any Error>
    var requests = 0
  }

  private let models: ModelsToServe
  private let merging: MergedCheckpoints
  private var served: [[ScaledUpdate]: Served] = [:]
  /// The least recently asked first.
  private var order: [[ScaledUpdate]] = []
  /// Those that are being closed: they still have their checkpoints' places.
  private var closing: [[ScaledUpdate]: Task<Void, Never>] = [:]

  /// While one is asked, the next is made ready.
  private static let mostOpen = 2

  init(_ models: ModelsToServe) {
    self.models = models
    merging = MergedCheckpoints(
      of: models.checkpoint, digest: models.digest, updates: models.updates, run: models.run)
  }

  /// Answers as the checkpoint of a merged stack, with scaled adapters on it.
  func complete(
    _ request: ChatRequest, merged: [ScaledUpdate]
  ) async throws(ChatFailure) -> ChatReply {
    let server = open(merged)
    served[merged]?.requests += 1
    defer { served[merged]?.requests -= 1 }
    let instance: EmbeddedServer.Instance
    do {
      instance = try await server.value
    } catch {
      throw .fatal("server-failed", "\(error)")
    }
    let reply = try await instance.client.complete(request)
    await closeUnneeded()
    return reply
  }

  func anticipate(_ merged: [ScaledUpdate]) { _ = open(merged) }

  private func open(_ merged: [ScaledUpdate]) -> Task<EmbeddedServer.Instance, any Error> {
    order.removeAll { $0 == merged }
    order.append(merged)
    if let known = served[merged] { return known.server }
    let (models, merging, before) = (models, merging, closing[merged])
    let server = Task {
      // One of the same stack takes its checkpoint away when it ends.
      await before?.value
      let checkpoint = try await runOnOwnThread(named: "loxeval-merge") {
        try merging.checkpoint(of: merged)
      }
      // Rounded to bfloat16 most of what a training in float32 changed would be gone: another model.
      var exact = models
      exact.arithmetic = .float32
      return try await EmbeddedServer.Instance(
        checkpoint, adapters: try models.updates.adapters(above: merged, in: models), exact)
    }
    served[merged] = Served(server: server)
    return server
  }

  /// Closes those that were not asked for longest, beyond what may be open, once nobody waits for them.
  private func closeUnneeded() async {
    while served.count > Self.mostOpen,
      let idle = order.dropLast(Self.mostOpen).first(where: { served[$0]?.requests == 0 })
    {
      await close(idle)
    }
  }

  private func close(_ merged: [ScaledUpdate]) async {
    order.removeAll { $0 == merged }
    guard let gone = served.removeValue(forKey: merged) else { return }
    let work = Task { [merging] in
      await (try? gone.server.value)?.stop()
      merging.remove(merged)
    }
    closing[merged] = work
    await work.value
    if closing[merged] == work { closing[merged] = nil }
  }

  func closeAll() async {
    for merged in Array(served.keys) { await close(merged) }
    for work in Array(closing.values) { await work.value }
    merging.removeAll()
  }
}

/// A study's models at the embedded server: those with a change of full rank at one of their own.
struct EmbeddedModels: ChatCompleting {
  let bare: any ChatCompleting
  let merged: MergedServers
  let updates: StudyUpdates

  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    let stack = split(request.variant)
    guard !stack.merged.isEmpty else { return try await bare.complete(request) }
    var request = request
    request.variant = stack.rest
    return try await merged.complete(request, merged: stack.merged)
  }

  func anticipate(_ variant: [ScaledUpdate]) async {
    let stack = split(variant)
    if !stack.merged.isEmpty { await merged.anticipate(stack.merged) }
  }

  /// An update that nobody knows is refused where it is served.
  private func split(
    _ variant: [ScaledUpdate]
  ) -> (merged: [ScaledUpdate], rest: [ScaledUpdate]) {
    (try? updates.split(variant)) ?? ([], variant)
  }
}

extension StudyUpdates {
  /// The low-rank updates that models ask for on top of a merged stack, each once.
  func adapters(
    above merged: [ScaledUpdate], in models: ModelsToServe
  ) throws -> [NamedUpdate] {
    var names: Set<UpdateName> = []
    for variant in models.variants {
      let stack = try split(variant.stack)
      if stack.merged == merged { names.formUnion(stack.rest.map(\.name)) }
    }
    return all.filter { names.contains($0.name) }
  }
}
