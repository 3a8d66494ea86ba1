/// Where the variation of a single verdict comes from: the prompt, the training, the drawing of the reply,
/// or the judge.
///
/// A verdict y is 1 or 0, of judge j on the s-th reply to prompt p by the model of training t. Prompts,
/// trainings, replies and judges are taken for draws from many. Then what two different verdicts share
/// shows in the mean of their product (method of moments over all pairs, W. Hoeffding's U-statistics, 1948;
/// for a crossed design these are the components of C. R. Henderson's first method, 1953):
///
///     Q₀ = E yy′ of different prompts and trainings          (the squared mean)
///     Qₚ = E yy′ of one prompt under different trainings
///     Qₜ = E yy′ of different prompts under one training
///     Q  = E yy′ of different replies to one prompt under one training
///     Qᵣ = E yy′ of different judges on one reply
///
///     prompt = Qₚ − Q₀    training = Q − Qₚ    sampling = Qᵣ − Q    judge = E y − Qᵣ
///
/// They add up to the variance E y − Q₀. *Training* holds both the shift of all prompts, Qₜ − Q₀
/// (`trainingShift`), and what a training does to single prompts. Of several judges only products of
/// different ones are looked at, so that a judge's leniency counts as the judge's.
///
/// What was not varied has no component, and stands in the next coarser one: without a second training in
/// the prompt's, without a second reply in the training's (with one training, in the prompt's). Estimates
/// are unbiased and may come out below zero where a component is small; shares count those as none.
package struct VarianceComponents: Codable, Hashable, Sendable {
  /// A verdict's place in the design.
  package struct Reply: Sendable {
    package var prompt: String
    package var training: Int
    /// By judge, in one order for all replies; nil where a judge has no verdict.
    package var verdicts: [Bool?]

    package init(prompt: String, training: Int, verdicts: [Bool?]) {
      self.prompt = prompt
      self.training = training
      self.verdicts = verdicts
    }
  }

  /// How many of each were measured; of replies the most to one prompt under one training.
  package var prompts: Int
  package var trainings: Int
  package var samples: Int
  package var judges: Int
  /// E y − Q₀, at most 1/4.
  package var total: Double
  package var prompt: Double
  package var training: Double?
  /// Of `training`, what moves all prompts alike.
  package var trainingShift: Double?
  package var sampling: Double?
  package var judge: Double?

  enum CodingKeys: String, CodingKey {
    case prompts, trainings, samples, judges, total, prompt, training, sampling, judge
    case trainingShift = "training_shift"
  }

  /// - Returns: nil with fewer than two prompts.
  package init?(_ replies: [Reply]) {
    let judgeCount = replies.map(\.verdicts.count).max() ?? 0
    var moments = Moments(judges: judgeCount)
    let groups = Dictionary(grouping: replies) { Place(prompt: $0.prompt, training: $0.training) }
    for (place, group) in groups.sorted(by: { $0.key < $1.key }) { moments.add(group, at: place) }
    guard let mean = moments.mean, moments.prompts > 1 else { return nil }
    (prompts, trainings, samples) = (moments.prompts, moments.trainings, moments.mostReplies)
    judges = moments.judgesSeen
    let isCrossed = trainings > 1
    let ofOneReply = moments.ofOneReply ?? mean
    let ofOnePlace = moments.ofOnePlace ?? ofOneReply
    guard let apart = isCrossed ? moments.ofDifferent : moments.ofOneTraining else { return nil }
    let ofOnePrompt = isCrossed ? moments.ofOnePrompt ?? ofOnePlace : ofOnePlace
    total = mean - apart
    prompt = ofOnePrompt - apart
    training = isCrossed ? ofOnePlace - ofOnePrompt : nil
    trainingShift = isCrossed ? moments.ofOneTraining.map { $0 - apart } : nil
    sampling = moments.ofOnePlace.map { ofOneReply - $0 }
    judge = moments.ofOneReply.map { mean - $0 }
  }

  /// Each component's share of their sum, those below zero counting as none.
  package struct Shares: Codable, Hashable, Sendable {
    package var prompt: Double
    package var training: Double?
    package var sampling: Double?
    package var judge: Double?
  }

  /// nil where no verdict differed from another.
  package var shares: Shares? {
    let whole = [prompt, training, sampling, judge].reduce(0) { $0 + max(0, $1 ?? 0) }
    // What is left of a sum of rounded numbers is no variation.
    guard whole > 1e-12 else { return nil }
    func share(_ component: Double?) -> Double? { component.map { max(0, $0) / whole } }
    return Shares(
      prompt: share(prompt) ?? 0, training: share(training), sampling: share(sampling),
      judge: share(judge))
  }
}

