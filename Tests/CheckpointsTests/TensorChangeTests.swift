import Foundation
import Testing

@testable import Checkpoints

/// Changes of a tensor, a few rows at a time: each value is summed in float64 and rounded once.
@Suite struct TensorChangeTests {
  @Test(arguments: [1, 7, 5_000, 20_001])
  func sumsAreThoseOfSingleValues(columns: Int) throws {
    let (rows, scale) = (60_000 / columns, 0.3)
    let folder = try WeightStreamTests.model(count: rows * columns)
    let checkpoint = try Checkpoint(folder: folder.url)
    let new = try WeightStream("bf16", in: checkpoint)
    let old = try WeightStream("f32", in: checkpoint)
    let others = (0..<rows * columns).map { Double($0 % 13) / 7 }
    let change = TensorChange(
      [.difference(scale: scale, new: new, old: old), .values(others, scale: -1.5)],
      columns: columns)
    let whole = 0..<rows * columns
    let (newer, older) = (try new.floats(whole), try old.floats(whole))
    for range in [whole, (rows / 3) * columns..<rows * columns] {
      var values = range.map { Float($0 % 17) / 16 }
      var span = values.mutableSpan
      try change.add(range, to: &span)
      let expected = range.map { place in
        Float(
          (Double(Float(place % 17) / 16) + scale * (Double(newer[place]) - Double(older[place])))
            - 1.5 * others[place])
      }
      #expect(values == expected)
    }
  }
}
