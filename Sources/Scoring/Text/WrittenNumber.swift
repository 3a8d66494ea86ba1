/// Reads numbers as people and models write them: `1,200`, `1 200`, `1.200,50`, `$8.50`, `-4`, `50%`,
/// `1/2`, `1 1/2`, `3 × 10^4`, `2 million`. A clock time or a ratio (`8:30`) is no number, nor are
/// the digits of a name (`H2O`).
struct WrittenNumbers {
  /// A number and where it stands.
  struct Found {
    var value: Double
    var range: Range<Int>
  }

  private let text: [Character]

  init(_ text: some StringProtocol) { self.text = Array(text) }

  /// The text's value where it is one number, with signs of money and percent; else nil.
  var whole: Double? {
    guard let found = next(from: 0) else { return nil }
    let isBare = { (index: Int) in "$€£¥₹% .".contains(text[index]) }
    guard (0..<found.range.lowerBound).allSatisfy(isBare),
      (found.range.upperBound..<text.count).allSatisfy(isBare)
    else { return nil }
    return found.value
  }

  var last: Double? {
    var last: Double?
    var place = 0
    while let found = next(from: place) {
      last = found.value
      place = found.range.upperBound
    }
    return last
  }

  /// The first number; in an expression (`5 + 3 = 8`, `$5 + $3 = $8`, `3 hats + 5 hats = 8 hats`)
  /// what stands right of its last equals sign.
  var firstResult: Double? {
    guard var found = next(from: 0) else { return nil }
    var result = found.value
    while let (sign, after) = operation(from: found.range.upperBound),
      let operand = next(from: after), gap(after..<operand.range.lowerBound)
    {
      if sign == "=" { result = operand.value }
      found = operand
    }
    return result
  }

  /// The next number from a place on.
  func next(from start: Int) -> Found? {
    var index = start
    while index < text.count {
      if isDigit(index) || (text[index] == "." && isDigit(index + 1)) {
        let end = endOfDigits(from: index)
        if let found = number(index..<end) { return found }
        index = end
      } else {
        index += 1
      }
    }
    return nil
  }

  // MARK: - Parts

  private func isDigit(_ index: Int) -> Bool {
    text.indices.contains(index) && ("0"..."9").contains(text[index])
  }

  private func character(_ index: Int) -> Character? {
    text.indices.contains(index) ? text[index] : nil
  }

  /// Digits with what may stand between them.
  private func endOfDigits(from start: Int) -> Int {
    var end = start
    while end < text.count {
      if isDigit(end) {
        end += 1
      } else if ".,'_\u{00A0}\u{2009}\u{202F}".contains(text[end]), isDigit(end + 1) {
        end += 1
      } else {
        break
      }
    }
    return end
  }

  private func number(_ range: Range<Int>) -> Found? {
    if let before = character(range.lowerBound - 1), before.isLetter || before == ":" { return nil }
    if character(range.upperBound) == ":", isDigit(range.upperBound + 1) { return nil }
    guard let plain = Self.decimal(text[range]), var value = Double(plain) else { return nil }
    var end = range.upperBound
    // 1.5e3
    if character(end) == "e" || character(end) == "E" {
      let sign = ["-", "+"].contains(character(end + 1)) ? 1 : 0
      var stop = end + 1 + sign
      while isDigit(stop) { stop += 1 }
      if stop > end + 1 + sign, let scaled = Double(plain + String(text[end..<stop])) {
        value = scaled
        end = stop
      }
    }
    // 1/2, and 1 1/2
    if let (bottom, stop) = integer(after: "/", from: end), character(stop) != "/" {
      guard bottom != 0 else { return nil }
      value /= bottom
      end = stop
    } else if character(end) == " ", isDigit(end + 1) {
      var stop = end + 1
      while isDigit(stop) { stop += 1 }
      if let top = Double(String(text[(end + 1)..<stop])),
        let (bottom, last) = integer(after: "/", from: stop), bottom > top
      {
        value += top / bottom
        end = last
      }
    }
    if let (factor, stop) = factor(from: end) {
      value *= factor
      end = stop
    }
    let sign = sign(before: range.lowerBound)
    return Found(value: sign == nil ? value : -value, range: (sign ?? range.lowerBound)..<end)
  }

