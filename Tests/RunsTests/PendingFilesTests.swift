import Foundation
import Support
import TestSupport
import Testing

@testable import Runs

/// Several files are replaced together, whenever the process is killed.
@Suite struct PendingFilesTests {
  private static func read(_ name: String, _ folder: URL) throws -> String {
    try String(contentsOf: PendingFiles.place(of: name, in: folder), encoding: .utf8)
  }

  @Test func filesAreReplacedTogether() throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] { try folder.write("old", name) }
    // Killed while they were written.
    try folder.write("new", "pending.partial/a")
    #expect(try Self.read("a", folder.url) == "old" && Self.read("b", folder.url) == "old")
    try PendingFiles.settle(folder.url)
    #expect(try Self.read("a", folder.url) == "old")

    let write = { (file: URL) in try AtomicFile.write(Data("new".utf8), to: file) }
    try PendingFiles.replace(["a": write, "b": write], in: folder.url)
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: folder.url.path).sorted() == ["a", "b"])
    #expect(try Self.read("a", folder.url) == "new" && Self.read("b", folder.url) == "new")
  }

  /// Killed after the moment from which they count: before the first move, and between two.
  @Test(arguments: [["a", "b"], ["b"]]) func aReaderSeesAllOfThem(left: [String]) throws {
    let folder = try TemporaryFolder()
    for name in ["a", "b"] { try folder.write(left.contains(name) ? "old" : "new", name) }
    for name in left { try folder.write("new", "pending/\(name)") }
    #expect(try Self.read("a", folder.url) == "new" && Self.read("b", folder.url) == "new")
    try PendingFiles.settle(folder.url)
    for name in ["a", "b"] {
      #expect(
        try String(contentsOf: folder.url.appending(path: name), encoding: .utf8) == "new")
    }
    #expect(
      !FileManager.default.fileExists(atPath: folder.url.appending(path: "pending").path))
  }
}
