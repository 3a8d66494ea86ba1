import Foundation
import PromptSets

@testable import Support

/// A table: its rows are found, and found again where each field is quoted; as a file it is a
/// prompt set with different ids, or refused.
struct PromptSetTarget: FuzzTarget {
  static let name = "csv"

  private let scratch = ScratchFolder()

  func run(_ bytes: [UInt8]) {
    let file = scratch.write(bytes, to: "prompts.csv")
    if let text = String(validating: bytes, as: UTF8.self) {
      do throws(FileError) {
        let table = try CSVTable(text, file: file)
        let written = table.rows.map { row in
          row.fields.map { "\"\($0.replacing("\"", with: "\"\""))\"" }.joined(separator: ",")
        }
        let again = try CSVTable(written.joined(separator: "\n"), file: file)
        check(again.rows.map(\.fields) == table.rows.map(\.fields), "rows are found again")
        try table.requireEqualLengths(file: file)
      } catch {
        _ = error.description
      }
    }
    do throws(FileError) {
      let set = try PromptSetLoader.load(file)
      check(!set.prompts.isEmpty, "a set has prompts")
      check(Set(set.prompts.map(\.id)).count == set.prompts.count, "ids differ")
    } catch {
      _ = error.description
    }
  }
}
