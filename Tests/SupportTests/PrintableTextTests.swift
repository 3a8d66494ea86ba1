import Foundation
import Support
import Testing

@Suite struct PrintableTextTests {
  @Test(arguments: [
    "plain", "a: b #1", "naïve café ﬁ", "日本語", "שלום עולם", "مرحبا", "می‌خواهم", "👩‍👩‍👧 🏳️‍🌈", "e\u{301}",
    "p < 0.05 & q", "C:\\dir", "a :: b", "std::error", "α = 1.25",
  ])
  func writingStaysAsItIs(text: String) {
    #expect(PrintableText.line(text) == text)
    #expect(PrintableText.lines(text) == text)
  }

  @Test(
    arguments: [
      ("\u{1B}[2Jx", "\\u001b[2Jx"), ("a\u{7}b", "a\\u0007b"), ("a\0b", "a\\u0000b"),
      ("a\u{7F}b", "a\\u007fb"), ("a\u{9B}2Jb", "a\\u009b2Jb"), ("a\u{90}q", "a\\u0090q"),
      ("a\u{202E}b", "a\\u202eb"), ("\u{2066}a\u{2069}", "\\u2066a\\u2069"),
      ("a\u{200E}\u{200F}\u{61C}", "a\\u200e\\u200f\\u061c"), ("a\u{200B}b", "a\\u200bb"),
      ("\u{FEFF}a", "\\ufeffa"), ("a\u{AD}b", "a\\u00adb"), ("a\u{2060}b", "a\\u2060b"),
      ("a\u{E0041}b", "a\\udb40\\udc41b"), ("a\u{FFFE}b", "a\\ufffeb"), ("a\u{FFF9}b", "a\\ufff9b"),
      ("a\u{8}\u{8}b", "a\\u0008\\u0008b"),
      ("a\u{1B}]8;;http://x\u{7}b", "a\\u001b]8;;http://x\\u0007b"),
    ])
  func whatHidesOrMovesIsShown(text: String, shown: String) {
    #expect(PrintableText.line(text) == shown)
    #expect(PrintableText.lines(text) == shown)
  }

  @Test(
    arguments: [
      ("a\nb", "a\\nb", "a\nb"), ("a\r\nb", "a\\nb", "a\nb"), ("a\rb", "a\\nb", "a\nb"),
      ("a\u{2028}b\u{2029}c\u{85}d", "a\\u2028b\\u2029c\\u0085d", "a\\u2028b\\u2029c\\u0085d"),
      ("a\tb", "a b", "a\tb"),
      ("a\r\n\r\nb", "a\\n\\nb", "a\n\nb"), ("\n", "\\n", "\n"), ("", "", ""),
    ])
  func lineBreaksStayOnlyInLines(text: String, line: String, lines: String) {
    #expect(PrintableText.line(text) == line)
    #expect(PrintableText.lines(text) == lines)
  }

  @Test(
    arguments: [
      ("::error::x", "\\u003a:error::x"), ("a\n::error::x", "a\n\\u003a:error::x"),
      ("a\n \t::warning file=x::y", "a\n \t\\u003a:warning file=x::y"),
      ("a\r::error::x", "a\n\\u003a:error::x"),
      ("a\n\u{2003}::error::x", "a\n\u{2003}\\u003a:error::x"),
      ("\u{A0}\u{3000}::error::x", "\u{A0}\u{3000}\\u003a:error::x"),
      ("\u{200D}::error::x", "\u{200D}\\u003a:error::x"),
      (":\u{200D}:error::x", "\\u003a\u{200D}:error::x"),
      ("a ##[error]x", "a \\u0023#[error]x"),
      ("##vso[task.setvariable]x", "\\u0023#vso[task.setvariable]x"),
    ])
  func noTextIsACommandOfACISystem(text: String, shown: String) {
    #expect(PrintableText.lines(text) == shown)
    let isSafe = { (line: String) in
      !line.trimmingCharacters(in: .whitespaces).hasPrefix("::") && !line.contains("##[")
    }
    #expect(PrintableText.line(text).split(separator: "\n").map(String.init).allSatisfy(isSafe))
  }

  /// Escapes are JSON's own, so that a document says the same after it was made printable.
  @Test func jsonKeepsItsMeaning() throws {
    let value = ["a\u{202E}b\u{E0041}\u{1B}\u{2028}\u{85}": "##[x]\u{7F}\u{9B}::"]
    let json = String(decoding: try JSONEncoder().encode(value), as: UTF8.self)
    let shown = PrintableText.lines(json)
    #expect(shown.unicodeScalars.allSatisfy { $0.isASCII && $0.value >= 0x20 && $0.value < 0x7F })
    #expect(try JSONDecoder().decode([String: String].self, from: Data(shown.utf8)) == value)
  }

  /// Every character that is not shown as it is is one that hides, moves or reorders.
  @Test func allCharactersAreEitherShownOrEscaped() {
    var wrong: [UInt32] = []
    for value in Array(UInt32(0)...0xFFFF) + Array(0xE0000...0xE0FFF) {
      guard let scalar = Unicode.Scalar(value) else { continue }
      let shown = PrintableText.line(String(scalar))
      let isBidi =
        [0x61C, 0x200E, 0x200F].contains(value)
        || (0x202A...0x202E).contains(value) || (0x2066...0x2069).contains(value)
      let isControl = value < 0x20 || (0x7F...0x9F).contains(value)
      let isKept = shown.unicodeScalars.elementsEqual(CollectionOfOne(scalar))
      let isClean = !shown.unicodeScalars.contains { $0.value < 0x20 || $0.value == 0x7F }
      if (isBidi || isControl) && isKept || !isClean { wrong.append(value) }
    }
    #expect(wrong.isEmpty)
  }

  @Test(
    arguments: [
      ("", 0), ("abc", 3), ("日本", 4), ("e\u{301}", 1), ("👩‍👩‍👧", 2), ("❤️", 2), ("ｱ", 1), ("한글", 4),
      ("α×", 2), ("█░", 2), ("🇩🇪", 2),
    ])
  func columnsAreCounted(text: String, columns: Int) {
    #expect(DisplayWidth.of(text) == columns)
  }

  @Test(
    arguments: [
      ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("日本語", 5, "日本…"), ("日本語", 4, "日…"),
      ("abc", 1, "…"), ("abc", 0, ""), ("abc", -3, ""), ("ae\u{301}bc", 3, "ae\u{301}…"),
    ])
  func textsAreCutToTheirColumns(text: String, columns: Int, cut: String) {
    #expect(DisplayWidth.fitting(text, columns: columns) == cut)
    #expect(DisplayWidth.of(DisplayWidth.fitting(text, columns: columns)) <= max(0, columns))
  }
}
