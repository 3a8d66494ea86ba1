import Support

/// The two-sided randomisation test of paired differences: if the two models were equal, each
/// prompt's difference could as well have had the other sign. p is the share of sign choices whose
/// sum is at least as far from 0 as the observed one.
///
/// Up to 14 prompts that differ, all choices are tried; beyond that 20,000 seeded ones, counting the
/// observed one among them so that p is never 0.
///
/// - Parameter differences: for each prompt, the second model's rate minus the first's.
/// - Returns: 1 where nothing differs.
package func signFlipTest(_ differences: [Double], seed: UInt64 = 0) -> Double {
  let differences = differences.filter { $0 != 0 }
  guard !differences.isEmpty else { return 1 }
  // Sums of the same numbers in another order may differ in their last bits.
  let observed = abs(differences.reduce(0, +)) * (1 - 1e-12) - 1e-12
  if differences.count <= 14 {
    let choices = 1 << differences.count
    let extreme = (0..<choices).count { choice in
      var sum = 0.0
      for (bit, difference) in differences.enumerated() {
        sum += choice >> bit & 1 == 1 ? -difference : difference
      }
      return abs(sum) >= observed
    }
    return Double(extreme) / Double(choices)
  }
  var generator = SplitMix64(seed: seed)
  let choices = 20_000
  var extreme = 1
  for _ in 1..<choices {
    var (sum, bits) = (0.0, UInt64(0))
    for (index, difference) in differences.enumerated() {
      if index % 64 == 0 { bits = generator.next() }
      sum += bits & 1 == 1 ? -difference : difference
      bits >>= 1
    }
    if abs(sum) >= observed { extreme += 1 }
  }
  return Double(extreme) / Double(choices)
}
