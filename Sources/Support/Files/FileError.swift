/// What can be wrong with a file of text or records; every case names the file.
package enum FileError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  /// No record of the kind that was expected.
  case empty(path: String, expected: String)
  /// Neither of the forms that its reader knows.
  case unrecognised(path: String, expected: String, found: String)
  /// `line` counts from 1.
  case malformedLine(path: String, line: Int, expected: String, found: String)
  /// Of a list; `entry` counts from 1.
  case malformedEntry(path: String, entry: Int, expected: String, found: String)
  case duplicateID(path: String, id: String, line: Int)
  case missingColumn(path: String, column: String, found: [String])

  package var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .empty(let path, let expected):
      "\(path): expected at least one \(expected), found none"
    case .unrecognised(let path, let expected, let found):
      "\(path): expected \(expected); found \(found)"
    case .malformedLine(let path, let line, let expected, let found):
      "\(path), line \(line): expected \(expected), found \(found)"
    case .malformedEntry(let path, let entry, let expected, let found):
      "\(path), entry \(entry): expected \(expected), found \(found)"
    case .duplicateID(let path, let id, let line):
      "\(path), line \(line): expected ids to be unique, found \(id) again"
    case .missingColumn(let path, let column, let found):
      "\(path): expected a column \(column), found \(found.joined(separator: ", "))"
    }
  }
}
