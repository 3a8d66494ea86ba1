/// GPT-2's word pattern, scanned by hand since a general regular-expression engine takes several
/// times as long:
///
///     's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
enum ByteLevelWords {
  /// Cuts valid UTF-8 into consecutive words that cover it.
  static func words(in text: ArraySlice<UInt8>) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var position = text.startIndex
    while position < text.endIndex {
      let end = endOfWord(in: text, from: position)
      words.append(position..<end)
      position = end
    }
    return words
  }

  private static func endOfWord(in text: ArraySlice<UInt8>, from start: Int) -> Int {
    if text[start] == UInt8(ascii: "'"), let length = contraction(in: text, after: start + 1) {
      return start + 1 + length
    }
    var position = start
    // One space may lead a word.
    if text[start] == UInt8(ascii: " "), start + 1 < text.endIndex,
      ScalarClass(UTF8Text.scalar(in: text, at: start + 1).value) != .space
    {
      position += 1
    }
    let scalar = UTF8Text.scalar(in: text, at: position)
    let kind = ScalarClass(scalar.value)
    position += scalar.length
    var last = position - scalar.length
    while position < text.endIndex {
      let scalar = UTF8Text.scalar(in: text, at: position)
      guard ScalarClass(scalar.value) == kind else { break }
      last = position
      position += scalar.length
    }
    // `\s+(?!\S)`: white space leaves its last character to the word behind it.
    if kind == .space, position < text.endIndex, last > start { return last }
    return position
  }

  private static func contraction(in text: ArraySlice<UInt8>, after position: Int) -> Int? {
    guard position < text.endIndex else { return nil }
    switch text[position] {
    case UInt8(ascii: "s"), UInt8(ascii: "t"), UInt8(ascii: "m"), UInt8(ascii: "d"): return 1
    default: break
    }
    guard position + 1 < text.endIndex else { return nil }
    switch (text[position], text[position + 1]) {
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return 2
    default: return nil
    }
  }
}
