package import Attacks
package import ChatTemplates
import Checkpoints
import Decoder
package import Foundation
package import LoX
import ModelAccess
import PromptSets
package import Runs
package import Support

/// The main job: every α, rank and attack of one aligned pair, from one decomposition and one
/// server start.
package struct Sweep {
  package var pair: AlignmentPair
  package var ranks: [Rank]
  package var alphas: [Double]
  /// Beside the model before any attack, which is always measured.
  package var attacks: [any Attack]
  package var measurement: Measurement
  package var server: ServerChoice
  package var chatFormat: ChatFormat?
  /// Measures W_base + Proj_r(ΔW) for every rank, for the effective rank, instead of extrapolations of
  /// the aligned model: α is 0 (the base model) and 1, and full rank is the aligned model.
  package var isFromBase = false

  package init(
    pair: AlignmentPair, ranks: [Rank], alphas: [Double], attacks: [any Attack],
    measurement: Measurement, server: ServerChoice = .embedded, chatFormat: ChatFormat? = nil
  ) {
    self.pair = pair
    self.ranks = ranks
    self.alphas = alphas
    self.attacks = attacks
    self.measurement = measurement
    self.server = server
    self.chatFormat = chatFormat
  }

  /// α = 0 is always among them: everything is compared with it.
  private var everyAlpha: [Double] {
    if isFromBase { return [0, 1] }
    return alphas.contains(0) ? alphas : [0] + alphas
  }

  /// The model that updates are added to.
  private var origin: Checkpoint { isFromBase ? pair.base : pair.aligned }

  /// The rows of the study's table.
  package var cells: [Cell] {
    var cells: [Cell] = []
    for dataset in measurement.datasets {
      for attack in [nil] + attacks.map(Optional.some) {
        for rank in ranks {
          for alpha in everyAlpha {
            var variant: [ScaledUpdate] = []
            if alpha != 0 {
              variant.append(ScaledUpdate(name: Self.updateName(rank), scale: alpha))
            }
            if let attack {
              variant.append(ScaledUpdate(name: Self.updateName(attack, rank, alpha), scale: 1))
            }
            cells.append(
              Cell(
                model: origin.folder.lastPathComponent, targets: "\(pair.targets)",
                rank: "\(rank)", alpha: alpha, attack: attack?.name ?? AttackSpecification.none,
                attackMethod: attack?.method ?? AttackSpecification.none, dataset: dataset.name,
                variant: variant))
          }
        }
      }
    }
    return cells
  }

  private static func updateName(_ rank: Rank) -> String { "lox-r\(rank)" }

  /// An attack that is made from each α's model has an update for each.
  private static func updateName(_ attack: any Attack, _ rank: Rank, _ alpha: Double) -> String {
    guard attack.isMadeFromEachModel else { return attack.name }
    return alpha == 0
      ? "\(attack.name)@a0" : "\(attack.name)@r\(rank)-a\(Number.text(alpha))"
  }

  /// Prepares the updates, starts the server once, asks every cell, and returns the run.
  package func run(events: @escaping @Sendable (StudyEvent) -> Void) async throws -> RunFolder {
    let lock = try RunFolder.reserve(measurement.output, resume: measurement.resume)
    let study = try makeStudy(events)
    return try await measurement.run(study, at: server, lock: lock, events: events) { server in
      try measurement.manifest(
        study: isFromBase ? .effectiveRank : nil, cells: cells,
        models: [
          // Of the model that updates are added to it is known already, and reads all its weights.
          "base": isFromBase ? study.digest : pair.base.digest(),
          "aligned": isFromBase ? pair.aligned.digest() : study.digest,
        ],
        updates: Dictionary(
          uniqueKeysWithValues: study.updates.map { ($0.name, $0.update.digest()) }),
        remarks: Dictionary(
          uniqueKeysWithValues: attacks.compactMap { attack in
            attack.remark.map { (attack.name, $0) }
          }),
        server: server, family: ModelFamily.of(pair.aligned))
    }
  }

  /// Writes each model of the study as a checkpoint, and the file that says where they are to be
  /// served.
  ///
  /// - Parameter serve: how a server of one is started.
  /// - Returns: the file, for `--cells`.
  package func export(
    to folder: URL, serve: CommandTemplate, events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> URL {
    try CellsFile.export(try makeStudy(events), to: folder, serve: serve) { done, total in
      events(.count(what: "checkpoints written", done: done, total: total))
    }
  }

  /// Everything that is to be served, once the attacks are trained.
  private func makeStudy(_ events: @escaping @Sendable (StudyEvent) -> Void) throws -> ServedStudy {
    try pair.requireChange()
    events(.step("decomposing the alignment of \(pair.targetNames.count) tensors"))
    let decomposition = try Decomposition(of: pair, rank: largestRank) { done, total in
      events(.count(what: "tensors decomposed", done: done, total: total))
    }
    let modelDigest = origin.digest()
    var updates: [(name: String, update: LowRankUpdate)] = ranks.map {
      (Self.updateName($0), decomposition.update(rank: $0))
    }
    updates += try makeAttacks(
      decomposition, lox: updates.map(\.update), modelDigest: modelDigest, events: events)

    events(.step("computing digests"))
    return ServedStudy(
      checkpoint: origin, digest: modelDigest, updates: updates, cells: cells,
      measurement: measurement,
      chatFormat: try chatFormat ?? (isFromBase ? .recognised(in: pair.aligned.folder) : nil))
  }

  /// Every attack's update, or updates, by name.
  private func makeAttacks(
    _ decomposition: Decomposition, lox: [LowRankUpdate], modelDigest: String,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) throws -> [(name: String, update: LowRankUpdate)] {
    let store = AttackStore(run: measurement.output)
    let context = AttackContext(threads: measurement.threads) { progress in
      try Task.checkCancellation()
      events(.training(progress))
    }
    var updates: [(name: String, update: LowRankUpdate)] = []
    for attack in attacks {
      for (rank, extrapolation) in zip(ranks, lox) {
        for alpha in attack.isMadeFromEachModel ? everyAlpha : [0] {
          let name = Self.updateName(attack, rank, alpha)
          guard !updates.contains(where: { $0.name == name }) else { continue }
          let stack = alpha == 0 ? [] : [ScaledLowRankUpdate(extrapolation, scale: alpha)]
          let model = AttackedModel(
            checkpoint: pair.aligned, alignment: decomposition, stack: stack,
            chatFormat: chatFormat)
          let modelKey = ([modelDigest] + stack.map { "\($0.update.digest()) × \($0.scale)" })
            .joined(separator: " ")
          let update = try store.update(
            of: attack, named: name, from: model, modelKey: modelKey, context
          ) { events(.step("preparing the attack \(name)")) }
          updates.append((name, update))
        }
      }
    }
    return updates
  }

  /// The largest rank that anything asks for: the defence's, or a synthetic attack's.
  private var largestRank: Rank {
    var largest = 0
    for rank in ranks {
      guard let most = rank.most else { return .full }
      largest = max(largest, most)
    }
    let attackRanks = attacks.compactMap { ($0 as? SyntheticAttack)?.rank }
    return .leading(max(largest, attackRanks.max() ?? 0))
  }
}
