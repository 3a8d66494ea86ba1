import TestSupport
import Testing

@testable import LinearAlgebra

/// Truncated decompositions in float32 against whole ones in float64, on spectra that are hard for
/// Krylov spaces.
@Suite struct BlockLanczosTests {
  struct Spectrum: Sendable, CustomTestStringConvertible {
    let name: String
    let values: [Double]
    var count = 6
    var testDescription: String { name }
  }

  static let spectra = [
    Spectrum(
      name: "flat, 6th and 7th 0.13 % apart",
      values: [1, 0.9, 0.8, 0.7, 0.65, 0.6, 0.6 * 0.9987]
        + (0..<80).map { 0.59 - 0.005 * Double($0) }
    ),
    Spectrum(name: "all equal", values: [Double](repeating: 0.5, count: 90)),
    Spectrum(
      name: "repeated more often than k",
      values: [Double](repeating: 2, count: 20) + [Double](repeating: 1, count: 60)),
    Spectrum(name: "repeated pairs", values: (0..<80).map { 1 / Double(1 + $0 / 2) }),
    Spectrum(name: "rank below k", values: [3, 1, 0.1]),
    Spectrum(name: "rank one", values: [1e-3]),
    Spectrum(name: "rank equal to k", values: [6, 5, 4, 3, 2, 1]),
    Spectrum(name: "steep", values: (0..<12).map { 1 / Double(1 << (2 * $0)) }),
    Spectrum(
      name: "low rank and noise", values: [1, 0.8, 0.5] + [Double](repeating: 1e-3, count: 87)),
    Spectrum(name: "tiny", values: (0..<80).map { 1e-18 * Double(100 - $0) }),
    Spectrum(name: "huge", values: (0..<80).map { 1e15 * Double(100 - $0) }),
    Spectrum(name: "many triplets", values: (0..<90).map { Double(100 - $0) }, count: 9),
    Spectrum(
      name: "more triplets than there are", values: (1...90).reversed().map(Double.init), count: 500
    ),
  ]

  /// A matrix with the given singular values and random directions.
  static func matrix(_ rows: Int, _ columns: Int, _ spectrum: [Double]) throws -> Matrix<Float> {
    let count = spectrum.count
    var left = try DecompositionTests.random(rows, count, seed: 1).singularValueDecomposition().left
    let right = try DecompositionTests.random(columns, count, seed: 2).singularValueDecomposition()
      .left
    for row in 0..<rows {
      for (column, value) in spectrum.enumerated() { left[row, column] *= value }
    }
    return left.multiplied(by: right, transposingOther: true).rounded
  }

