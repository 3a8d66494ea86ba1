package import Attacks
package import ChatTemplates
import Checkpoints
import Decoder
package import Defences
package import Foundation
package import LoX
import ModelAccess
import PromptSets
package import Runs
import StudyDesign
package import Support

/// The main job: every defence, strength and attack of one aligned pair, from one decomposition and one
/// server start.
package struct Sweep {
  package var pair: AlignmentPair
  /// Beside the untreated model, which is always measured.
  package var defences: [any Defence]
  /// Beside the model before any attack, which is always measured.
  package var attacks: [any Attack]
  package var measurement: Measurement
  package var server: any ServerSource
  package var chatFormat: ChatFormatChoice
  /// Where attacks that cost much are kept; nil keeps them in the run's folder.
  package var attackStore: URL?
  /// Measures W_base + Proj_r(ΔW) for every rank, for the effective rank, instead of extrapolations of
  /// the aligned model: the untreated model is the base model, and full rank the aligned one.
  package var isFromBase = false

  package init(
    pair: AlignmentPair, defences: [any Defence], attacks: [any Attack],
    measurement: Measurement, server: any ServerSource = .embedded,
    chatFormat: ChatFormatChoice = ChatFormatChoice(),
    attackStore: URL? = nil
  ) {
    self.pair = pair
    self.defences = defences
    self.attacks = attacks
    self.measurement = measurement
    self.server = server
    self.chatFormat = chatFormat
    self.attackStore = attackStore
  }

  /// The model that updates are added to.
  var origin: Checkpoint { isFromBase ? pair.base : pair.aligned }

  /// What is measured, and what is made for it.
  package var plan: SweepPlan {
    SweepPlan(
      model: origin.folder.modelName, targets: "\(pair.targets)", defences: defences,
      attacks: servedAttacks, datasets: measurement.datasets.map(\.name),
      promptAttacks: measurement.promptAttacks.map(\.id), on: measurement.harmfulSets)
  }

  private var servedAttacks: [any Attack] {
    Self.served(
      attacks, takesCheckpoints: server.takesCheckpoints,
      begun: RunFolder.attackRecipes(of: measurement.output))
  }

  /// Attacks in the form that servers take: whole checkpoints, or low-rank updates, as runs of earlier
  /// releases had them in any case.
  ///
  /// - Parameter begun: the recipes of the attacks of the run that is continued.
  static func served(
    _ attacks: [any Attack], takesCheckpoints: Bool, begun: Set<String>
  ) -> [any Attack] {
    attacks.map { attack in
      guard let other = attack.asLowRank,
        !takesCheckpoints || begun.contains(other.id(label: "").recipe)
      else { return attack }
      return other
    }
  }

  /// Refuses arguments that the pair's own chat template does not read, before anything is made.
  package func requireReadArguments() throws {
    try chatFormat.requireReadArguments(by: pair.aligned.folder)
  }

  /// Plans, refuses what cannot be continued, prepares the updates, starts the server once, asks every
  /// cell, and returns the run.
  ///
  /// A shard does so with its part of the plan. Cells whose attacks another process makes meanwhile are
  /// asked after the others, from a further start of the server.
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    let plan = plan
    try server.requireServed(servedAttacks, of: origin)
    let division = try measurement.shard.map { shard in
      try plan.division(into: shard.count) { measurement.samples(of: $0) }
    }
    let lock = try measurement.reserve()
    events(.step("\(measurement.size(of: plan.cells))"))
    events(.step("\(plan.cost)"))
    events(.step("computing digests"))
    let digests = try await runOnOwnThread(named: "loxeval-digests") {
      StudyMaker.Digests(
        base: pair.base.digest(), aligned: pair.aligned.digest(), isFromBase: isFromBase)
    }
    func manifest(updates: [UpdateName: String], server: ReadyServers?) throws -> RunManifest {
      try measurement.manifest(
        study: isFromBase ? .effectiveRank : nil, cells: plan.cells,
        models: ["base": digests.base, "aligned": digests.aligned], updates: updates,
        remarks: plan.remarks, server: server, family: ModelFamily.of(pair.aligned),
        chatFormat: chatFormat)
    }
    // Places in the plan: a run that an earlier release began calls its cells otherwise.
    var open = try begin(plan, division, try manifest(updates: [:], server: nil), lock)
    let maker = StudyMaker(
      self, digests, for: plan.part(of: open.map { plan.cells[$0] }), events: events)
    let time = SystemTime()
    var folder: RunFolder?
    repeat {
      let part = plan.part(of: open.map { plan.cells[$0] })
      // Decomposing and training take hours, and a task's thread is needed by all others.
      let made = try await runOnOwnThread(named: "loxeval-prepare") {
        try maker.make(part, isWhole: measurement.sequential != nil)
      }
      let updates = made.updates.digests()
      let ready = Set(made.cells.map(\.id))
      let places = Set(open.filter { ready.contains(plan.cells[$0].id) })
      let begin = time.now
      folder = try await measurement.run(
        models(made, plan, digests), at: server, asking: places, in: folder, lock: lock,
        events: events
      ) { server in try manifest(updates: updates, server: server) }
      maker.asked(
        made.cells.reduce(0) { $0 + measurement.samples(of: $1) },
        seconds: (time.now - begin).inSeconds)
      open.removeAll { places.contains($0) }
    } while !open.isEmpty
    guard let folder else { throw CancellationError() }
    return folder
  }

  /// Refuses to go on with a run that is another, and begins a shard's part.
  ///
  /// - Returns: the places in the plan of the cells that this process asks.
  private func begin(
    _ plan: SweepPlan, _ division: Division?, _ manifest: RunManifest, _ lock: RunLock
  ) throws -> [Int] {
    guard let shard = measurement.shard else {
      try RunFolder.requireContinuable(measurement.output, manifest)
      return Array(plan.cells.indices)
    }
    var manifest = manifest
    manifest.division = division
    let begun = try RunFolder.begin(shard, of: measurement.output, manifest, lock: lock)
    return begun.division?.places(of: shard.index) ?? []
  }

  private func models(
    _ made: StudyMaker.Made, _ plan: SweepPlan, _ digests: StudyMaker.Digests
  ) -> ModelsToServe {
    ModelsToServe(
      checkpoint: origin, digest: digests.origin, updates: made.updates, cells: made.cells,
      of: plan.cells, measurement: measurement,
      chatFormat: isFromBase ? chatFormat.falling(backTo: pair.aligned.folder) : chatFormat)
  }

  /// Writes each model of the study as a checkpoint, and the file that says where they are to be
  /// served.
  ///
  /// - Parameter serve: how a server of one is started.
  /// - Returns: the file, for `--cells`.
  package func export(
    to folder: URL, serve: CommandTemplate, events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> URL {
    try await runOnOwnThread(named: "loxeval-export") {
      try write(to: folder, serve: serve, events: events)
    }
  }

  private func write(
    to folder: URL, serve: CommandTemplate, events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> URL {
    let digests = StudyMaker.Digests(
      base: isFromBase ? pair.base.digest() : "", aligned: isFromBase ? "" : pair.aligned.digest(),
      isFromBase: isFromBase)
    let plan = plan
    let made = try StudyMaker(self, digests, for: plan, events: events).make(plan, isWhole: true)
    return try CellsFile.export(models(made, plan, digests), to: folder, serve: serve) {
      done, total in
      events(.count(what: "checkpoints written", done: done, total: total))
    }
  }

  /// As far as anything asks of it; empty where nothing does.
  func decomposed(
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> Decomposition {
    guard largestRank != .leading(0) else { return .empty }
    return try Decomposition(of: pair, rank: largestRank, events: events)
  }

  /// The largest rank that anything asks of the alignment.
  var largestRank: Rank {
    var largest = attacks.map(\.alignmentRank).max() ?? 0
    for defence in defences {
      guard let most = defence.rank.most else { return .full }
      largest = max(largest, most)
    }
    return .leading(largest)
  }
}

extension Decomposition {
  /// As a step of a study.
  init(
    of pair: AlignmentPair, rank: Rank, events: @escaping @Sendable (StudyEvent) -> Void
  ) throws {
    events(.step("decomposing the alignment of \(pair.targetNames.count) tensors"))
    try self.init(of: pair, rank: rank) { done, total in
      events(.count(what: "tensors decomposed", done: done, total: total))
    }
  }
}
