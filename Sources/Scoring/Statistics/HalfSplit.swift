import Support

/// Which half of a set a prompt belongs to: one for choosing, one for reporting what was chosen.
///
/// A property of the id alone, so that a prompt is in the same half in every run, on every machine and
/// in whatever order, and nobody can choose the split that looks best.
package enum Half: String, Codable, Sendable, CaseIterable {
  case choosing, reporting

  /// By one bit of the mixed FNV-1a hash of the id (the hash alone is too regular for `p-1`, `p-2`, …).
  package init(of id: String) {
    var generator = SplitMix64(seed: Fingerprint.hash(id))
    self = generator.next() & 1 == 0 ? .choosing : .reporting
  }
}

extension PromptOutcomes {
  /// The prompts of one half.
  package func half(_ half: Half) -> PromptOutcomes {
    filter { Half(of: $0) == half }
  }
}
