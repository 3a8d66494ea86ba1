import LinearAlgebra
import Support
import TestSupport
import Testing

@Suite struct DecompositionTests {
  static func random(_ rows: Int, _ columns: Int, seed: UInt64) -> Matrix<Double> {
    var generator = SplitMix64(seed: seed)
    return Matrix<Double>(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in generator.nextGaussian() })
  }

  /// A matrix with the given singular values and random directions.
  static func matrix(_ rows: Int, _ columns: Int, spectrum: [Double]) -> Matrix<Double> {
    var left = random(rows, spectrum.count, seed: 1).orthonormalised()
    let right = random(columns, spectrum.count, seed: 2).orthonormalised()
    for row in 0..<rows {
      for (column, value) in spectrum.enumerated() { left[row, column] *= value }
    }
    return left.multiplied(by: right, transposingOther: true)
  }

  static func distance(_ a: Matrix<Double>, _ b: Matrix<Double>) -> Double {
    guard (a.rows, a.columns) == (b.rows, b.columns) else { return .infinity }
    return zip(a.elements, b.elements).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) }
      .squareRoot()
  }

  static func identityError(_ columns: Matrix<Double>) -> Double {
    var identity = Matrix<Double>(rows: columns.columns, columns: columns.columns)
    for index in 0..<columns.columns { identity[index, index] = 1 }
    return largestDifference(
      columns.multiplied(by: columns, transposingSelf: true).elements, identity.elements)
  }

  struct Shape: Sendable, CustomTestStringConvertible {
    let rows: Int
    let columns: Int
    var testDescription: String { "\(rows) x \(columns)" }
  }

  static let shapes = [(1, 1), (1, 9), (9, 1), (8, 8), (40, 12), (12, 40), (130, 64)]
    .map { Shape(rows: $0.0, columns: $0.1) }

  @Test(arguments: shapes)
  func leadingTripletsAgreeWithTheWholeDecomposition(shape: Shape) throws {
    let matrix = Self.random(shape.rows, shape.columns, seed: 3)
    let exact = try matrix.singularValueDecomposition()
    let product = exact.scaledLeft(rank: exact.rank).multiplied(by: exact.right)
    #expect(Self.distance(product, matrix) < 1e-10)
    for count in [1, 3, 6, 100] {
      let leading = try matrix.leadingSingularTriplets(count)
      #expect(leading.rank == min(count, shape.rows, shape.columns))
      expectClose(
        leading.singularValues, exact.singularValues.prefix(count),
        tolerance: 1e-10 * exact.singularValues[0])
      #expect(Self.identityError(leading.left) < 1e-10)
      #expect(Self.identityError(leading.right.transposed()) < 1e-10)
      let projected = leading.scaledLeft(rank: leading.rank).multiplied(by: leading.right)
      let truncated = exact.truncated(to: count)
      let expected = truncated.scaledLeft(rank: truncated.rank).multiplied(by: truncated.right)
      #expect(Self.distance(projected, expected) < 1e-9)
    }
  }

  @Test(arguments: [
    ("flat with a close pair", [1.0, 0.99, 0.98, 0.97, 0.96, 0.95, 0.94877, 0.93, 0.92], 6),
    ("repeated", [2.0, 2, 2, 1, 1, 1, 1], 3), ("rank below k", [3.0, 1], 6),
    ("steep", [1.0, 1e-2, 1e-4, 1e-5], 4),
  ])
  func spectraAreFound(name: String, spectrum: [Double], count: Int) throws {
    for (rows, columns) in [(60, 33), (33, 60)] {
      let leading = try Self.matrix(rows, columns, spectrum: spectrum)
        .leadingSingularTriplets(count)
      #expect(leading.rank == min(count, spectrum.count))
      expectRelativelyClose(leading.singularValues, spectrum.prefix(count), tolerance: 1e-6)
    }
  }

  @Test func aZeroMatrixHasNoTriplets() throws {
    let zero = Matrix<Double>(rows: 5, columns: 7)
    #expect(try zero.leadingSingularTriplets(3).rank == 0)
    #expect(try zero.singularValueDecomposition().rank == 0)
    #expect(try zero.leadingSingularTriplets(3).energy(rank: 3) == 0)
  }

  @Test(arguments: [Double.nan, .infinity])
  func numbersThatAreNoneAreNamed(value: Double) {
    var matrix = Self.random(4, 5, seed: 1)
    matrix[2, 3] = value
    let expected = LinearAlgebraError.notFinite(row: 2, column: 3, value: "\(value)")
    #expect(throws: expected) { _ = try matrix.leadingSingularTriplets(2) }
    #expect(throws: expected) { _ = try matrix.singularValueDecomposition() }
  }

  @Test func signsAreFixed() throws {
    let svd = try Self.random(20, 10, seed: 5).leadingSingularTriplets(4)
    for index in 0..<4 {
      let column = (0..<20).map { svd.left[$0, index] }
      let largest = column.max { abs($0) < abs($1) } ?? 0
      #expect(largest > 0)
    }
  }

  @Test func gaussianNumbersHaveTheirMoments() {
    var generator = SplitMix64(seed: 9)
    let numbers = (0..<100_000).map { _ in generator.nextGaussian() }
    let mean = numbers.reduce(0, +) / 100_000
    let variance = numbers.reduce(0) { $0 + $1 * $1 } / 100_000
    #expect(abs(mean) < 0.02)
    #expect(abs(variance - 1) < 0.03)
  }
}
