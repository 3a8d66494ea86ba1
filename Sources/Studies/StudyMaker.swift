import Attacks
import Checkpoints
import Decoder
import Defences
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import Runs
import StudyDesign
import Support

/// Makes the updates of a sweep, each once, as far as cells need them.
final class StudyMaker {
  /// Of the pair's weights, computed once.
  struct Digests {
    let base: String
    let aligned: String
    let isFromBase: Bool

    /// Of the model that updates are added to.
    var origin: String { isFromBase ? base : aligned }
  }

  /// What can be asked now.
  struct Made: Sendable {
    let updates: StudyUpdates
    let cells: [Cell]
  }

  private let sweep: Sweep
  private let digests: Digests
  private let events: @Sendable (StudyEvent) -> Void
  private var alignment: Decomposition?
  private var made: [UpdateName: NamedUpdate] = [:]
  private var hasBegun = false
  /// How long what is left takes.
  private var pace: StudyPace
  private let time = SystemTime()
  private var toldAt: Duration?
  private static let tellingInterval = Duration.seconds(5)

  /// - Parameter plan: all that it will be asked to make.
  init(
    _ sweep: Sweep, _ digests: Digests, for plan: SweepPlan,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) {
    self.sweep = sweep
    self.digests = digests
    self.events = events
    let cost = plan.cost
    pace = StudyPace(
      trainings: cost.trainings, passes: cost.trainingDialogues,
      replies: sweep.measurement.size(of: plan.cells).samples)
  }

  /// Told how long replies took.
  func asked(_ replies: Int, seconds: Double) { pace.asked(replies, seconds: seconds) }

  /// Makes what the cells of a plan need, but for attacks that another process makes meanwhile: cells that
  /// need those are left for another call, unless there are no others.
  ///
  /// - Parameter isWhole: waits for those too, so that all cells can be asked.
  func make(_ plan: SweepPlan, isWhole: Bool) throws -> Made {
    try begin(plan)
    try add(plan.defences, plan)
    let store = sweep.measurement.attackStore(sweep.attackStore)
    announce(plan.attacks.count { $0.attack.isDense && $0.attack.isKept }, in: store)
    var isWaiting = false
    while true {
      // Trainings of a study are alike.
      let maker = try FloatBuffer.reusingFreed { try makeAttacks(plan, in: store) }
      let ready = plan.cells.filter { isMade($0.variant, plan) }
      guard let maker, isWhole || ready.isEmpty else {
        try addRepairs(plan)
        return Made(updates: try updates(of: ready, plan), cells: ready)
      }
      if !isWaiting { events(.step("waiting for an attack that \(maker) makes")) }
      isWaiting = true
      try AttackStore.pause { try sweep.measurement.requireTime(toMake: "that is missing") }
    }
  }

  private func begin(_ plan: SweepPlan) throws {
    if !hasBegun {
      try sweep.pair.requireChange()
      for attack in sweep.attacks { try attack.check(on: sweep.pair.aligned) }
      hasBegun = true
    }
    if alignment == nil, plan.needsDecomposition { alignment = try sweep.decomposed(events) }
  }

  /// Whether all of a model is there, but for repairs, which are made once their attacks are.
  private func isMade(_ stack: [ScaledUpdate], _ plan: SweepPlan) -> Bool {
    stack.allSatisfy { scaled in
      if made[scaled.name] != nil { return true }
      guard let repair = plan.repairs.first(where: { $0.name == scaled.name }) else { return false }
      return repair.attack.map { made[$0] != nil } ?? true
    }
  }

  /// In the plan's order.
  private func updates(of cells: [Cell], _ plan: SweepPlan) throws -> StudyUpdates {
    let needed = Set(cells.flatMap { $0.variant.map(\.name) })
    let order =
      plan.defences.map(\.name) + plan.attacks.map(\.name) + plan.repairs.map(\.name)
    var seen: Set<UpdateName> = []
    return try StudyUpdates(
      order.filter { needed.contains($0) && seen.insert($0).inserted }.compactMap { made[$0] })
  }

