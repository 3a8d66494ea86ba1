public import Attacks
import Chat
import Checkpoints
import Foundation
public import LanguageModel
public import LoX

/// The main job: every α, rank and attack of one aligned pair, from one decomposition and one
/// server start.
public struct Sweep {
  public var pair: AlignmentPair
  public var ranks: [Rank]
  public var alphas: [Double]
  /// Beside the model before any attack, which is always measured.
  public var attacks: [any Attack]
  public var measurement: Measurement
  public var chatFormat: ChatFormat?

  public init(
    pair: AlignmentPair, ranks: [Rank], alphas: [Double], attacks: [any Attack],
    measurement: Measurement, chatFormat: ChatFormat? = nil
  ) {
    self.pair = pair
    self.ranks = ranks
    self.alphas = alphas
    self.attacks = attacks
    self.measurement = measurement
    self.chatFormat = chatFormat
  }

  /// The rows of the study's table. α = 0 is always among them: everything is compared with it.
  public var cells: [Cell] {
    let everyAlpha = alphas.contains(0) ? alphas : [0] + alphas
    var cells: [Cell] = []
    for dataset in measurement.datasets {
      for attack in [nil] + attacks.map(Optional.some) {
        for rank in ranks {
          for alpha in everyAlpha {
            var variant: [ScaledUpdate] = []
            if alpha != 0 {
              variant.append(ScaledUpdate(name: Self.updateName(rank), scale: alpha))
            }
            if let attack { variant.append(ScaledUpdate(name: attack.name, scale: 1)) }
            cells.append(
              Cell(
                model: pair.aligned.folder.lastPathComponent, targets: "\(pair.targets)",
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

  /// Prepares the updates, starts the server once, asks every cell, and returns the run.
  public func run(events: @escaping (StudyEvent) -> Void) async throws -> RunFolder {
    events(.step("decomposing the alignment of \(pair.targetNames.count) tensors"))
    let decomposition = try Decomposition(of: pair, rank: largestRank) { done, total in
      events(.count(what: "tensors decomposed", done: done, total: total))
    }
    var updates: [(name: String, update: LowRankUpdate)] = ranks.map {
      (Self.updateName($0), decomposition.update(rank: $0))
    }
    let attacked = AttackedModel(checkpoint: pair.aligned, alignment: decomposition)
    for attack in attacks {
      events(.step("preparing the attack \(attack.name)"))
      updates.append((attack.name, try attack.update(for: attacked)))
    }

    events(.step("computing digests"))
    let manifest = try measurement.manifest(
      cells: cells,
      models: ["base": pair.base.digest(), "aligned": pair.aligned.digest()],
      updates: Dictionary(uniqueKeysWithValues: updates.map { ($0.name, $0.update.digest()) }),
      remarks: Dictionary(
        uniqueKeysWithValues: attacks.compactMap { attack in
          attack.remark.map { (attack.name, $0) }
        }),
      server: "embedded")
    let folder = try RunFolder(
      measurement.output, manifest: manifest, resume: measurement.resume)

    events(.step("starting the server"))
    let server = try await EmbeddedServer(
      model: pair.aligned, updates: updates, chatFormat: chatFormat,
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

  /// The largest rank that anything asks for: the defence's, or a synthetic attack's.
  private var largestRank: Rank {
    var largest = 0
    for rank in ranks {
      switch rank {
      case .full: return .full
      case .leading(let count): largest = max(largest, count)
      }
    }
    let attackRanks = attacks.compactMap { ($0 as? SyntheticAttack)?.rank }
    return .leading(max(largest, attackRanks.max() ?? 0))
  }
}
