/// p-values corrected for their number (S. Holm, 1979): sorted ascending, the i-th of m is
/// multiplied by m − i + 1, none falls below the one before it, and none exceeds 1.
///
/// With the corrected values below 0.05 the chance of any false alarm among all of them is at most
/// 5 %, whatever their dependence.
///
/// - Returns: in the order of the input.
package func holmCorrection(_ values: [Double]) -> [Double] {
  var corrected = values
  var largest = 0.0
  for (position, index) in values.indices.sorted(by: { values[$0] < values[$1] }).enumerated() {
    largest = max(largest, min(1, values[index] * Double(values.count - position)))
    corrected[index] = largest
  }
  return corrected
}
