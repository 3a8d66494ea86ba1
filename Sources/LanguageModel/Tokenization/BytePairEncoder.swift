import Synchronization

/// Byte-pair encoding: a word's characters are joined pair by pair, the earliest merge first.
final class BytePairEncoder: Sendable {
  let vocabulary: [String: Int]
  /// (left, right) → how early it is merged, and into what.
  private let merges: [Pair: Merge]
  /// Characters that the vocabulary lacks become `<0xNN>` tokens of their bytes.
  private let fallsBackToBytes: Bool
  /// A word that is a token is taken as it is.
  private let ignoresMerges: Bool
  private let unknown: Int?
  private let cache = Mutex<[String: [Int]]>([:])

  /// Words remembered; beyond, the memory starts anew.
  private static let cacheLimit = 16_384

  private struct Pair: Hashable {
    let left: Int
    let right: Int
  }

  private struct Merge {
    let rank: Int
    let result: Int
  }

  init(_ model: JSONValue, file: String) throws(TokenizerError) {
    guard let type = model["type"]?.string else {
      throw .missing(file: file, what: "model.type", expected: "BPE")
    }
    guard type == "BPE" else { throw .unsupported(file: file, component: "the model \(type)") }
    guard let vocabulary = model["vocab"]?.integers, !vocabulary.isEmpty else {
      throw .missing(file: file, what: "model.vocab", expected: "ids by token")
    }
    for (key, name) in [
      ("continuing_subword_prefix", "a continuing_subword_prefix"),
      ("end_of_word_suffix", "an end_of_word_suffix"),
    ] {
      if let affix = model[key]?.string, !affix.isEmpty {
        throw .unsupported(file: file, component: name)
      }
    }
    self.vocabulary = vocabulary
    var owners: [Int: String] = [:]
    owners.reserveCapacity(vocabulary.count)
    for (token, id) in vocabulary {
      if let other = owners.updateValue(token, forKey: id) {
        throw .duplicateID(file: file, id: id, tokens: [token, other])
      }
      guard id >= 0, id < 1 << 31 else {
        throw .missing(file: file, what: "the id of \(token)", expected: "from 0 to 2^31")
      }
    }
    fallsBackToBytes = model["byte_fallback"]?.bool ?? false
    ignoresMerges = model["ignore_merges"]?.bool ?? false
    unknown = model["unk_token"]?.string.flatMap { vocabulary[$0] }

    guard let list = model["merges"]?.array else {
      throw .missing(file: file, what: "model.merges", expected: "a list of pairs")
    }
    var merges: [Pair: Merge] = [:]
    merges.reserveCapacity(list.count)
    for (rank, element) in list.enumerated() {
      // Pairs are lists of two since tokenizers 0.20, before that strings with one space.
      let parts = element.strings ?? element.string?.split(separator: " ").map(String.init) ?? []
      guard parts.count == 2 else {
        throw .missing(file: file, what: "merge \(rank)", expected: "a pair of tokens")
      }
      func id(_ token: String) throws(TokenizerError) -> Int {
        guard let id = vocabulary[token] else {
          throw .unknownToken(file: file, what: "merge \(rank)", token: token)
        }
        return id
      }
      let pair = Pair(left: try id(parts[0]), right: try id(parts[1]))
      let merge = Merge(rank: rank, result: try id(parts[0] + parts[1]))
      if merges[pair] == nil { merges[pair] = merge }
    }
    self.merges = merges
  }

  func encode(_ word: String) -> [Int] {
    if ignoresMerges, let id = vocabulary[word] { return [id] }
    if let known = cache.withLock({ $0[word] }) { return known }
    let result = merge(symbols(of: word))
    cache.withLock { cache in
      if cache.count >= Self.cacheLimit { cache.removeAll(keepingCapacity: true) }
      cache[word] = result
    }
    return result
  }

  private func symbols(of word: String) -> [Int] {
    word.unicodeScalars.flatMap { scalar -> [Int] in
      let character = String(scalar)
      if let id = vocabulary[character] { return [id] }
      if fallsBackToBytes {
        let bytes = character.utf8.compactMap { vocabulary[Self.byteToken($0)] }
        if bytes.count == character.utf8.count { return bytes }
      }
      return unknown.map { [$0] } ?? []
    }
  }

  static func byteToken(_ byte: UInt8) -> String {
    let digits = String(byte, radix: 16, uppercase: true)
    return "<0x\(digits.count == 1 ? "0" : "")\(digits)>"
  }

  /// Candidate merges wait in a heap and symbols are linked, so that a long word takes time
  /// proportional to n log n.
  private func merge(_ symbols: [Int]) -> [Int] {
    guard symbols.count > 1 else { return symbols }
    var ids = symbols
    var next = Array(1...symbols.count)
    var previous = Array(-1..<symbols.count - 1)
    var isAlive = [Bool](repeating: true, count: symbols.count)
    var heap = MergeHeap()
    func consider(_ left: Int) {
      let right = next[left]
      guard right < ids.count,
        let merge = merges[Pair(left: ids[left], right: ids[right])]
      else { return }
      heap.push(
        MergeHeap.Candidate(
          rank: merge.rank, position: left, left: ids[left], right: ids[right],
          result: merge.result))
    }
    for position in 0..<symbols.count - 1 { consider(position) }
    while let candidate = heap.pop() {
      let left = candidate.position
      let right = next[left]
      // A candidate is void once either of its symbols has changed.
      guard isAlive[left], right < ids.count, ids[left] == candidate.left,
        ids[right] == candidate.right
      else { continue }
      ids[left] = candidate.result
      isAlive[right] = false
      next[left] = next[right]
      if next[left] < ids.count { previous[next[left]] = left }
      if previous[left] >= 0 { consider(previous[left]) }
      consider(left)
    }
    return ids.indices.filter { isAlive[$0] }.map { ids[$0] }
  }
}

/// Candidate merges, the earliest rule first, the leftmost of equals.
private struct MergeHeap {
  struct Candidate {
    let rank: Int
    let position: Int
    let left: Int
    let right: Int
    let result: Int

    func precedes(_ other: Candidate) -> Bool {
      (rank, position) < (other.rank, other.position)
    }
  }

  private var items: [Candidate] = []

  mutating func push(_ item: Candidate) {
    items.append(item)
    var child = items.count - 1
    while child > 0, items[child].precedes(items[(child - 1) / 2]) {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Candidate? {
    guard let first = items.first, let last = items.popLast() else { return nil }
    guard !items.isEmpty else { return first }
    items[0] = last
    var parent = 0
    while true {
      var least = parent
      for child in [2 * parent + 1, 2 * parent + 2]
      where child < items.count && items[child].precedes(items[least]) {
        least = child
      }
      if least == parent { return first }
      items.swapAt(parent, least)
      parent = least
    }
  }
}
