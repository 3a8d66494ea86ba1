import Foundation

/// What a step minimises, over the items of its whole batch.
struct Objective {
  /// log π of both replies of a pair before training.
  struct Reference {
    let chosen: Double
    let rejected: Double
  }

  /// What the loss is the mean over: labels, or pairs.
  let count: Int
  private let beta: Double

  init(_ items: [TrainingItem], recipe: TrainingRecipe) {
    beta = recipe.preferenceBeta
    switch recipe.objective {
    case .supervised:
      count = max(1, items.reduce(0) { $0 + $1.examples.reduce(0) { $0 + $1.labelCount } })
    case .preference:
      count = max(1, items.count)
    }
  }

  /// Each sequence's sum of log-probabilities.
  static func sums(_ scores: [Float], _ batch: PackedBatch) -> [Double] {
    var sums = [Double](repeating: 0, count: batch.sequences.count)
    for (label, score) in zip(batch.labels, scores) { sums[label.sequence] += Double(score) }
    return sums
  }

  /// Direct preference optimisation: −log σ(z), z = β · ((c − c₀) − (r − r₀)), where c and r are
  /// log π of the chosen and the rejected reply, and c₀ and r₀ those before training.
  ///
  /// - Parameters:
  ///   - scores: of the batch's labels; its sequences are pairs, the chosen one first.
  /// - Returns: the part's share of the mean loss, and the weight of each label's −log p in it.
  func preference(
    scores: [Float], _ batch: PackedBatch, references: [Reference]
  ) -> (loss: Double, weights: [Float]) {
    let sums = Self.sums(scores, batch)
    var loss = 0.0
    var weightOfSequence: [Float] = []
    for (pair, reference) in references.enumerated() {
      let (chosen, rejected) = (sums[2 * pair], sums[2 * pair + 1])
      let z = beta * ((chosen - reference.chosen) - (rejected - reference.rejected))
      // log(1 + exp(−z)), without overflow.
      loss += (max(0, -z) + log1p(exp(-abs(z)))) / Double(count)
      let weight = Float(beta / (1 + exp(z)) / Double(count))
      weightOfSequence += [weight, -weight]
    }
    return (loss, batch.labels.map { weightOfSequence[$0.sequence] })
  }
}
