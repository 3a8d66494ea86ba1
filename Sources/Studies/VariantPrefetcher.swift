import ModelAccess

/// Which variants come up soon: their servers are made ready while others are still asked.
final class VariantPrefetcher {
  /// In the order in which they are asked, each with how often.
  private let variants: [(variant: [ScaledUpdate], count: Int)]
  private let distance: Int
  private var known: Set<[ScaledUpdate]> = []
  private var tasks: [Task<Void, Never>] = []
  /// The variant that was looked at last, and the place that it begins at.
  private var place = 0
  private var start = 0

  init(_ variants: [(variant: [ScaledUpdate], count: Int)], distance: Int) {
    self.variants = variants
    self.distance = distance
    var reached = 0
    for (variant, count) in variants {
      guard reached < distance else { break }
      if count > 0 { known.insert(variant) }
      reached += count
    }
  }

  /// The variant that is first asked so far ahead of an index; nil where that is no new one.
  ///
  /// - Parameter index: never less than before.
  func due(at index: Int) -> [ScaledUpdate]? {
    while place < variants.count, start + variants[place].count <= index + distance {
      start += variants[place].count
      place += 1
    }
    guard place < variants.count, known.insert(variants[place].variant).inserted else {
      return nil
    }
    return variants[place].variant
  }

  func add(_ task: Task<Void, Never>) { tasks.append(task) }

  func cancel() { for task in tasks { task.cancel() } }
}
