package import Foundation

/// Where the records of a CSV text stand, looked at before its fields are read: a quotation mark that
/// is never closed, or a row of another length, would lose prompts without a word.
package struct CSVRecords {
  /// The text without blank records.
  package let text: String
  /// Of each record: the line it begins on, from 1, and how many fields it has.
  package let records: [(line: Int, fields: Int)]

  /// - Throws: `FileError.malformedLine` for a quotation mark that is not closed.
  package init(_ text: String, file: URL) throws(FileError) {
    let comma = UInt8(ascii: ",")
    let quote = UInt8(ascii: "\"")
    let newline = UInt8(ascii: "\n")
    var kept: [UInt8] = []
    var records: [(line: Int, fields: Int)] = []
    var record: [UInt8] = []
    var (line, begin, fields) = (1, 1, 1)
    var (isQuoted, isFieldStart, wasQuoted) = (false, true, false)
    func endRecord() {
      if record.contains(where: { ![0x20, 0x09, 0x0D, 0x0A].contains($0) }) {
        kept += record
        records.append((begin, fields))
      }
      record = []
    }
    for byte in text.utf8 {
      record.append(byte)
      if byte == newline { line += 1 }
      if isQuoted {
        // A doubled mark closes and opens again.
        if byte == quote { (isQuoted, wasQuoted) = (false, true) }
        continue
      }
      switch byte {
      case quote where isFieldStart || wasQuoted && record.dropLast().last == quote:
        isQuoted = true
        isFieldStart = false
      case comma:
        fields += 1
        (isFieldStart, wasQuoted) = (true, false)
      case newline:
        endRecord()
        (begin, fields, isFieldStart, wasQuoted) = (line, 1, true, false)
      default:
        isFieldStart = false
      }
    }
    guard !isQuoted else {
      throw .malformedLine(
        path: file.path, line: begin, expected: "a quotation mark that closes the field",
        found: String(String(decoding: record, as: UTF8.self).prefix(60)))
    }
    endRecord()
    self.text = String(decoding: kept, as: UTF8.self)
    self.records = records
  }

  /// Refuses rows that do not have as many fields as the header.
  package func requireEqualLengths(file: URL) throws(FileError) {
    guard let header = records.first else { return }
    for record in records where record.fields != header.fields {
      throw .malformedLine(
        path: file.path, line: record.line, expected: "\(header.fields) fields as in the header",
        found: "\(record.fields); put quotation marks around texts with commas")
    }
  }
}
