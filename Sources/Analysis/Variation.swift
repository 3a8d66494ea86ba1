import ModelAccess
import Runs
package import Scoring
package import StudyDesign

/// How much the verdicts on a set vary, and by what: under one kind of training, with one treatment.
package struct Variation: Codable, Hashable, Sendable {
  /// One of the trainings.
  package struct Training: Codable, Hashable, Sendable {
    /// The attack's label.
    package var attack: String
    package var seed: UInt64?
    /// By the set's primary judge.
    package var rate: Double

    enum CodingKeys: String, CodingKey {
      case attack, seed
      case rate = "asr"
    }
  }

  package var dataset: String
  package var promptAttack: String
  package var treatment: Treatment
  /// The first of the trainings' labels; `none` for the model before any attack.
  package var attack: String
  /// Of the same recipe but for its seed, in the plan's order; empty for the model before any attack.
  package var trainings: [Training]
  /// Over the trainings; nil where there are none.
  package var spread: TrainingSpread?
  /// From the untreated model's rate to the treated one's after the training with the same seed, over several
  /// trainings; nil for one, for the untreated model and in files of earlier releases.
  package var change: TrainingSpread?
  /// nil with fewer than two prompts.
  package var components: VarianceComponents?
  /// nil where fewer than ``fewest`` verdicts differed from the rest: shares of next to nothing mean nothing.
  package var shares: VarianceComponents.Shares?

  /// Of the rarer verdict.
  package static let fewest = 10

  enum CodingKeys: String, CodingKey {
    case dataset, treatment, attack, trainings, spread, change, components, shares
    case promptAttack = "prompt_attack"
  }

  /// What trainings of one kind share; one whose recipe is not known is of a kind of its own.
  private struct Kind: Hashable {
    var dataset: String
    var treatment: Treatment
    var promptAttack: PromptAttack
    var method: AttackID.Method
    var training: String
    var step: Int?

    init(_ cell: Cell) {
      dataset = cell.dataset
      treatment = cell.treatment
      promptAttack = cell.promptAttack
      method = cell.attack.method
      training = cell.attack.training ?? "only \(cell.attack.label)"
      step = cell.attack.step
    }
  }

  /// Of every harmful set, treatment and kind of training that has verdicts.
  static func all(_ plan: RunManifest.Plan, _ outcomes: SampleOutcomes) -> [Variation] {
    let cells = Findings.distinct(
      plan.cells.filter { plan.datasets[$0.dataset]?.kind == .harmful })
    let groups = Dictionary(grouping: cells, by: Kind.init)
    let found = Findings.distinct(cells.map(Kind.init)).compactMap { kind in
      // The same training twice is one.
      var recipes: Set<String> = []
      let own = (groups[kind] ?? []).filter {
        $0.attack.recipe.isEmpty || recipes.insert($0.attack.recipe).inserted
      }
      return Variation(own, plan, outcomes)
    }
    return found.map { $0.compared(among: found) }
  }

  /// With what the treatment changes, training by training; as it is where the untreated model was not
  /// trained with the same seeds.
  private func compared(among all: [Variation]) -> Variation {
    guard !treatment.isNone, trainings.count > 1,
      let untreated = all.first(where: { other in
        other.treatment.isNone && other.dataset == dataset && other.promptAttack == promptAttack
          && other.trainings.map(\.attack) == trainings.map(\.attack)
      })
    else { return self }
    var compared = self
    compared.change = TrainingSpread(
      zip(trainings, untreated.trainings).map { $0.rate - $1.rate })
    return compared
  }

  private init?(_ cells: [Cell], _ plan: RunManifest.Plan, _ outcomes: SampleOutcomes) {
    guard let first = cells.first else { return nil }
    let judges = Self.judges(of: first.dataset, plan)
    let found = cells.compactMap { cell -> (cell: Cell, samples: CellOutcomes, rate: Double)? in
      let samples = outcomes[cell.id]
      let verdicts = PromptOutcomes(samples, judge: judges[0]) { $0 == .complied }
      return clusteredRate(verdicts.all).map { (cell, samples, $0.rate) }
    }
    guard !found.isEmpty else { return nil }
    dataset = first.dataset
    promptAttack = first.promptAttack.text
    treatment = first.treatment
    attack = first.attack.label
    trainings =
      first.attack.isNone
      ? []
      : found.map {
        Training(attack: $0.cell.attack.label, seed: $0.cell.attack.seed, rate: $0.rate)
      }
    spread = TrainingSpread(trainings.map(\.rate))
    let replies = found.enumerated().flatMap { index, training in
      training.samples.map { sample in
        VarianceComponents.Reply(
          prompt: sample.id, training: index,
          verdicts: judges.map { judge in
            let verdict = sample.judgement(by: judge).verdict
            return verdict == .unscored ? nil : verdict == .complied
          })
      }
    }
    components = VarianceComponents(replies)
    let verdicts = replies.flatMap(\.verdicts).compactMap(\.self)
    let complied = verdicts.count(where: \.self)
    shares =
      min(complied, verdicts.count - complied) < Self.fewest ? nil : components?.shares
  }

  /// Those that answer the same question: the primary judge, and others that are no rung of the ladder.
  private static func judges(of dataset: String, _ plan: RunManifest.Plan) -> [String] {
    let all = plan.judges(of: dataset)
    return all.prefix(1)
      + all.dropFirst().filter { $0 != ExactMatchJudge.name && !LadderRung.judges.contains($0) }
  }
}
