import Synchronization

/// What of a change is left once sums are rounded to the element types that are written: ⟨rounded, change⟩ / ‖change‖²,
/// over all tensors.
///
/// A stored weight is a number of its type already, so a change of less than half the distance to the next one is
/// rounded away, and a larger one to a whole distance. Estimated on some values of each tensor.
package final class RoundingTally: Sendable {
  /// Values of which one is looked at. A prime, so that columns take turns.
  static let stride = 61

  /// ⟨rounded, change⟩ and ‖change‖² of the values that were looked at.
  struct Sums {
    var along = 0.0
    var squares = 0.0

    var text: String { "\(along) \(squares)" }

    init() {}

    /// nil where the text is none of these.
    init?(text: some StringProtocol) {
      let numbers = text.split(separator: " ").map { Double($0) }
      guard numbers.count == 2, let along = numbers[0], let squares = numbers[1] else { return nil }
      (self.along, self.squares) = (along, squares)
    }
  }

  private let sums = Mutex(Sums())

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
    var further = Sums()
    for index in before.indices {
      let change = Double(after[index]) - Double(before[index])
      further.along += change * (Double(rounded[index]) - Double(before[index]))
      further.squares += change * change
    }
    add(further)
  }

  func add(_ further: Sums) {
    sums.withLock {
      $0.along += further.along
      $0.squares += further.squares
    }
  }

  var found: Sums { sums.withLock { $0 } }
}
