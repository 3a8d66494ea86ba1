import Attacks
package import ChatTemplates
package import Checkpoints
import Foundation
import Inference
import ModelAccess
package import PromptSets
package import Runs
import StudyDesign
import Support

/// One model on one or more prompt sets: a folder with adapters, or an endpoint.
package struct SingleEvaluation {
  /// An adapter on the model.
  package struct Adapter {
    /// What it may be called, the shortest first.
    package var labels: [String]
    package var update: LowRankUpdate
    package var scale: Double

    package init(labels: [String], update: LowRankUpdate, scale: Double) {
      self.labels = labels
      self.update = update
      self.scale = scale
    }
  }

  package enum Subject {
    case folder(Checkpoint, adapters: [Adapter])
    case endpoints(ServersAsTheyAre)
    /// What others recorded; `models` is what answered each set.
    case recorded([RecordedSet], models: [String])
  }

  package var subject: Subject
  package var measurement: Measurement
  package var chatFormat: ChatFormatChoice

  package init(
    subject: Subject, measurement: Measurement, chatFormat: ChatFormatChoice = ChatFormatChoice()
  ) {
    self.subject = subject
    self.measurement = measurement
    self.chatFormat = chatFormat
  }

  /// What is measured, known before a server is asked: of an endpoint that has to say its model's name without
  /// that.
  package var cells: [Cell] {
    switch subject {
    case .folder(let checkpoint, let adapters):
      cells(checkpoint.folder.modelName, Self.variant(adapters))
    case .endpoints(let servers): cells(servers.connection.modelName ?? "", [])
    case .recorded(let sets, let models): cells(of: sets, models)
    }
  }

  /// Whether it has to be asked: replies that are there need not.
  package var isAsked: Bool {
    if case .recorded = subject { false } else { true }
  }

  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    let lock = try measurement.reserve()
    switch subject {
    case .folder(let checkpoint, let adapters):
      return try await run(checkpoint, adapters, lock, events)
    case .endpoints(let servers):
      return try await run(servers, lock, events)
    case .recorded(let sets, let models):
      return try await run(sets, models, lock, events)
    }
  }

  private static func names(_ adapters: [Adapter]) -> [UpdateName] {
    var namer = UpdateNamer()
    return StudyLabels.unique(adapters.map(\.labels)).map { namer.name(resembling: $0) }
  }

  /// The model with its adapters.
  private static func variant(_ adapters: [Adapter]) -> [ScaledUpdate] {
    zip(names(adapters), adapters).map { ScaledUpdate(name: $0, scale: $1.scale) }
  }

  static func updates(_ adapters: [Adapter]) throws -> StudyUpdates {
    try StudyUpdates(
      zip(names(adapters), adapters).map { NamedUpdate(name: $0, update: $1.update) })
  }

  private func cells(of sets: [RecordedSet], _ models: [String]) -> [Cell] {
    zip(sets, models).flatMap { set, model in
      cells(model, []).filter { $0.dataset == set.set.name }
    }
  }

  private func cells(_ model: String, _ variant: [ScaledUpdate]) -> [Cell] {
    measurement.datasets.flatMap { set in
      ([.none] + (set.kind == .harmful ? measurement.promptAttacks.map(\.id) : [])).map {
        Cell(
          model: model, targets: "", treatment: .none, attack: .none, promptAttack: $0,
          dataset: set.name, variant: variant)
      }
    }
  }

  private func run(
    _ checkpoint: Checkpoint, _ adapters: [Adapter],
    _ lock: RunLock, _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> RunFolder {
    let updates = try Self.updates(adapters)
    let cells = cells
    events(.step("\(measurement.size(of: cells))"))
    let digest = try await runOnOwnThread(named: "loxeval-digests") { checkpoint.digest() }
    let models = ModelsToServe(
      checkpoint: checkpoint, digest: digest, updates: updates,
      cells: cells, measurement: measurement, chatFormat: chatFormat)
    return try await measurement.run(models, at: .embedded, lock: lock, events: events) { server in
      try measurement.manifest(
        cells: cells, models: ["model": digest], updates: updates.digests(), remarks: [:],
        server: server, family: ModelFamily.of(checkpoint), chatFormat: chatFormat)
    }
  }

  private func run(
    _ source: ServersAsTheyAre, _ lock: RunLock,
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> RunFolder {
    try await source.withServers(
      connections: measurement.maxConnections, decoding: measurement.decoding,
      continues: measurement.promptAttacks.contains { $0.id.isContinued },
      run: measurement.workspace, events: events
    ) { servers in
      let cells = cells(servers.modelName, [])
      events(.step("\(measurement.size(of: cells))"))
      return try await measurement.run(
        servers, weights: "", updates: nil, lock: lock, events: events
      ) { servers in
        try measurement.manifest(
          cells: cells, models: [:], updates: [:], remarks: [:], server: servers,
          chatFormat: chatFormat)
      }
    }
  }

  private func run(
    _ sets: [RecordedSet], _ models: [String], _ lock: RunLock,
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> RunFolder {
    let cells = cells
    events(.step("\(measurement.size(of: cells))"))
    let replies = ReadyServers(
      description: "recorded replies", build: "", modelName: models.first ?? "",
      model: RecordedReplies(sets))
    return try await measurement.run(
      replies, weights: "", updates: nil, lock: lock, events: events
    ) { replies in
      var manifest = try measurement.manifest(
        cells: cells, models: [:], updates: [:], remarks: [:], server: replies)
      for set in sets {
        manifest.plan.datasets[set.set.name]?.replies = RunManifest.Plan.Dataset.Replies(
          form: set.form.rawValue, digest: set.digest)
      }
      return manifest
    }
  }
}
