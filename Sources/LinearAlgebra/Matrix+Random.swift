package import Support

extension Matrix<Double> {
  /// Independent standard normal elements, drawn row by row.
  package static func gaussian(
    _ rows: Int, _ columns: Int, _ generator: inout SplitMix64
  ) -> Matrix<Double> {
    Matrix<Double>(
      rows: rows, columns: columns,
      elements: (0..<rows * columns).map { _ in generator.nextGaussian() })
  }
}
