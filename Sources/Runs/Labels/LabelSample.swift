import StudyDesign
import Support

/// Draws the replies of a run that a person is to label.
package struct LabelSample {
  package let run: StoredRun
  package let seed: UInt64

  package init(_ run: StoredRun, seed: UInt64) {
    self.run = run
    self.seed = seed
  }

  /// As many replies of each kind (`ReplyKind`) as there are of the others, drawn at random among all of
  /// the kind; of a prompt that was sampled several times the first of its replies before any further
  /// one. They come in turns of one of each kind, in an order that tells nothing.
  ///
  /// The same run, seed and labels give the same sample, and a larger one begins with the smaller.
  ///
  /// - Parameters:
  ///   - count: how many there are to be, those labelled before among them; fewer where the run has no
  ///     more.
  ///   - labelled: in order; they come first of their kind.
  package func draw(
    _ count: Int, labelled: [Sample.Key] = []
  ) throws(RunError) -> [Sample] {
    var samples: [Sample] = []
    for outcome in chosen(count, labelled) { samples.append(try run.sample(outcome)) }
    return samples
  }

  private func chosen(_ count: Int, _ labelled: [Sample.Key]) -> [SampleOutcome] {
    var replies: [ReplyKind: [SampleOutcome]] = [:]
    for cell in run.manifest.plan.distinctCells {
      replies[ReplyKind(cell), default: []] += run.outcomes[cell.id].filter { $0.failure == nil }
    }
    let order = Dictionary(
      labelled.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
    var queues = ReplyKind.all(of: run.manifest.plan).map { kind in
      let all = shuffled(replies[kind] ?? [], kind)
      let known = all.filter { order[$0.key] != nil }.sorted {
        order[$0.key] ?? 0 < order[$1.key] ?? 0
      }
      return (known + all.filter { order[$0.key] == nil })[...]
    }
    var random = SplitMix64(seed: seed)
    var drawn: [SampleOutcome] = []
    while drawn.count < count {
      queues.removeAll(where: \.isEmpty)
      guard !queues.isEmpty else { break }
      for place in Self.permutation(of: queues.count, &random) {
        guard drawn.count < count, let sample = queues[place].popFirst() else { continue }
        drawn.append(sample)
      }
    }
    return drawn
  }

  /// In an order of the seed's, whatever the journal's.
  private func shuffled(_ samples: [SampleOutcome], _ kind: ReplyKind) -> [SampleOutcome] {
    let sorted = samples.sorted {
      ($0.cell.rawValue, $0.id, $0.sample) < ($1.cell.rawValue, $1.id, $1.sample)
    }
    let name = "\(kind.dataset) \(kind.promptAttack.text) \(kind.text)"
    var random = SplitMix64(seed: seed ^ Fingerprint.hash(name))
    let mixed = Self.permutation(of: sorted.count, &random).map { sorted[$0] }
    var seen: Set<[String]> = []
    let isFirst = mixed.map { seen.insert([$0.cell.rawValue, $0.id]).inserted }
    return zip(mixed, isFirst).filter(\.1).map(\.0) + zip(mixed, isFirst).filter { !$0.1 }.map(\.0)
  }

  /// Fisher and Yates's, with a generator whose numbers are the same everywhere.
  private static func permutation(of count: Int, _ random: inout SplitMix64) -> [Int] {
    var places = Array(0..<count)
    for index in places.indices.dropFirst().reversed() {
      places.swapAt(index, Int(random.nextUnit() * Double(index + 1)))
    }
    return places
  }
}
