import Chat
public import Checkpoints
import Foundation
public import Inference
public import LanguageModel

/// One model on one or more prompt sets: a folder with adapters, or an endpoint.
public struct SingleEvaluation {
  public enum Subject {
    case folder(Checkpoint, adapters: [(name: String, update: LowRankUpdate, scale: Double)])
    case endpoint(Endpoint, model: String?)
  }

  public var subject: Subject
  public var measurement: Measurement
  public var chatFormat: ChatFormat?

  public init(subject: Subject, measurement: Measurement, chatFormat: ChatFormat? = nil) {
    self.subject = subject
    self.measurement = measurement
    self.chatFormat = chatFormat
  }

  public func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    switch subject {
    case .folder(let checkpoint, let adapters):
      try await run(checkpoint, adapters, events)
    case .endpoint(let endpoint, let model):
      try await run(endpoint, model, events)
    }
  }

  private func cells(_ model: String, _ variant: [ScaledUpdate]) -> [Cell] {
    measurement.datasets.map { set in
      Cell(
        model: model, targets: "", rank: "", alpha: 0, attack: "none", attackMethod: "none",
        dataset: set.name, variant: variant)
    }
  }

  private func run(
    _ checkpoint: Checkpoint, _ adapters: [(name: String, update: LowRankUpdate, scale: Double)],
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> RunFolder {
    let variant = adapters.map { ScaledUpdate(name: $0.name, scale: $0.scale) }
    let manifest = try measurement.manifest(
      cells: cells(checkpoint.folder.lastPathComponent, variant),
      models: ["model": checkpoint.digest()],
      updates: Dictionary(
        adapters.map { ($0.name, $0.update.digest()) }, uniquingKeysWith: { first, _ in first }),
      remarks: [:], server: "embedded")
    let folder = try RunFolder(
      measurement.output, manifest: manifest, resume: measurement.resume)
    events(.step("starting the server"))
    let server = try await EmbeddedServer(
      model: checkpoint, updates: adapters.map { ($0.name, $0.update) }, chatFormat: chatFormat,
      options: InferenceEngine.Options(
        slots: max(1, min(measurement.maxConnections, 64)), threads: measurement.threads),
      connections: measurement.maxConnections, version: measurement.version)
    do {
      try await measurement.run(folder, server.client, events: events)
    } catch {
      await server.stop()
      throw error
    }
    await server.stop()
    return folder
  }

  private func run(
    _ endpoint: Endpoint, _ wanted: String?, _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> RunFolder {
    let transport = Transport(
      limits: Transport.Limits(connections: measurement.maxConnections))
    defer { transport.shutDown() }
    let probe = ServerProbe(endpoint: endpoint, transport: transport)
    events(.step("waiting for \(endpoint)"))
    try await probe.waitUntilReady(seconds: 60)
    let found = try await probe.models()
    guard let model = wanted ?? found.first, found.contains(model) else {
      throw EvaluationError.servedModelDiffers(expected: wanted ?? "a model", found: found)
    }
    let manifest = try measurement.manifest(
      cells: cells(model, []), models: [:], updates: [:], remarks: [:],
      server: "\(endpoint) \(model)")
    let folder = try RunFolder(
      measurement.output, manifest: manifest, resume: measurement.resume)
    try await measurement.run(
      folder, OpenAIClient(endpoint: endpoint, model: model, transport: transport),
      events: events)
    return folder
  }
}
