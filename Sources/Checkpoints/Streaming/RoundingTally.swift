import Synchronization

/// What of a change is left once sums are rounded to the element types that are written: ⟨rounded, change⟩ / ‖change‖²,
/// over all tensors.
///
/// A stored weight is a number of its type already, so a change of less than half the distance to the next one is
/// rounded away, and a larger one to a whole distance. Estimated on some values of each tensor.
package final class RoundingTally: Sendable {
  /// Values of which one is looked at. A prime, so that columns take turns.
  static let stride = 61

  private let sums = Mutex((along: 0.0, squares: 0.0))

  package init() {}

  /// 1 where nothing was lost; nil where nothing was changed.
  package var kept: Double? {
    sums.withLock { $0.squares > 0 ? $0.along / $0.squares : nil }
  }

  /// - Parameters:
  ///   - before: some weights as they were.
  ///   - after: the same with the change.
  ///   - elementType: what they are rounded to.
  func add(_ before: [Float], _ after: [Float], as elementType: ElementType) {
    let rounded = unsafe elementType.narrow(after).withUnsafeBytes { unsafe elementType.widen($0) }
    var (along, squares) = (0.0, 0.0)
    for index in before.indices {
      let change = Double(after[index]) - Double(before[index])
      along += change * (Double(rounded[index]) - Double(before[index]))
      squares += change * change
    }
    sums.withLock { $0 = ($0.along + along, $0.squares + squares) }
  }
}
