import Synchronization

/// Remembers how words were merged; natural text repeats few words often. Safe to share between
/// threads, and bounded: when full it starts anew.
final class WordCache: Sendable {
  private let entries = Mutex<[[UInt8]: [Int32]]>([:])
  private let capacity: Int
  /// Longer words hardly ever come back.
  private let longestWord: Int

  init(capacity: Int = 1 << 15, longestWord: Int = 64) {
    self.capacity = capacity
    self.longestWord = longestWord
  }

  /// The remembered tokens of a word, or `encode`'s, which are then remembered.
  func tokens(
    of word: ArraySlice<UInt8>, encode: (ArraySlice<UInt8>) -> [Int32]
  ) -> [Int32] {
    guard word.count <= longestWord else { return encode(word) }
    let key = Array(word)
    if let known = entries.withLock({ $0[key] }) { return known }
    let tokens = encode(word)
    entries.withLock { entries in
      if entries.count >= capacity { entries.removeAll(keepingCapacity: true) }
      entries[key] = tokens
    }
    return tokens
  }
}
