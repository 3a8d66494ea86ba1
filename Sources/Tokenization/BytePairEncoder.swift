/// Byte-pair encoding (Sennrich et al. 2016): a word starts as its characters, and the pair of
/// neighbours with the lowest merge rank is joined until none is left.
struct BytePairEncoder: Sendable {
  struct Merge: Sendable {
    /// The place in the merge list; lower is merged first.
    var rank: Int32
    /// The token the pair becomes.
    var id: Int32
  }

  let vocabulary: Vocabulary
  /// By `left id << 32 | right id`.
  let merges: [UInt64: Merge]
  /// What stands for a character that the vocabulary lacks; nil drops it.
  let unknownID: Int32?
  /// Whether neighbouring unknown characters become one token.
  let fusesUnknown: Bool
  /// The token of each byte, for characters the vocabulary lacks; empty without byte fallback.
  let byteTokens: [Int32?]
  /// Whether a word that is itself a token is taken whole, without merging.
  let ignoresMerges: Bool
  /// Tokens of a single scalar: below 0x800 by index (-1 for none), the others by value.
  private let lowScalars: [Int32]
  private let highScalars: [UInt32: Int32]

  init(
    vocabulary: Vocabulary, merges: [UInt64: Merge], unknownID: Int32?, fusesUnknown: Bool,
    byteTokens: [Int32?], ignoresMerges: Bool
  ) {
    self.vocabulary = vocabulary
    self.merges = merges
    self.unknownID = unknownID
    self.fusesUnknown = fusesUnknown
    self.byteTokens = byteTokens
    self.ignoresMerges = ignoresMerges
    var low = [Int32](repeating: -1, count: 0x800)
    var high: [UInt32: Int32] = [:]
    for (id, token) in vocabulary.tokens.enumerated() {
      guard let token, token.utf8.count <= 4 else { continue }
      let scalars = token.unicodeScalars
      guard let first = scalars.first, scalars.count == 1 else { continue }
      if first.value < 0x800 {
        low[Int(first.value)] = Int32(id)
      } else {
        high[first.value] = Int32(id)
      }
    }
    lowScalars = low
    highScalars = high
  }

  static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  /// The tokens of one pre-tokenized word, in O(n log n) for n bytes.
  ///
  /// - Parameter excluded: Tokens that merging must not make.
  func encode(_ word: ArraySlice<UInt8>, excluding excluded: Set<Int32> = []) -> [Int32] {
    if ignoresMerges, let id = vocabulary.id(of: word), !excluded.contains(Int32(id)) {
      return [Int32(id)]
    }
    let symbols = characters(of: word)
    return symbols.count < 2 ? symbols : merge(symbols, excluding: excluded)
  }

  /// The tokens of the single characters of a word.
  private func characters(of word: ArraySlice<UInt8>) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(word.count)
    // Unknown characters wait here until a known one follows; bytes of a fallback overtake them,
    // as they do in the Rust implementation.
    var unknown: Int32?
    var position = word.startIndex
    while position < word.endIndex {
      let scalar = UTF8Text.scalar(in: word, at: position)
      defer { position += scalar.length }
      if let id = id(of: scalar.value) {
        if let waiting = unknown { symbols.append(waiting) }
        unknown = nil
        symbols.append(id)
        continue
      }
      if !byteTokens.isEmpty {
        let tokens = word[position..<position + scalar.length].compactMap { byteTokens[Int($0)] }
        if tokens.count == scalar.length {
          symbols.append(contentsOf: tokens)
          continue
        }
      }
      if let unknownID {
        if let waiting = unknown, !fusesUnknown { symbols.append(waiting) }
        unknown = unknownID
      }
    }
    if let unknown { symbols.append(unknown) }
    return symbols
  }

  private func id(of scalar: UInt32) -> Int32? {
    if scalar < 0x800 {
      let id = lowScalars[Int(scalar)]
      return id < 0 ? nil : id
    }
    return highScalars[scalar]
  }

  /// Merges with a heap of candidate pairs over a linked list of symbols.
  private func merge(_ symbols: [Int32], excluding excluded: Set<Int32>) -> [Int32] {
    var ids = symbols
    var next = Array(1...symbols.count)
    var previous = Array(-1..<symbols.count - 1)
    var isGone = [Bool](repeating: false, count: symbols.count)
    var candidates = MergeHeap()

    func consider(_ left: Int) {
      let right = next[left]
      guard right < ids.count, let merge = merges[Self.key(ids[left], ids[right])],
        excluded.isEmpty || !excluded.contains(merge.id)
      else { return }
      candidates.push(MergeHeap.Candidate(rank: merge.rank, position: Int32(left), id: merge.id))
    }
    for left in 0..<symbols.count - 1 { consider(left) }

    while let candidate = candidates.pop() {
      let left = Int(candidate.position)
      let right = next[left]
      // A pair may have changed since it was pushed; it still counts if it makes the same token.
      guard !isGone[left], right < ids.count,
        merges[Self.key(ids[left], ids[right])]?.id == candidate.id
      else { continue }
      ids[left] = candidate.id
      isGone[right] = true
      next[left] = next[right]
      if next[left] < ids.count { previous[next[left]] = left }
      if previous[left] >= 0 { consider(previous[left]) }
      consider(left)
    }
    return ids.indices.compactMap { isGone[$0] ? nil : ids[$0] }
  }
}

/// A binary heap of merge candidates: lowest rank first, then leftmost.
private struct MergeHeap {
  struct Candidate {
    var rank: Int32
    var position: Int32
    var id: Int32

    var order: Int64 { Int64(rank) << 32 | Int64(position) }
  }

  private var items: [Candidate] = []

  mutating func push(_ candidate: Candidate) {
    items.append(candidate)
    var child = items.count - 1
    while child > 0 {
      let parent = (child - 1) / 2
      guard items[child].order < items[parent].order else { return }
      items.swapAt(child, parent)
      child = parent
    }
  }

  mutating func pop() -> Candidate? {
    guard let first = items.first, let last = items.popLast() else { return nil }
    guard !items.isEmpty else { return first }
    items[0] = last
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && items[child].order < items[smallest].order {
        smallest = child
      }
      guard smallest != parent else { return first }
      items.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
