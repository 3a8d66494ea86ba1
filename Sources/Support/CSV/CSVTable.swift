package import Foundation

/// A table of comma-separated values (RFC 4180) with the line that each row begins on.
///
/// A field may stand between quotation marks, which are doubled inside; spaces and tabs before a field
/// and after a closing mark do not count. Lines end with LF, CRLF or CR. Blank lines are no rows.
package struct CSVTable {
  package struct Row: Equatable, Sendable {
    /// Counted from 1, in the file.
    package let line: Int
    package let fields: [String]
  }

  /// Every row, the header first.
  package let rows: [Row]

  /// - Throws: `FileError.malformedLine` for a quotation mark that is not closed, is not doubled, or
  ///   is followed by text.
  package init(_ text: String, file: URL) throws(FileError) {
    var reader = CSVReader(Array(text.utf8), file: file)
    try reader.read()
    rows = reader.rows
  }

  /// The first row's fields.
  package var header: [String] { rows.first?.fields ?? [] }

  /// The rows below the header.
  package var records: ArraySlice<Row> { rows.dropFirst() }

  /// A row's field below a name of the header, of which the last counts where it occurs twice; nil
  /// where the header has no such name, and empty where the row is shorter.
  package func field(_ name: String, of row: Row) -> String? {
    guard let column = header.lastIndex(of: name) else { return nil }
    return column < row.fields.count ? row.fields[column] : ""
  }

  /// Refuses rows that do not have as many fields as the header: they would lose texts without a word.
  package func requireEqualLengths(file: URL) throws(FileError) {
    for row in records where row.fields.count != header.count {
      throw .malformedLine(
        path: file.path, line: row.line, expected: "\(header.count) fields as in the header",
        found: "\(row.fields.count); put quotation marks around texts with commas")
    }
  }
}

/// Reads bytes one by one.
private struct CSVReader {
  /// Where in a field the next byte stands.
  private enum Place {
    case start, plain, quoted
    /// After a quotation mark in a quoted field, which closes it or is the first of two.
    case afterQuote
    /// After a quotation mark in a plain field, which must be the first of two.
    case afterPlainQuote
  }

  private(set) var rows: [CSVTable.Row] = []
  private let bytes: [UInt8]
  private let file: URL
  private var place = Place.start
  private var field: [UInt8] = []
  private var fields: [String] = []
  private var line = 1
  /// Where the row begins.
  private var (firstLine, firstByte) = (1, 0)

  private static let comma = UInt8(ascii: ",")
  private static let quote = UInt8(ascii: "\"")
  private static let newline = UInt8(ascii: "\n")
  private static let carriageReturn = UInt8(ascii: "\r")
  private static let blanks = [UInt8(ascii: " "), UInt8(ascii: "\t")]

  init(_ bytes: [UInt8], file: URL) {
    self.bytes = bytes
    self.file = file
  }

  mutating func read() throws(FileError) {
    for (offset, byte) in bytes.enumerated() {
      // Of CRLF the second ends the line.
      let isPair =
        byte == Self.carriageReturn && offset + 1 < bytes.count && bytes[offset + 1] == Self.newline
      let endsLine = byte == Self.newline || byte == Self.carriageReturn && !isPair
      if endsLine { line += 1 }
      if place == .quoted {
        if byte == Self.quote { place = .afterQuote } else { field.append(byte) }
      } else if place == .afterQuote && byte == Self.quote {
        field.append(byte)
        place = .quoted
      } else if place == .afterPlainQuote {
        guard byte == Self.quote else { throw strayQuote(before: offset) }
        field.append(byte)
        place = .plain
      } else if endsLine {
        endRow(before: offset + 1)
      } else if byte == Self.comma {
        endField()
      } else if !isPair {
        try take(byte, at: offset)
      }
    }
    switch place {
    case .quoted:
      throw fault(expected: "a quotation mark that closes the field", before: bytes.count)
    case .afterPlainQuote: throw strayQuote(before: bytes.count)
    default: endRow(before: bytes.count)
    }
  }

  /// A byte that neither ends a field nor stands between quotation marks.
  private mutating func take(_ byte: UInt8, at offset: Int) throws(FileError) {
    switch place {
    case .start where byte == Self.quote: place = .quoted
    case .start where Self.blanks.contains(byte): break
    case .plain where byte == Self.quote: place = .afterPlainQuote
    case .afterQuote:
      guard Self.blanks.contains(byte) else { throw strayQuote(before: offset) }
    default:
      field.append(byte)
      place = .plain
    }
  }

  private mutating func endField() {
    fields.append(String(decoding: field, as: UTF8.self))
    field = []
    place = .start
  }

  private mutating func endRow(before end: Int) {
    endField()
    let blanks = Self.blanks + [Self.newline, Self.carriageReturn]
    if !bytes[firstByte..<end].allSatisfy(blanks.contains) {
      rows.append(CSVTable.Row(line: firstLine, fields: fields))
    }
    fields = []
    (firstLine, firstByte) = (line, end)
  }

  private func strayQuote(before end: Int) -> FileError {
    fault(
      expected: "quotation marks around whole fields only, doubled inside a field", before: end)
  }

  private func fault(expected: String, before end: Int) -> FileError {
    .malformedLine(
      path: file.path, line: firstLine, expected: expected,
      found: String(String(decoding: bytes[firstByte..<end], as: UTF8.self).prefix(60)))
  }
}
