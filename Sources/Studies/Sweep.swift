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
  private var origin: Checkpoint { isFromBase ? pair.base : pair.aligned }

  /// What is measured, and what is made for it.
  package var plan: SweepPlan {
    SweepPlan(
      model: origin.folder.lastPathComponent, targets: "\(pair.targets)", defences: defences,
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
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    let lock = try RunFolder.reserve(measurement.output, resume: measurement.resume)
    let plan = plan
    events(.step("\(measurement.size(of: plan.cells))"))
    events(.step("computing digests"))
    let digests = try await runOnOwnThread(named: "loxeval-digests") {
      Digests(base: pair.base.digest(), aligned: pair.aligned.digest(), isFromBase: isFromBase)
    }
    func manifest(updates: [UpdateName: String], server: ReadyServers?) throws -> RunManifest {
      try measurement.manifest(
        study: isFromBase ? .effectiveRank : nil, cells: plan.cells,
        models: ["base": digests.base, "aligned": digests.aligned], updates: updates,
        remarks: plan.remarks, server: server, family: ModelFamily.of(pair.aligned),
        chatFormat: chatFormat)
    }
    try RunFolder.requireContinuable(
      measurement.output, try manifest(updates: [:], server: nil))
    // Decomposing and training take hours, and a task's thread is needed by all others.
    let study = try await runOnOwnThread(named: "loxeval-prepare") {
      try makeStudy(plan, digests, events)
    }
    let updates = study.updates.digests()
    return try await measurement.run(study, at: server, lock: lock, events: events) { server in
      try manifest(updates: updates, server: server)
    }
  }

  /// Of the pair's weights, computed once.
  private struct Digests {
    let base: String
    let aligned: String
    let isFromBase: Bool

    /// Of the model that updates are added to.
    var origin: String { isFromBase ? base : aligned }
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
    let digests = Digests(
      base: isFromBase ? pair.base.digest() : "", aligned: isFromBase ? "" : pair.aligned.digest(),
      isFromBase: isFromBase)
    let study = try makeStudy(plan, digests, events)
    return try CellsFile.export(study, to: folder, serve: serve) { done, total in
      events(.count(what: "checkpoints written", done: done, total: total))
    }
  }

  /// Everything that is to be served, once the attacks are trained.
  private func makeStudy(
    _ plan: SweepPlan, _ digests: Digests, _ events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> ModelsToServe {
    try pair.requireChange()
    for attack in attacks { try attack.check(on: pair.aligned) }
    let alignment = try decomposed(events)
    func updates(
      _ planned: [SweepPlan.PlannedDefence], among made: StudyUpdates?
    ) throws -> [NamedUpdate] {
      try planned.compactMap { planned in
        let material = DefenceMaterial(
          pair: pair, alignment: alignment,
          attack: try planned.attack.flatMap { try made?[$0].update },
          identity: "\(digests.base) \(digests.aligned)")
        return try planned.defence.update(from: material).map {
          NamedUpdate(name: planned.name, update: $0)
        }
      }
    }
    let defences = try StudyUpdates(try updates(plan.defences, among: nil))
    let attacked = try StudyUpdates(
      defences.all
        + makeAttacks(plan, on: alignment, defences, modelDigest: digests.origin, events: events))
    if !plan.repairs.isEmpty { events(.step("making repairs")) }
    let repairs = try updates(plan.repairs, among: attacked)
    return ModelsToServe(
      checkpoint: origin, digest: digests.origin,
      updates: try StudyUpdates(attacked.all + repairs), cells: plan.cells,
      measurement: measurement,
      chatFormat: isFromBase ? chatFormat.falling(backTo: pair.aligned.folder) : chatFormat)
  }

  /// As far as anything asks of it; empty where nothing does.
  private func decomposed(
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> Decomposition {
    guard largestRank != .leading(0) else { return .empty }
    events(.step("decomposing the alignment of \(pair.targetNames.count) tensors"))
    return try Decomposition(of: pair, rank: largestRank) { done, total in
      events(.count(what: "tensors decomposed", done: done, total: total))
    }
  }

  private func makeAttacks(
    _ plan: SweepPlan, on alignment: Decomposition, _ defences: StudyUpdates, modelDigest: String,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> [NamedUpdate] {
    let store = measurement.attackStore(attackStore)
    let context = measurement.attackContext(events)
    let merging = MergedCheckpoints(
      of: pair.aligned, digest: modelDigest, updates: defences, run: measurement.output)
    defer { merging.removeAll() }
    var made: [UpdateName: NamedUpdate] = [:]
    announce(plan.attacks.count { $0.attack.isDense && $0.attack.isKept }, in: store, events)
    for planned in plan.attacks where made[planned.name] == nil {
      try measurement.requireTime(toMake: planned.name.text)
      let (merged, rest) = try defences.split(planned.stack)
      let model = AttackedModel(
        checkpoint: try merging.checkpoint(of: merged), alignment: alignment,
        stack: try defences.lowRankStack(rest, for: "training"), chatFormat: chatFormat,
        targets: pair.targets)
      let start = AttackStore.Start(
        model: model, origin: origin, stack: try defences.stack(planned.stack),
        key: try defences.key(of: planned.stack, on: modelDigest))
      // What comes from one training is made by it, though the plan has it in several places.
      let course = plan.attacks.filter {
        $0.name == planned.name || $0.isTaken(fromTheTrainingOf: planned)
      }
      let updates = try store.updates(
        of: course.map { AttackStore.Wanted(attack: $0.attack, name: $0.name) }, from: start,
        context
      ) { events(.step("preparing the attack \(planned.name)")) }
      for (planned, update) in zip(course, updates) { made[planned.name] = update }
    }
    return plan.attacks.compactMap { made[$0.name] }
  }

  /// Says what room on the disk full fine-tunings take.
  private func announce(
    _ count: Int, in store: AttackStore, _ events: @escaping @Sendable (StudyEvent) -> Void
  ) {
    guard count > 0 else { return }
    events(
      .step(
        "full fine-tunings are kept whole: \(count) of \(Number.bytes(origin.byteCount)), "
          + "\(Number.bytes(count * origin.byteCount)) in \(store.folder.path)"))
  }

  /// The largest rank that anything asks of the alignment.
  private var largestRank: Rank {
    var largest = attacks.map(\.alignmentRank).max() ?? 0
    for defence in defences {
      guard let most = defence.rank.most else { return .full }
      largest = max(largest, most)
    }
    return .leading(largest)
  }
}
