/// What can go wrong in a decomposition.
package enum LinearAlgebraError: Error, Equatable, CustomStringConvertible {
  /// The matrix holds NaN or an infinity.
  case notFinite(row: Int, column: Int, value: String)
  /// LAPACK gave up: a positive `info` is no convergence, a negative one a bad argument.
  case lapack(routine: String, info: Int)
  /// A computed triplet does not satisfy A v = σ u within the tolerance.
  case residual(index: Int, found: Double, tolerance: Double)

  package var description: String {
    switch self {
    case .notFinite(let row, let column, let value):
      "expected finite numbers, found \(value) at row \(row), column \(column)"
    case .lapack(let routine, let info):
      "LAPACK's \(routine) returned info \(info): "
        + (info > 0 ? "it did not converge" : "argument \(-info) is invalid")
    case .residual(let index, let found, let tolerance):
      "singular triplet \(index) has a relative residual of \(found), above \(tolerance)"
    }
  }
}
