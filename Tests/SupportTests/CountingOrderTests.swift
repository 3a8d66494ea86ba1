import Foundation
import Support
import Testing

@Suite struct CountingOrderTests {
  @Test func numbersAreCounted() {
    let sorted = ["q10", "q2", "b", "q1", "q02", "a10c", "a9d", "q2x"].sorted {
      $0.isBefore(counting: $1)
    }
    #expect(sorted == ["a9d", "a10c", "b", "q1", "q02", "q2", "q2x", "q10"])
    #expect("ä2".isBefore(counting: "ä10"))
    #expect(!"ä10".isBefore(counting: "ä2"))
  }

  /// Stored runs are in Foundation's order.
  @Test func plainTextsAreInFoundationsOrder() {
    var random = SplitMix64(seed: 7)
    let letters = Array("ab-_.AZ0019 ")
    func text() -> String {
      String(
        (0..<Int.random(in: 0...7, using: &random)).map { _ in
          letters.randomElement(using: &random)!
        })
    }
    for _ in 0..<20_000 {
      let (a, b) = (text(), text())
      let expected =
        switch a.compare(b, options: .numeric) {
        case .orderedAscending: true
        case .orderedDescending: false
        case .orderedSame: a < b
        }
      #expect(a.isBefore(counting: b) == expected, "\(a) and \(b)")
    }
  }
}
