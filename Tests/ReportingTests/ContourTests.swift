import Testing

@testable import Reporting

/// Lines of equal value.
@Suite struct ContourTests {
  static func lines(
    _ values: [[Double?]], at level: Double, columns: [Double]? = nil
  ) -> [[ContourLines.Point]] {
    ContourLines.lines(
      of: values, columns: columns ?? values[0].indices.map(Double.init),
      rows: values.indices.map(Double.init), at: level)
  }

  /// Of a plane every line is straight, whatever the distances of its places.
  @Test func aPlaneHasStraightLines() throws {
    let columns = [0, 0.5, 2, 3.0]
    let values = (0..<3).map { row in columns.map { $0 + Double(row) } }
    for level in [0.75, 1.5, 3.25] {
      let found = Self.lines(values, at: level, columns: columns)
      #expect(found.count == 1)
      for point in found.joined() { #expect(abs(point.x + point.y - level) < 1e-12) }
    }
    #expect(Self.lines(values, at: 9).isEmpty)
    #expect(Self.lines(values, at: -1).isEmpty)
  }

  @Test func aHillIsGoneRound() throws {
    var values = [[Double?]](repeating: [0, 0, 0, 0, 0], count: 5)
    values[2][2] = 1
    let found = Self.lines(values, at: 0.5)
    let line = try #require(found.first)
    #expect(found.count == 1 && line.first == line.last && line.count == 5)
    #expect(line.allSatisfy { abs(abs($0.x - 2) + abs($0.y - 2) - 0.5) < 1e-12 })
  }

  /// Two hills on a diagonal: the middle of the square tells whether they are joined.
  @Test(arguments: [(0.5, true), (0.1, false)])
  func aSaddleIsDecidedByItsMiddle(low: Double, isJoined: Bool) {
    let found = Self.lines([[1, low], [low, 1]], at: 0.6)
    #expect(found.count == 2)
    // Joined hills leave the other corners cut off, parted ones themselves.
    for line in found {
      let (x, y) = (line.map(\.x).reduce(0, +) / 2, line.map(\.y).reduce(0, +) / 2)
      #expect(((x - 0.5) * (y - 0.5) > 0) == !isJoined)
    }
  }

  @Test func whatWasNotMeasuredHasNoLine() {
    #expect(Self.lines([[0, 1, 0], [0, nil, 0]], at: 0.5).isEmpty)
    #expect(Self.lines([[0, 1, 0]], at: 0.5).isEmpty)
    #expect(Self.lines([[0, 1], [0, 1], [nil, 1]], at: 0.5).count == 1)
  }

  /// A line through a place of the grid itself is one line, and equal values make none.
  @Test func linesThroughPlaces() {
    #expect(Self.lines([[0, 0.5, 1], [0, 0.5, 1]], at: 0.5).map(\.count) == [2])
    #expect(Self.lines([[0.5, 0.5], [0.5, 0.5]], at: 0.5).isEmpty)
  }
}
