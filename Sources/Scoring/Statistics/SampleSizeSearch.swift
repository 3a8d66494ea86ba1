/// The least number of prompts with which something is reached, where more prompts reach it too.
///
/// - Parameters:
///   - most: no larger number is tried.
///   - isEnough: costs much, so few numbers are tried.
/// - Returns: to about a hundredth; nil where `most` does not do.
func leastSampleSize(most: Int, _ isEnough: (Int) -> Bool) -> Int? {
  // Below it nothing decides.
  var (low, high) = (0, 10)
  while !isEnough(high) {
    if high >= most { return nil }
    (low, high) = (high, min(most, high * 3 / 2))
  }
  while high - low > max(1, high / 100) {
    let middle = (low + high) / 2
    if isEnough(middle) { high = middle } else { low = middle }
  }
  return high
}