  private func integer(after sign: Character, from start: Int) -> (value: Double, end: Int)? {
    guard character(start) == sign, isDigit(start + 1) else { return nil }
    var end = start + 1
    while isDigit(end) { end += 1 }
    return Double(String(text[(start + 1)..<end])).map { ($0, end) }
  }

  /// `× 10^4`, or a word such as million.
  private func factor(from start: Int) -> (value: Double, end: Int)? {
    var index = start
    while character(index) == " " { index += 1 }
    if let sign = character(index), "×x*·".contains(sign) {
      index += 1
      while character(index) == " " { index += 1 }
      guard character(index) == "1", character(index + 1) == "0", character(index + 2) == "^" else {
        return nil
      }
      index += 3
      let isNegative = character(index) == "-"
      if isNegative { index += 1 }
      var end = index
      while isDigit(end) { end += 1 }
      guard let power = Int(String(text[index..<end])), power <= 300 else { return nil }
      var value = 1.0
      for _ in 0..<power { value *= 10 }
      return (isNegative ? 1 / value : value, end)
    }
    for (word, value) in [("thousand", 1e3), ("million", 1e6), ("billion", 1e9)] {
      let end = index + word.count
      if end <= text.count, String(text[index..<end]).lowercased() == word,
        character(end)?.isLetter != true
      {
        return (value, end)
      }
    }
    return nil
  }

  /// The place of a minus sign right before the digits or their sign of money, unless it joins two
  /// words.
  private func sign(before start: Int) -> Int? {
    var index = start - 1
    if let money = character(index), "$€£¥₹".contains(money) { index -= 1 }
    guard let sign = character(index), "-−".contains(sign) else { return nil }
    guard let before = character(index - 1) else { return index }
    return before.isLetter || before.isNumber || ")%".contains(before) ? nil : index
  }

  /// `1,200.50` and `1.200,50` as `1200.50`; nil for what is no number, such as `1.2.3`.
  private static func decimal(_ digits: ArraySlice<Character>) -> String? {
    let plain = digits.filter { !"'_\u{00A0}\u{2009}\u{202F}".contains($0) }
    let marks = plain.filter { $0 == "," || $0 == "." }
    guard let mark = marks.last else { return String(plain) }
    let groups = plain.split(separator: mark, omittingEmptySubsequences: false)
    let isMixed = Set(marks).count > 1
    let isGrouped: Bool =
      if isMixed {
        marks.count { $0 == mark } > 1
      } else if mark == "." {
        // 1.234 is a decimal number, 1.234.567 is not.
        groups.count > 2
      } else {
        // 12,34,567 is grouped as in India; 8,5 has a decimal comma.
        groups.last?.count == 3 && groups.dropFirst().allSatisfy { (2...3).contains($0.count) }
          && (1...3).contains(groups[0].count)
      }
    if isGrouped {
      guard !isMixed, groups.dropFirst().allSatisfy({ (2...3).contains($0.count) }) else {
        return nil
      }
      return String(plain.filter { $0 != mark })
    }
    guard groups.count == 2 else { return nil }
    return String(groups[0].filter { $0.isNumber }) + "." + String(groups[1])
  }

  // MARK: - Expressions

  /// The sign of an operation behind a number, its percent sign, unit of up to two words and
  /// brackets, and the place behind the sign.
  private func operation(from start: Int) -> (sign: Character, end: Int)? {
    var index = start
    var words = 0
    func skip() {
      while let next = character(index), " )%]".contains(next) || "$€£¥₹".contains(next) {
        index += 1
      }
    }
    skip()
    while words < 2, let next = character(index), next.isLetter, !isTimes(index) {
      while let next = character(index), next.isLetter { index += 1 }
      words += 1
      skip()
    }
    guard let sign = character(index) else { return nil }
    if "=≈".contains(sign) { return ("=", index + 1) }
    return "+-−–*×·÷/^".contains(sign) || isTimes(index) ? (sign, index + 1) : nil
  }

  /// The letter x between numbers.
  private func isTimes(_ index: Int) -> Bool {
    text[index] == "x" && character(index - 1)?.isLetter != true
      && character(index + 1)?.isLetter != true
  }

  /// What may stand between a sign and its number.
  private func gap(_ range: Range<Int>) -> Bool {
    range.allSatisfy { " ([-−".contains(text[$0]) || "$€£¥₹".contains(text[$0]) }
  }
}