  @Test(arguments: spectra, [(260, 180), (150, 280)])
  func tripletsAreThoseOfTheWholeDecomposition(spectrum: Spectrum, shape: (Int, Int)) throws {
    let matrix = try Self.matrix(shape.0, shape.1, spectrum.values)
    let found = try FloatMatrix(matrix).leadingSingularTriplets(spectrum.count)
    let exact = try Matrix<Double>(matrix).singularValueDecomposition()
    let first = exact.singularValues[0]
    // What float32 rounding adds to a matrix of low rank may count or not.
    let least = min(spectrum.count, spectrum.values.count)
    #expect(found.rank >= min(least, exact.singularValues.filter { $0 > 1e-5 * first }.count))
    #expect(found.rank <= spectrum.count)
    // Values that the whole decomposition takes for zero are below a millionth of the first.
    let zeros = [Double](repeating: 0, count: spectrum.count)
    expectClose(
      found.singularValues, (exact.singularValues + zeros).prefix(found.rank),
      tolerance: 2e-6 * first)
    expectRelativelyClose(
      [found.squaredFrobeniusNorm], [exact.squaredFrobeniusNorm], tolerance: 1e-5)
    #expect(DecompositionTests.identityError(found.left) < 1e-5)
    #expect(DecompositionTests.identityError(found.right.transposed()) < 1e-5)
    // The residuals, in float64.
    let images = Matrix<Double>(matrix).multiplied(by: found.right, transposingOther: true)
    let back = found.left.multiplied(by: Matrix<Double>(matrix), transposingSelf: true)
    for (index, value) in found.singularValues.enumerated() {
      var squares = (0.0, 0.0)
      for row in 0..<images.rows {
        let difference = images[row, index] - value * found.left[row, index]
        squares.0 += difference * difference
      }
      for column in 0..<back.columns {
        let difference = back[index, column] - value * found.right[index, column]
        squares.1 += difference * difference
      }
      #expect(squares.0.squareRoot() <= 1.2e-5 * first)
      #expect(squares.1.squareRoot() <= 1.2e-5 * first)
    }
    // It was the truncated decomposition that found them, wherever it was asked.
    if FloatMatrix.isWorthTruncating(rows: shape.0, columns: shape.1, count: spectrum.count) {
      #expect(try FloatMatrix(matrix).lanczosTriplets(spectrum.count, tolerance: 1e-5) != nil)
    }
    // Nothing larger is left: a triplet that was missed would be.
    let projected = found.scaledLeft(rank: found.rank).multiplied(by: found.right)
    var rest = Matrix<Double>(matrix)
    for index in rest.elements.indices { rest.elements[index] -= projected.elements[index] }
    let largest = try rest.leadingSingularTriplets(1).singularValues.first ?? 0
    let next = exact.singularValues.dropFirst(found.rank).first ?? 0
    #expect(largest <= next + 2e-5 * first)
  }

  @Test(arguments: [(1, 500), (500, 1), (73, 73), (2, 3)])
  func thinMatrices(rows: Int, columns: Int) throws {
    let matrix = DecompositionTests.random(rows, columns, seed: 4).rounded
    let found = try FloatMatrix(matrix).leadingSingularTriplets(6)
    let exact = try Matrix<Double>(matrix).singularValueDecomposition()
    #expect(found.rank == min(6, rows, columns))
    expectClose(
      found.singularValues, exact.singularValues.prefix(6),
      tolerance: 2e-6 * exact.singularValues[0])
  }

  @Test func zeroHasNoTriplets() throws {
    let zero = try FloatMatrix(Matrix<Float>(rows: 200, columns: 100)).leadingSingularTriplets(6)
    #expect(zero.rank == 0)
    #expect(zero.squaredFrobeniusNorm == 0)
    #expect(
      try FloatMatrix(Matrix<Float>(rows: 200, columns: 0)).leadingSingularTriplets(6).rank == 0)
  }

  /// Where float32 products would overflow or vanish, float64 computes.
  @Test(arguments: [1e30, 1e-30]) func extremeScales(scale: Double) throws {
    let matrix = DecompositionTests.random(150, 110, seed: 8)
    let scaled = Matrix<Double>(
      rows: 150, columns: 110, elements: matrix.elements.map { $0 * scale }
    ).rounded
    let found = try FloatMatrix(scaled).leadingSingularTriplets(6).singularValues
    expectRelativelyClose(
      found.map { $0 / scale },
      try matrix.singularValueDecomposition().singularValues.prefix(6), tolerance: 1e-5)
  }

  @Test func equalInputsGiveEqualBits() throws {
    let matrix = DecompositionTests.random(150, 110, seed: 8).rounded
    let (a, b) = (
      try FloatMatrix(matrix).leadingSingularTriplets(6),
      try FloatMatrix(matrix).leadingSingularTriplets(6)
    )
    #expect(a.singularValues == b.singularValues)
    #expect(a.left == b.left)
    #expect(a.right == b.right)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func numbersThatAreNoneAreNamed(value: Float) {
    var matrix = DecompositionTests.random(120, 90, seed: 1).rounded
    matrix[70, 33] = value
    #expect(throws: LinearAlgebraError.notFinite(row: 70, column: 33, value: "\(value)")) {
      _ = try FloatMatrix(matrix).leadingSingularTriplets(2)
    }
  }
}
