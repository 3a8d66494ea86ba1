import Foundation
import Support
import TestSupport
import Testing

/// Files that are written piece by piece.
@Suite struct AtomicFileTests {
  private struct Stop: Error {}

  @Test func aFileIsThereWhenItIsWhole() throws {
    let folder = try TemporaryFolder()
    let place = try folder.write("old", "a/file.txt")
    let piece = String(repeating: "x", count: 700_000) + "\n"
    func names() throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.url.appending(path: "a").path)
    }
    #expect(throws: Stop.self) {
      try AtomicFile.write(to: place) { file in
        try file.write(piece)
        try file.write(piece)
        throw Stop()
      }
    }
    #expect(try String(contentsOf: place, encoding: .utf8) == "old")
    #expect(try names() == ["file.txt"])
    try AtomicFile.write(to: place) { file in
      for _ in 0..<3 { try file.write(piece) }
      #expect(try String(contentsOf: place, encoding: .utf8) == "old")
    }
    #expect(try String(contentsOf: place, encoding: .utf8) == piece + piece + piece)
    #expect(try names() == ["file.txt"])
  }

  @Test func aPlaceThatCannotBeWrittenIsNamed() throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("x", "file")
    let error = #expect(throws: FileError.self) {
      try AtomicFile.write(to: file.appending(path: "inner.csv")) { try $0.write("x") }
    }
    #expect(error.map { "\($0)" }?.contains("file") == true)
  }

  @Test func failuresOfTheSystemAreInItsWords() throws {
    let full = NSError(domain: NSPOSIXErrorDomain, code: Int(EFBIG))
    let error = NSError(
      domain: NSCocoaErrorDomain, code: 512, userInfo: [NSUnderlyingErrorKey: full])
    let reason = unsafe String(cString: strerror(EFBIG))
    #expect(error.writingReason == reason)
    #expect(NSError(domain: NSCocoaErrorDomain, code: 4).systemCode == nil)
  }
}
