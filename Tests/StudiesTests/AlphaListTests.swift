import Testing

@testable import Studies

@Suite struct AlphaListTests {
  @Test(
    arguments: [
      ("0..2", [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2]), ("0..2:0.5", [0, 0.5, 1, 1.5, 2]),
      ("0,0.5,1.25", [0, 0.5, 1.25]), ("1.25,0,1.25", [0, 1.25]),
      ("0..1:0.3", [0, 0.3, 0.6, 0.9, 1]),
      ("0..0.3:0.1", [0, 0.1, 0.2, 0.3]), ("1", [1]), ("2..2", [2]), ("-1..1:1", [-1, 0, 1]),
    ] as [(String, [Double])])
  func alphasAreParsed(text: String, values: [Double]) throws {
    #expect(try AlphaList(parsing: text).values == values)
  }

  @Test(arguments: [
    "", "a", "0..", "2..1", "0..2:0", "0..2:-1", "0,,1", "nan", "0..inf", "0..9:1e-9",
  ])
  func badAlphasAreRefused(text: String) {
    #expect(throws: StudyError.self) { _ = try AlphaList(parsing: text) }
  }
}
