package import Attacks
package import ChatTemplates
import Checkpoints
import Defences
package import Foundation
package import LoX
import ModelAccess
import PromptSets
package import Runs
import StudyDesign
import Support

/// The picture of a flatter zone (LoX, arXiv 2506.15606): the aligned model moved by α along LoX's direction
/// and by t along the part of a fine-tuning that is orthogonal to it.
///
/// With L = Proj_k(ΔW), T what fine-tuning added, and both as vectors of all weights: T⊥ = T − c L with
/// c = ⟨T, L⟩ / ⟨L, L⟩. A model of the grid is W_aligned + α L + t T⊥, so the study has two updates, and any
/// number of models is served from one start.
package struct Landscape {
  package var pair: AlignmentPair
  package var rank: Rank
  /// α; 0 is always measured.
  package var alphas: [Double]
  /// t, in multiples of the attack; 0 is always measured.
  package var strengths: [Double]
  package var attack: any Attack
  package var measurement: Measurement
  package var server: any ServerSource
  package var chatFormat: ChatFormatChoice
  /// Where attacks that cost much are kept; nil keeps them in the run's folder.
  package var attackStore: URL?

  /// Below this share of its norm an attack has nothing orthogonal to LoX's direction that is not rounding.
  static let leastOrthogonalShare = 1e-4

  package init(
    pair: AlignmentPair, rank: Rank, alphas: [Double], strengths: [Double], attack: any Attack,
    measurement: Measurement, server: any ServerSource = .embedded,
    chatFormat: ChatFormatChoice = ChatFormatChoice(), attackStore: URL? = nil
  ) {
    self.pair = pair
    self.rank = rank
    self.alphas = alphas
    self.strengths = strengths
    // A direction is scaled as an adapter: of a full fine-tuning its leading part is.
    self.attack = attack.asLowRank ?? attack
    self.measurement = measurement
    self.server = server
    self.chatFormat = chatFormat
    self.attackStore = attackStore
  }

  package var plan: LandscapePlan {
    LandscapePlan(
      model: pair.aligned.folder.modelName, targets: "\(pair.targets)",
      defence: LoXDefence(rank: rank, strengths: alphas), attack: attack, strengths: strengths,
      datasets: measurement.datasets.map(\.name))
  }

  /// Refuses arguments that the pair's own chat template does not read, before anything is made.
  package func requireReadArguments() throws {
    try chatFormat.requireReadArguments(by: pair.aligned.folder)
  }

  /// Plans, refuses what cannot be continued, makes the two updates, starts the server once, asks every
  /// model, and returns the run.
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    try server.requireServed([attack], of: pair.aligned)
    let lock = try measurement.reserve()
    let plan = plan
    events(.step("\(measurement.size(of: plan.cells))"))
    guard attack.stack(of: []) == nil else {
      throw StudyError.noDirection(
        attack: plan.attack, reason: "it changes scales and has no update of its own")
    }
    events(.step("computing digests"))
    let (base, aligned) = try await runOnOwnThread(named: "loxeval-digests") {
      (pair.base.digest(), pair.aligned.digest())
    }
    let landscape = RunManifest.Plan.Landscape(
      defence: plan.defence, attack: plan.attack,
      refusals: server.scoresReplies ? measurement.refusals.digest : nil)
    func manifest(_ directions: Directions?, _ server: ReadyServers?) throws -> RunManifest {
      try measurement.manifest(
        study: .landscape, cells: plan.cells, models: ["base": base, "aligned": aligned],
        updates: directions?.updates.digests() ?? [:], remarks: plan.remarks, server: server,
        family: ModelFamily.of(pair.aligned), chatFormat: chatFormat, landscape: landscape,
        geometry: directions?.geometry)
    }
    try RunFolder.requireContinuable(measurement.output, try manifest(nil, nil))
    // Decomposing and training take hours, and a task's thread is needed by all others.
    let directions = try await runOnOwnThread(named: "loxeval-prepare") {
      try makeDirections(plan, modelDigest: aligned, events)
    }
    let models = ModelsToServe(
      checkpoint: pair.aligned, digest: aligned, updates: directions.updates, cells: plan.cells,
      measurement: measurement, chatFormat: chatFormat)
    return try await measurement.run(models, at: server, lock: lock, events: events) { server in
      try manifest(directions, server)
    }
  }

  /// The two updates of a landscape, and how they lie to each other.
  struct Directions: Sendable {
    let updates: StudyUpdates
    let geometry: RunManifest.Plan.Geometry
  }

  private func makeDirections(
    _ plan: LandscapePlan, modelDigest: String, _ events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> Directions {
    try pair.requireChange()
    try attack.check(on: pair.aligned)
    let most = rank.most.map { Rank.leading(max($0, attack.alignmentRank)) } ?? .full
    let alignment = try Decomposition(of: pair, rank: most, events: events)
    let made = try makeAttack(plan, alignment, modelDigest: modelDigest, events)
    guard let attack = made.update.lowRank else {
      throw StudyError.denseDirection(attack: plan.attack)
    }
    let (direction, geometry) = try Self.direction(
      of: attack, orthogonalTo: alignment.update(rank: rank), named: plan.attack)
    return Directions(
      updates: try StudyUpdates([
        NamedUpdate(name: plan.defenceName, update: alignment.update(rank: rank)),
        NamedUpdate(name: plan.directionName, update: direction),
      ]), geometry: geometry)
  }

  /// What an attack does beside what it does along a defence.
  ///
  /// - Throws: `StudyError.noDirection` where nothing is left of it.
  static func direction(
    of attack: LowRankUpdate, orthogonalTo defence: LowRankUpdate, named label: String
  ) throws(StudyError) -> (LowRankUpdate, RunManifest.Plan.Geometry) {
    let (square, length) = (defence.squaredNorm, attack.squaredNorm.squareRoot())
    guard length > 0, length.isFinite else {
      throw .noDirection(attack: label, reason: "it changes nothing")
    }
    guard square > 0, square.isFinite else {
      throw .noDirection(attack: label, reason: "LoX's own update at this rank changes nothing")
    }
    let (direction, along) = attack.orthogonal(to: defence)
    // ‖T‖² − c² ‖L‖², which loses digits only where little is left.
    let rest = max(0, length * length - along * along * square).squareRoot()
    guard rest > leastOrthogonalShare * length else {
      throw .noDirection(
        attack: label, reason: "it moves along LoX's own direction alone")
    }
    return (
      direction,
      RunManifest.Plan.Geometry(
        along: along, cosine: along * square.squareRoot() / length,
        defenceNorm: square.squareRoot(), attackNorm: length, orthogonalNorm: rest)
    )
  }

  /// T, from the store where it was made before.
  private func makeAttack(
    _ plan: LandscapePlan, _ alignment: Decomposition, modelDigest: String,
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> NamedUpdate {
    try measurement.requireTime(toMake: plan.attack)
    let model = AttackedModel(
      checkpoint: pair.aligned, alignment: alignment, chatFormat: chatFormat, targets: pair.targets)
    return try measurement.attackStore(attackStore).update(
      of: attack, named: plan.attackName,
      from: AttackStore.Start(model: model, origin: pair.aligned, stack: [], key: modelDigest),
      measurement.attackContext(events)
    ) { events(.step("preparing the attack \(plan.attack)")) }
  }
}