  private func add(_ planned: [SweepPlan.PlannedDefence], _ plan: SweepPlan) throws {
    for planned in planned where made[planned.name] == nil {
      let material = DefenceMaterial(
        pair: sweep.pair, alignment: alignment ?? .empty,
        attack: planned.attack.flatMap { made[$0]?.update },
        identity: "\(digests.base) \(digests.aligned)")
      if let update = try planned.defence.update(from: material) {
        made[planned.name] = NamedUpdate(name: planned.name, update: update)
      }
    }
  }

  private func addRepairs(_ plan: SweepPlan) throws {
    let possible = plan.repairs.filter { repair in
      made[repair.name] == nil && (repair.attack.map { made[$0] != nil } ?? true)
    }
    guard !possible.isEmpty else { return }
    events(.step("making repairs"))
    try add(possible, plan)
  }

  /// - Returns: who makes one that is missing now; nil where none is.
  private func makeAttacks(_ plan: SweepPlan, in store: AttackStore) throws -> String? {
    guard plan.attacks.contains(where: { made[$0.name] == nil }) else { return nil }
    let measurement = sweep.measurement
    var begun: Duration?
    let context = measurement.attackContext(events) { [events] progress in
      self.pace.goOn(
        share: Double(progress.step) / Double(max(1, progress.steps)), seconds: progress.seconds)
      if let left = self.pace.left {
        events(.left(left))
        self.tell(left)
      }
    }
    let defences = try StudyUpdates(plan.defences.compactMap { made[$0.name] })
    let merging = MergedCheckpoints(
      of: sweep.pair.aligned, digest: digests.origin, updates: defences,
      run: measurement.workspace)
    defer { merging.removeAll() }
    var maker: String?
    var tried: Set<UpdateName> = []
    for planned in plan.attacks where made[planned.name] == nil && !tried.contains(planned.name) {
      try measurement.requireTime(toMake: planned.name.text)
      // What comes from one training is made by it, though the plan has it in several places.
      let course = plan.attacks.filter {
        $0.name == planned.name || $0.isTaken(fromTheTrainingOf: planned)
      }
      tried.formUnion(course.map(\.name))
      let (merged, rest) = try defences.split(planned.stack)
      let model = AttackedModel(
        checkpoint: try merging.checkpoint(of: merged), alignment: alignment ?? .empty,
        stack: try defences.lowRankStack(rest, for: "training"), chatFormat: sweep.chatFormat,
        targets: sweep.pair.targets)
      let start = AttackStore.Start(
        model: model, origin: sweep.origin, stack: try defences.stack(planned.stack),
        key: try defences.key(of: planned.stack, on: digests.origin))
      begun = nil
      pace.begin(passes: course.map(\.attack.passes).max() ?? 0)
      let found = try store.find(
        course.map { AttackStore.Wanted(attack: $0.attack, name: $0.name) }, from: start, context
      ) {
        begun = time.now
        events(.step("preparing the attack \(planned.name)"))
      }
      switch found {
      case .updates(let updates):
        if planned.attack.isKept { pace.end(seconds: begun.map { (time.now - $0).inSeconds }) }
        for (planned, update) in zip(course, updates) { made[planned.name] = update }
      case .beingMade(let other): maker = other
      }
    }
    return maker
  }

  /// Says in a shard's folder what is left, for whoever asks how far the run is.
  private func tell(_ left: StudyPace.Left) {
    guard sweep.measurement.shard != nil,
      toldAt.map({ time.now - $0 >= Self.tellingInterval }) ?? true
    else { return }
    toldAt = time.now
    // It only informs: a training does not end because of it.
    try? Preparation(secondsLeft: left.seconds, trainings: left.trainings)
      .write(in: sweep.measurement.workspace)
  }

  /// Says what room on the disk full fine-tunings take.
  private func announce(_ count: Int, in store: AttackStore) {
    guard count > 0 else { return }
    let bytes = sweep.origin.widenedByteCount
    events(
      .step(
        "full fine-tunings are kept whole, in float32: \(count) of \(Number.bytes(bytes)), "
          + "\(Number.bytes(count * bytes)) in \(store.folder.path)"))
  }
}
