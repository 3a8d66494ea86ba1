/// Words of a vocabulary, so roughly that telling which two sets have none in common takes one operation: words whose
/// numbers are the same modulo 64 count as one.
struct WordMarks: Sendable {
  private var bits: UInt64 = 0

  mutating func insert(_ word: Int32) { bits |= 1 << UInt64(word & 63) }

  /// False only where a word of the other is surely missing.
  func mayHoldAll(of other: WordMarks) -> Bool { bits & other.bits == other.bits }

  /// False only where every word of the other is surely missing.
  func mayHoldOne(of other: WordMarks) -> Bool { bits & other.bits != 0 }
}
