import TestSupport
import Testing

/// The tests' own comparison: what it must not let through.
@Suite struct ExpectCloseTests {
  @Test(arguments: [
    (1.0, 1.0, 0.0), (1, 1.5, 0.6), (-2, -2.5, 0.6), (.infinity, .infinity, 1), (0, -0.0, 0),
  ])
  func closeNumbersPass(found: Double, expected: Double, tolerance: Double) {
    expectClose(found, expected, tolerance: tolerance)
    expectClose([found, found], [expected, expected], tolerance: tolerance)
    #expect(largestDifference([found], [expected]) <= tolerance)
  }

  @Test(arguments: [
    (Double.nan, 1.0, 1.0), (1, .nan, 1), (.nan, .nan, 1), (1, 1.5, .nan), (1, 2, 1), (1, -1, 1),
    (.infinity, 1, 1), (.infinity, -.infinity, 1), (.nan, 1, .infinity),
  ])
  func othersAreRecorded(found: Double, expected: Double, tolerance: Double) {
    withKnownIssue { expectClose(found, expected, tolerance: tolerance) }
    withKnownIssue { expectClose([0, found], [0, expected], tolerance: tolerance) }
    withKnownIssue { expectRelativelyClose([0, found], [0, expected], tolerance: tolerance / 2) }
  }

  @Test func unequalCountsAreRecorded() {
    withKnownIssue { expectClose([1.0, 2], [1], tolerance: 1) }
    withKnownIssue { expectClose([Float](), [1], tolerance: 1) }
    withKnownIssue { expectRelativelyClose([1.0], [1, 2], tolerance: 1) }
    #expect(largestDifference([1.0], [1, 2]) == .infinity)
  }

  @Test func theLargestDifferenceDoesNotHideANaN() {
    #expect(largestDifference([1.0, .nan, 5], [1, 1, 1]).isNaN)
    #expect(largestDifference([1.0, 3, 2], [1, 1, 1]) == 2)
    #expect(largestDifference([Double](), []) == 0)
  }

  @Test func relativeTolerancesFollowTheExpectedNumber() {
    expectRelativelyClose([1_000.0, 0], [1_001, 0], tolerance: 0.01)
    withKnownIssue { expectRelativelyClose([1e-3], [2e-3], tolerance: 0.01) }
  }
}
