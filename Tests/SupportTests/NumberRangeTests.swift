import Support
import Testing

@Suite struct NumberRangeTests {
  private static let whole = NumberRange(1...512)
  private static let seconds = NumberRange<Double>.above(0, upTo: 86_400)
  private static let part = NumberRange<Double>.from(0, below: 1)

  @Test func rangesSayWhatTheyTake() {
    #expect(Self.whole.span == "1 to 512")
    #expect(Self.whole.phrase == "a whole number from 1 to 512")
    #expect(Self.seconds.span == "above 0, up to 86400")
    #expect(Self.seconds.phrase == "a number above 0 and up to 86400")
    #expect(Self.part.span == "0 to below 1")
    #expect(Self.part.phrase == "a number from 0 to below 1")
  }

  @Test func endsBelongWhereTheyAreSaidTo() {
    #expect(Self.whole.contains(1) && Self.whole.contains(512))
    #expect(!Self.whole.contains(0) && !Self.whole.contains(513))
    #expect(!Self.seconds.contains(0) && Self.seconds.contains(86_400))
    #expect(Self.part.contains(0) && !Self.part.contains(1))
    #expect(!Self.part.contains(.nan) && !NumberRange(-1.0...1.0).contains(.nan))
  }

  @Test(arguments: [
    "", " ", "1 ", "+", "-", "0", "513", "-1", "1.5", "1e2", "0x10", "9223372036854775808",
    "-9223372036854775809", "99999999999999999999999", "inf", "nan", "١",
  ])
  func otherWholeNumbersAreRefused(text: String) {
    #expect(throws: NumberOutOfRange.self) { try Self.whole.read(text) }
  }

  @Test(arguments: [
    "", "inf", "infinity", "nan", "-nan", "0x1p3", "1e309", "-1e309", "1e400", "0", "-0.0",
    "1e-400",
    "86400.1", "1,5", "1_000", "1 ", "1e", "--1",
  ])
  func otherNumbersAreRefused(text: String) {
    #expect(throws: NumberOutOfRange.self) { try Self.seconds.read(text) }
  }

  @Test func errorsSayWhatWasExpectedAndFound() {
    #expect(throws: NumberOutOfRange(expected: "a whole number from 1 to 512", found: "0")) {
      try Self.whole.read("0")
    }
  }

  @Test(
    arguments: [
      ("0", 0), ("0.0", 0), ("0.1", 0.1), (".5", 0.5), ("1.0", 1), ("1%", 0.01), ("10%", 0.1),
      ("100%", 1), ("0%", 0), ("2.5%", 0.025), ("1.", 1), ("1e-1", 0.1),
    ] as [(String, Double)])
  func sharesAreRead(text: String, value: Double) throws {
    #expect(try Share(parsing: text).value == value)
  }

  @Test(
    arguments: [
      ("1", "1% for one in a hundred, or 1.0 for all"), ("01", "1.0 for all"),
      ("+1", "1.0 for all"), ("1e0", "1.0 for all"), ("2", "2%"), ("95", "95%"), ("10", "10%"),
      ("1.5", "0 to 1"), ("101%", "0 to 1"), ("-0.1", "0 to 1"), ("nan", "such as 0.1"),
      ("inf%", "such as 0.1"), ("%", "such as 0.1"), ("", "such as 0.1"), ("0.1 %", "such as 0.1"),
      ("1e400", "such as 0.1"), ("0x1p-3", "such as 0.1"),
    ])
  func ambiguousAndOtherSharesAreRefused(text: String, expected: String) {
    do throws(NumberOutOfRange) {
      _ = try Share(parsing: text)
      Issue.record("\(text) was read")
    } catch {
      #expect(error.expected.contains(expected), "\(error)")
    }
  }

  @Test func aSharesTextReadsBack() throws {
    for value in [0, 0.05, 0.5, 1] {
      #expect(try Share(parsing: "\(Share(value))").value == value)
    }
  }

  @Test(
    arguments: [
      (0, "0 s"), (59.4, "59 s"), (60, "1 min 0 s"), (3_599, "59 min 59 s"), (3_600, "1 h 0 min"),
      (86_399, "23 h 59 min"), (90_000, "1 d 1 h"), (1e9, "over a year"),
      (.infinity, "over a year"),
      (.nan, "over a year"), (-5, "0 s"), (1e300, "over a year"),
    ] as [(Double, String)])
  func durationsAreSaid(seconds: Double, text: String) {
    #expect(Duration.text(seconds: seconds) == text)
  }

  @Test(
    arguments: [
      (0, "0"), (999, "999"), (1_000, "1,000"), (1_234_567, "1,234,567"), (-12_345, "-12,345"),
      (.min, "-9,223,372,036,854,775,808"),
    ] as [(Int, String)])
  func countsAreGrouped(count: Int, text: String) {
    #expect(Number.grouped(count) == text)
  }
}
