import Foundation
import PromptSets

@testable import Support

/// A table: its records are found, and found again in the text that is left of them; as a file it is a
/// prompt set with different ids, or refused.
struct PromptSetTarget: FuzzTarget {
  static let name = "csv"

  private let scratch = ScratchFolder()

  func run(_ bytes: [UInt8]) {
    let file = scratch.write(bytes, to: "prompts.csv")
    if let text = String(validating: bytes, as: UTF8.self) {
      do throws(FileError) {
        let records = try CSVRecords(text, file: file)
        let again = try CSVRecords(records.text, file: file)
        check(again.text == records.text, "the records' text holds nothing but records")
        check(
          again.records.map(\.fields) == records.records.map(\.fields), "records are found again")
        try records.requireEqualLengths(file: file)
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