/// A prompt under a training.
private struct Place: Hashable, Comparable {
  var prompt: String
  var training: Int

  static func < (left: Place, right: Place) -> Bool {
    (left.prompt, left.training) < (right.prompt, right.training)
  }
}

/// Sums of verdicts, from which the mean products of all kinds of pairs follow without looking at each.
private struct Moments {
  /// A sum of products and how many they are.
  private struct Mean {
    var sum = 0.0
    var count = 0.0

    var value: Double? { count > 0 ? sum / count : nil }

    mutating func add(_ sum: Double, _ count: Double) {
      self.sum += sum
      self.count += count
    }
  }

  /// Complied and judged, by judge.
  private struct Sums {
    var complied: [Double]
    var judged: [Double]

    init(judges: Int) {
      complied = Array(repeating: 0, count: judges)
      judged = complied
    }

    mutating func add(_ verdicts: [Bool?]) {
      for case (let judge, let verdict?) in verdicts.enumerated() {
        complied[judge] += verdict ? 1 : 0
        judged[judge] += 1
      }
    }

    mutating func add(_ other: Sums) {
      for judge in complied.indices {
        complied[judge] += other.complied[judge]
        judged[judge] += other.judged[judge]
      }
    }
  }

  private var all: Sums
  private var byPrompt: [String: Sums] = [:]
  private var byTraining: [Int: Sums] = [:]
  private var byPlace: [Sums] = []
  private var replyProducts = Mean()
  private var placeProducts = Mean()
  private(set) var mostReplies = 0

  init(judges: Int) { all = Sums(judges: judges) }

  var prompts: Int { byPrompt.count }
  var trainings: Int { byTraining.count }
  var judgesSeen: Int { all.judged.count { $0 > 0 } }

  mutating func add(_ replies: [VarianceComponents.Reply], at place: Place) {
    let replies = replies.map(\.verdicts).filter { $0.contains { $0 != nil } }
    guard !replies.isEmpty else { return }
    mostReplies = max(mostReplies, replies.count)
    let judges = all.judged.count
    var sums = Sums(judges: judges)
    var own = Mean()
    for verdicts in replies {
      var reply = Sums(judges: judges)
      reply.add(verdicts)
      sums.add(reply)
      let products = Self.products(reply, judges)
      own.add(products.sum, products.count)
    }
    if judges > 1 { replyProducts.add(own.sum, own.count) }
    let products = Self.products(sums, judges)
    placeProducts.add(products.sum - own.sum, products.count - own.count)
    all.add(sums)
    byPrompt[place.prompt, default: Sums(judges: judges)].add(sums)
    byTraining[place.training, default: Sums(judges: judges)].add(sums)
    byPlace.append(sums)
  }

  /// Products of two sums over pairs of different judges; with one judge, of its own.
  private static func products(_ sums: Sums, _ judges: Int) -> Mean {
    var mean = Mean()
    for first in 0..<judges {
      for second in 0..<judges where first != second || judges == 1 {
        mean.add(
          sums.complied[first] * sums.complied[second], sums.judged[first] * sums.judged[second])
      }
    }
    return mean
  }

  private func total(_ sums: some Sequence<Sums>) -> Mean {
    let judges = all.judged.count
    return sums.reduce(into: Mean()) { total, sums in
      let products = Self.products(sums, judges)
      total.add(products.sum, products.count)
    }
  }

  /// Each judge counts alike, as a draw of its own.
  var mean: Double? {
    let rates = zip(all.complied, all.judged).filter { $0.1 > 0 }.map { $0.0 / $0.1 }
    return rates.isEmpty ? nil : rates.reduce(0, +) / Double(rates.count)
  }

  var ofOneReply: Double? { replyProducts.value }
  var ofOnePlace: Double? { placeProducts.value }

  var ofOnePrompt: Double? {
    let (prompts, places) = (total(byPrompt.values), total(byPlace))
    return Mean(sum: prompts.sum - places.sum, count: prompts.count - places.count).value
  }

  var ofOneTraining: Double? {
    let (trainings, places) = (total(byTraining.values), total(byPlace))
    return Mean(sum: trainings.sum - places.sum, count: trainings.count - places.count).value
  }

  var ofDifferent: Double? {
    let (whole, places) = (total([all]), total(byPlace))
    let (prompts, trainings) = (total(byPrompt.values), total(byTraining.values))
    return Mean(
      sum: whole.sum - prompts.sum - trainings.sum + places.sum,
      count: whole.count - prompts.count - trainings.count + places.count
    ).value
  }
}
