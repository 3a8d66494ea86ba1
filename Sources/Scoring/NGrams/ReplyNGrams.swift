import ModelAccess

/// What the n-gram judge sees of a reply: its words, pairs of words up to four apart, its first and
/// last words, and the runs of two to five characters inside words, each hashed into one of
/// `buckets` counts for words and as many for characters.
///
/// A count c weighs 16 (1 + ln c), in whole numbers, so that sums do not depend on their order.
struct ReplyNGrams {
  static let buckets = 32_768
  static let places = 2 * buckets + ReplyReading.cueCount
  /// Bytes of the normalised reply that are read: what a reply does shows where it begins.
  static let limit = 1_500
  private static let levels: [Int32] = [0, 16, 27, 34, 38, 42, 45, 47, 49, 51, 53]

  /// A bucket that occurs: words' before characters' before cues.
  struct Entry {
    var bucket: Int
    var value: Int32
  }

  private(set) var entries: [Entry] = []
  /// Of the words' and of the characters' values, the Euclidean norm; 1 where there are none.
  private(set) var wordNorm = 1.0
  private(set) var characterNorm = 1.0
  /// Fixed, so that each cue seen weighs four fifths of all words together: they were worded by people, and
  /// say more of replies in other words than words do.
  static let cueNorm = 20.0

  /// - Parameter reading: by the project's own phrases.
  init(_ reading: ReplyReading, _ kind: PromptKind) {
    let text = reading.text
    var bytes = text.bytes.prefix(Self.limit)
    // Not in the middle of a character.
    while bytes.count < text.bytes.count, let last = bytes.last, last >= 0x80 { bytes.removeLast() }
    var counts = [UInt8](repeating: 0, count: 2 * Self.buckets)
    var touched: [Int] = []
    func count(_ hash: UInt64, _ offset: Int) {
      // The upper bits of a product are the well mixed ones.
      let bucket = offset + Int((hash &* 0x9E37_79B9_7F4A_7C15) >> 49)
      if counts[bucket] == 0 { touched.append(bucket) }
      if counts[bucket] < 255 { counts[bucket] += 1 }
    }
    let words = Self.words(bytes)
    for (index, word) in words.enumerated() {
      count(word, 0)
      for next in words[(index + 1)...].prefix(3) { count(word &* 31 &+ next, 0) }
    }
    for word in words.prefix(3) { count(word ^ 0xA5A5, 0) }
    for word in words.suffix(2) { count(word ^ 0x5A5A, 0) }
    for part in bytes.split(separator: UInt8(ascii: " ")) {
      Self.runs(part) { count($0, Self.buckets) }
    }
    touched.sort()
    var squares = (words: Int64(0), characters: Int64(0))
    for bucket in touched {
      let value = Self.levels[min(Int(counts[bucket]), Self.levels.count - 1)]
      entries.append(Entry(bucket: bucket, value: value))
      if bucket < Self.buckets {
        squares.words += Int64(value * value)
      } else {
        squares.characters += Int64(value * value)
      }
    }
    for cue in reading.cues(kind) {
      entries.append(Entry(bucket: 2 * Self.buckets + cue, value: Self.levels[1]))
    }
    if squares.words > 0 { wordNorm = Double(squares.words).squareRoot() }
    if squares.characters > 0 { characterNorm = Double(squares.characters).squareRoot() }
  }

  /// What an entry's value is divided by.
  func norm(_ bucket: Int) -> Double {
    bucket < Self.buckets ? wordNorm : bucket < 2 * Self.buckets ? characterNorm : Self.cueNorm
  }

  /// The hashes of words and of the marks that end sentences and clauses.
  private static func words(_ bytes: ArraySlice<UInt8>) -> [UInt64] {
    var words: [UInt64] = []
    var hash = start
    var isInside = false
    for byte in bytes {
      let isWord =
        (0x61...0x7A).contains(byte) || (0x30...0x39).contains(byte) || byte >= 0x80
        || byte == UInt8(ascii: "'")
      if isWord {
        hash = mixed(hash, byte)
        isInside = true
      } else {
        if isInside { words.append(hash) }
        (hash, isInside) = (start, false)
        if ".!?:,".utf8.contains(byte) { words.append(mixed(start, byte)) }
      }
    }
    if isInside { words.append(hash) }
    return words
  }

  /// The hashes of two to five neighbouring characters of a word, its ends among them.
  private static func runs(_ word: ArraySlice<UInt8>, _ use: (UInt64) -> Void) {
    var characters: [UInt64] = [32]
    var character = start
    for (index, byte) in word.enumerated() {
      character = mixed(character, byte)
      let next = word.index(word.startIndex, offsetBy: index + 1)
      let isComplete = next == word.endIndex || word[next] & 0xC0 != 0x80
      if isComplete {
        characters.append(character)
        character = start
      }
    }
    characters.append(32)
    for first in characters.indices {
      var hash = start
      for length in 1...5 where first + length <= characters.count {
        hash = (hash ^ characters[first + length - 1]) &* 0x0000_0100_0000_01B3
        if length >= 2 { use(hash &+ UInt64(length)) }
      }
    }
  }

  private static let start: UInt64 = 0xCBF2_9CE4_8422_2325

  /// One step of FNV-1a.
  private static func mixed(_ hash: UInt64, _ byte: UInt8) -> UInt64 {
    (hash ^ UInt64(byte)) &* 0x0000_0100_0000_01B3
  }
}
