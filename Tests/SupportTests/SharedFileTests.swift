import Foundation
import TestSupport
import Testing

@testable import Support

/// Files that many processes use, and files of any size.
@Suite struct SharedFileTests {
  private static func lines(_ data: Data) throws -> (lines: [(Int, String)], whole: Int) {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "lines")
    try data.write(to: file)
    var lines: [(Int, String)] = []
    let whole = try StreamedLines.read(file) { place, bytes in
      lines.append((place.number, String(decoding: bytes, as: UTF8.self)))
    }
    return (lines, whole)
  }

  @Test(arguments: [
    ("", [], 0), ("a", [], 0), ("a\n", ["1 a"], 2), ("a\n\n \nb\nc", ["1 a", "4 b"], 7),
    ("\u{FEFF}a\nb\n", ["1 a", "2 b"], 7), ("\u{FEFF}", [], 0), ("\n\n", [], 2),
  ])
  func linesAreRead(text: String, expected: [String], whole: Int) throws {
    let read = try Self.lines(Data(text.utf8))
    #expect(read.lines.map { "\($0.0) \($0.1)" } == expected)
    #expect(read.whole == whole)
  }

  /// Lines that begin in one piece of the file and end in another.
  @Test(arguments: [1_048_570, 1_048_576, 1_048_577, 3_000_000])
  func linesMayBeLongerThanAPiece(count: Int) throws {
    let long = String(repeating: "x", count: count)
    let read = try Self.lines(Data("first\n\(long)\nlast\nrest".utf8))
    #expect(read.lines.map(\.1) == ["first", long, "last"])
    #expect(read.whole == count + 12)
  }

  @Test func whatIsNoFileIsRefused() throws {
    let folder = try TemporaryFolder()
    #expect(throws: RegularFile.Fault.self) { try StreamedLines.read(folder.url) { _, _ in } }
    let error = #expect(throws: RegularFile.Fault.self) {
      try StreamedLines.read(folder.url.appending(path: "none")) { _, _ in }
    }
    #expect(error?.isMissing == true)
  }

  /// Of many that create one file one does, and the others see it whole.
  @Test func oneOfManyCreatesAFile() async throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "file")
    let makers = try await withThrowingTaskGroup(of: Bool.self) { group in
      for index in 0..<20 {
        group.addTask {
          let isFirst = try AtomicFile.create(
            Data(repeating: UInt8(index), count: 100_000), at: file)
          let data = try Data(contentsOf: file)
          #expect(data.count == 100_000 && Set(data).count == 1)
          return isFirst
        }
      }
      return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
    }
    #expect(makers == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path) == ["file"])
  }

  @Test func aLockSaysWhoHoldsIt() throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "file")
    #expect(!FileLock.isHeld(of: file))
    do {
      let lock = try FileLock(of: file, holder: "somebody")
      #expect(FileLock.isHeld(of: file) && FileLock.holder(of: file) == "somebody")
      #expect(throws: FolderLock.Failure.self) { _ = try FileLock(of: file, attempts: 2) }
      withExtendedLifetime(lock) {}
    }
    #expect(!FileLock.isHeld(of: file))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    // As a process leaves it that was killed: a name that locks nothing.
    try folder.write("nobody\n", "file.lock")
    #expect(!FileLock.isHeld(of: file))
    _ = try FileLock(of: file)
  }

  @Test func shardsShareAFolder() throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    do {
      let first = try FolderLock(path, isShared: true)
      let second = try FolderLock(path, isShared: true)
      #expect(throws: FolderLock.Failure.self) { _ = try FolderLock(path) }
      withExtendedLifetime((first, second)) {}
    }
    let whole = try FolderLock(path)
    #expect(FolderLock.isHeld(path))
    #expect(throws: FolderLock.Failure.self) { _ = try FolderLock(path, isShared: true) }
    withExtendedLifetime(whole) {}
  }
}
