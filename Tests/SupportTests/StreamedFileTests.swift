import Foundation
import Support
import TestSupport
import Testing

@Suite struct StreamedFileTests {
  @Test func aFileIsThereWhenItIsWhole() throws {
    let folder = try TemporaryFolder()
    let place = try folder.write("old", "a/file.txt")
    let piece = String(repeating: "x", count: 700_000) + "\n"
    do {
      let unfinished = try StreamedFile(place)
      try unfinished.append(piece)
      try unfinished.append(piece)
    }
    #expect(try String(contentsOf: place, encoding: .utf8) == "old")
    let file = try StreamedFile(place)
    for _ in 0..<3 { try file.append(piece) }
    #expect(try String(contentsOf: place, encoding: .utf8) == "old")
    try file.finish()
    #expect(try String(contentsOf: place, encoding: .utf8) == piece + piece + piece)
    let names = try FileManager.default.contentsOfDirectory(
      atPath: folder.url.appending(path: "a").path)
    #expect(names == ["file.txt"])
  }

  @Test func aPlaceThatCannotBeWrittenIsNamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", "file")
    let error = #expect(throws: FileError.self) {
      _ = try StreamedFile(file.appending(path: "inner.csv"))
    }
    #expect(error.map { "\($0)" }?.contains("file") == true)
  }
}
