import LinearAlgebra
import TestSupport
import Testing

@Suite struct MatrixTests {
  /// Element (i, j) is 10 i + j, so that it tells where it came from.
  static func numbered<Element>(_ rows: Int, _ columns: Int) -> Matrix<Element> {
    Matrix(
      rows: rows, columns: columns,
      elements: (0..<rows).flatMap { row in (0..<columns).map { Element(10 * row + $0) } })
  }

  @Test func partsAreTaken() {
    let matrix: Matrix<Float> = Self.numbered(3, 4)
    #expect(matrix[2, 1] == 21)
    #expect(matrix.rows(1..<3).elements == [10, 11, 12, 13, 20, 21, 22, 23])
    #expect(matrix.prefix(rows: 1).elements == [0, 1, 2, 3])
    #expect(matrix.prefix(columns: 2).elements == [0, 1, 10, 11, 20, 21])
    #expect(matrix.prefix(columns: 0) == Matrix(rows: 3, columns: 0))
    #expect(Array(matrix.row(1)) == [10, 11, 12, 13])
    #expect(matrix.transposed().elements == [0, 10, 20, 1, 11, 21, 2, 12, 22, 3, 13, 23])
    #expect(matrix.transposed().transposed() == matrix)
  }

  @Test func matricesArePutTogether() {
    let (a, b): (Matrix<Double>, Matrix<Double>) = (Self.numbered(2, 2), Self.numbered(2, 1))
    #expect(Matrix.sideBySide([a, b]).elements == [0, 1, 0, 10, 11, 10])
    #expect(Matrix.sideBySide([a]) == a)
    #expect(Matrix.stacked([a.transposed(), a]).elements == [0, 10, 1, 11, 0, 1, 10, 11])
    #expect(a.padded(rows: 3, columns: 3).elements == [0, 1, 0, 10, 11, 0, 0, 0, 0])
    #expect(a.padded() == a)
  }

  /// Scaling rounds once: in float32 alone 0.1 would have been rounded before.
  @Test func scalingRoundsOnce() {
    let matrix: Matrix<Float> = Self.numbered(2, 9)
    #expect(matrix.scaled(by: 0.1).elements == matrix.elements.map { Float(Double($0) * 0.1) })
    #expect(matrix.scaled(by: 1) == matrix)
  }

  @Test(arguments: [0..<5, 1..<4, 4..<5, 2..<2])
  func productsAreAddedToSomeRows(rows: Range<Int>) {
    let (left, right): (Matrix<Float>, Matrix<Float>) = (Self.numbered(5, 2), Self.numbered(2, 3))
    var found = [Float](repeating: 7, count: rows.count * 3)
    var span = found.mutableSpan
    left.addProduct(rows: rows, by: right, scale: -0.5, to: &span)
    let product = Matrix<Double>(left).multiplied(by: Matrix<Double>(right)).rows(rows)
    expectClose(found, product.elements.map { Float(7 - 0.5 * $0) }, tolerance: 1e-4)
  }

  @Test func buffersAreCopied() {
    let buffer = FloatBuffer([1, 2, 3, 4, 5, 6])
    #expect(buffer.matrix(rows: 2).elements == [1, 2, 3, 4, 5, 6])
    #expect(buffer.matrix(rows: 2).columns == 3)
  }
}
