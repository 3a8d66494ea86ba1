import ModelAccess

/// Which variants come up soon: their servers are made ready while others are still asked.
final class VariantPrefetcher {
  private let variants: [[ScaledUpdate]]
  private let distance: Int
  private var known: Set<[ScaledUpdate]> = []
  private var tasks: [Task<Void, Never>] = []

  init(_ variants: [[ScaledUpdate]], distance: Int) {
    self.variants = variants
    self.distance = distance
    known.formUnion(variants.prefix(distance))
  }

  /// The variant that is first asked so far ahead of an index; nil where that is no new one.
  func due(at index: Int) -> [ScaledUpdate]? {
    let place = index + distance
    guard place < variants.count, known.insert(variants[place]).inserted else { return nil }
    return variants[place]
  }

  func add(_ task: Task<Void, Never>) { tasks.append(task) }

  func cancel() { for task in tasks { task.cancel() } }
}
