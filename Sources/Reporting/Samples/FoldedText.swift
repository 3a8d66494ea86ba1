import Support

/// A text of a model or a data set as a terminal may show it, its opening where it is long.
struct FoldedText: Equatable {
  /// What is shown of a long text at most.
  static let mostLines = 12
  static let mostCharacters = 1_000

  /// Printable lines.
  let lines: [String]
  /// How much of it is not shown.
  let hiddenCharacters: Int
  let hiddenLines: Int

  init(_ text: String, isWhole: Bool) {
    var text = PrintableText.lines(text)
    while text.last == "\n" { text.removeLast() }
    let all = text.split(separator: "\n", omittingEmptySubsequences: false)
    var shown: [String] = []
    var room = Self.mostCharacters
    for line in all {
      if isWhole {
        shown.append(String(line))
        continue
      }
      guard shown.count < Self.mostLines, room > 0 else { break }
      shown.append(String(line.prefix(room)))
      room -= line.count
    }
    lines = shown
    hiddenLines = all.count - shown.count
    // A line's end counts as a character.
    hiddenCharacters = text.count - shown.reduce(0) { $0 + $1.count } - (shown.count - 1)
  }

  /// `[… 3,412 more characters, 58 lines; --full shows them]`; nil where all is shown.
  var remark: String? {
    guard hiddenCharacters > 0 else { return nil }
    let lines = hiddenLines > 0 ? ", \(Number.grouped(hiddenLines)) lines" : ""
    return "[… \(Number.grouped(hiddenCharacters)) more characters\(lines); --full shows them]"
  }
}
