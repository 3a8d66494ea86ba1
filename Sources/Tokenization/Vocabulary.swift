import Support

/// Tokens by id and ids by token, compared byte by byte.
///
/// A `[String: Int]` would not do: Swift holds canonically equivalent strings for equal, while a
/// vocabulary may hold both forms as different tokens.
struct Vocabulary: Sendable {
  /// Token texts by id; nil where an id is unused.
  private(set) var tokens: [String?]
  /// Open addressing over token bytes: id + 1, or 0 for a free slot. Its size is a power of two.
  private var slots: [Int32]
  private var used = 0

  /// Ids stay far below this in any published tokenizer; it bounds what a hostile file can allocate.
  static let largestCount = 1 << 24

  init(capacity: Int) {
    tokens = []
    tokens.reserveCapacity(capacity)
    var size = 16
    while size < capacity * 2 { size <<= 1 }
    slots = [Int32](repeating: 0, count: size)
  }

  /// One more than the largest id.
  var count: Int { tokens.count }

  func token(of id: Int) -> String? {
    tokens.indices.contains(id) ? tokens[id] : nil
  }

  func id(of bytes: some Collection<UInt8>) -> Int? {
    let entry = slots[slot(of: bytes)]
    return entry == 0 ? nil : Int(entry) - 1
  }

  /// - Precondition: neither the id nor the token is in use, and 0 ≤ id < `largestCount`.
  mutating func insert(_ token: String, id: Int) {
    if (used + 1) * 2 > slots.count { grow() }
    while tokens.count <= id { tokens.append(nil) }
    tokens[id] = token
    slots[slot(of: token.utf8)] = Int32(id + 1)
    used += 1
  }

  private mutating func grow() {
    slots = [Int32](repeating: 0, count: slots.count * 2)
    for (id, token) in tokens.enumerated() {
      if let token { slots[slot(of: token.utf8)] = Int32(id + 1) }
    }
  }

  /// The slot that holds these bytes, or the free one where they belong.
  private func slot(of bytes: some Collection<UInt8>) -> Int {
    let hash = Fingerprint.hash(bytes)
    let mask = slots.count - 1
    var slot = Int(truncatingIfNeeded: hash ^ (hash >> 32)) & mask
    while slots[slot] != 0 {
      if let token = tokens[Int(slots[slot]) - 1], token.utf8.elementsEqual(bytes) { break }
      slot = (slot + 1) & mask
    }
    return slot
  }
}
