import Foundation
import Support
import Testing

@Suite struct CSVTableTests {
  static let file = URL(filePath: "/data/table.csv")

  static func rows(_ text: String) throws -> [[String]] {
    try CSVTable(text, file: file).rows.map(\.fields)
  }

  @Test(arguments: [
    ("", [[String]]()), ("a", [["a"]]), ("a,b\n", [["a", "b"]]),
    ("a,\n,b", [["a", ""], ["", "b"]]),
    ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]), ("a,b\rc,d\r", [["a", "b"], ["c", "d"]]),
    ("\"a,b\",c\n", [["a,b", "c"]]), ("\"a \"\"b\"\" c\"", [["a \"b\" c"]]),
    ("say \"\"hi\"\" twice,x", [["say \"hi\" twice", "x"]]), ("\"\",\"\"", [["", ""]]),
    ("  a b ,\t\"c\" \t,d", [["a b ", "c", "d"]]), ("\"a\nb\r\nc\",d", [["a\nb\r\nc", "d"]]),
    ("a\n\n \t \nb\n\n", [["a"], ["b"]]), (",\n", [["", ""]]),
    ("ä,→\u{2028}x", [["ä", "→\u{2028}x"]]),
    ("\"\"\"a\"\"\"", [["\"a\""]]), ("\"a\n\n b\"", [["a\n\n b"]]),
  ])
  func fieldsAreRead(text: String, rows: [[String]]) throws {
    #expect(try Self.rows(text) == rows)
  }

  @Test func rowsKnowTheirLines() throws {
    let text = "goal,target\r\n\"one\r\ntwo\",x\r\n\r\nthree,y\n\"four\n\n\",z\nfive,w"
    let table = try CSVTable(text, file: Self.file)
    #expect(table.header == ["goal", "target"])
    #expect(table.records.map(\.line) == [2, 5, 6, 9])
    #expect(table.records.map { table.field("target", of: $0) } == ["x", "y", "z", "w"])
    #expect(try CSVTable("a\rb\r\rc", file: Self.file).rows.map(\.line) == [1, 2, 4])
  }

  @Test func fieldsAreFoundByName() throws {
    let table = try CSVTable("a,b,b\n1,2,3\n4\n", file: Self.file)
    let rows = Array(table.records)
    #expect(table.field("a", of: rows[0]) == "1")
    #expect(table.field("b", of: rows[0]) == "3")
    #expect(table.field("b", of: rows[1])?.isEmpty == true)
    #expect(table.field("c", of: rows[0]) == nil)
    #expect(
      throws: FileError.malformedLine(
        path: "/data/table.csv", line: 3, expected: "3 fields as in the header",
        found: "1; put quotation marks around texts with commas")
    ) { try table.requireEqualLengths(file: Self.file) }
  }

  @Test(arguments: [
    ("a,b\n\"c,d\ne,f\n", 2, "a quotation mark that closes the field"), ("\"", 1, "closes"),
    ("a\n\"b\"c,d\n", 2, "doubled inside a field"),
    ("a\n\nsay \"hi\" twice\n", 3, "doubled inside"),
    ("a\nb\"", 2, "doubled inside"), ("a\nb\"\n", 2, "doubled inside"),
  ])
  func strayQuotationMarksAreRefused(text: String, line: Int, expected: String) throws {
    let error = #expect(throws: FileError.self) { _ = try Self.rows(text) }
    let message = error?.description ?? ""
    #expect(message.hasPrefix("/data/table.csv, line \(line): "), "\(message)")
    #expect(message.contains(expected), "\(message)")
  }

  /// Whatever is written with quotation marks is read back.
  @Test func quotedFieldsComeBack() throws {
    var generator = SplitMix64(seed: 5)
    let alphabet = ["a", "é", ",", "\"", "\n", "\r\n", "\r", " ", "\t", "→"]
    for _ in 0..<300 {
      let rows = (0..<3).map { row in
        (0..<3).map { column in
          row == 0 && column == 0
            ? "x"
            : (0..<Int(generator.next() % 6)).map { _ in
              alphabet[Int(generator.next() % UInt64(alphabet.count))]
            }.joined()
        }
      }
      let text = rows.map { fields in
        fields.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",")
      }.joined(separator: "\n")
      #expect(try Self.rows(text) == rows)
    }
  }
}
