import Analysis

extension Share {
  /// Whether a significant change is one for the better.
  func tone(_ quantity: Quantity) -> ReportTable.Tone? {
    guard let delta, isSignificant, delta != 0 else { return nil }
    return (delta < 0) == quantity.isBetterLow ? .better : .worse
  }
}
