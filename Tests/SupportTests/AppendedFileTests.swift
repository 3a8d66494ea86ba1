import Foundation
import Synchronization
import TestSupport
import Testing

@testable import Support

@Suite struct AppendedFileTests {
  @Test func linesAreAddedBehindWhatIsWhole() throws {
    let folder = try TemporaryFolder()
    let url = try folder.write("one\nto", "file")
    let file = try AppendedFile(url)
    try file.cut(to: 4)
    try file.append(Data("two".utf8))
    try file.append(Data())
    #expect(try String(contentsOf: url, encoding: .utf8) == "one\ntwo\n\n")
    #expect(throws: FileError.self) { try AppendedFile(folder.url) }
  }

  /// The system takes a part of a line where the room runs out, and says why when it gets the rest.
  @Test func aLineThatFitsInPartSaysWhatTheSystemSays() throws {
    let folder = try TemporaryFolder()
    let url = folder.url.appending(path: "pipe")
    try #require(unsafe mkfifo(url.path, 0o600) == 0)
    let pipe = try AppendedFile(url)
    let error = #expect(throws: FileError.self) { try pipe.append(Data(count: 10_000_000)) }
    let reason = unsafe String(cString: strerror(EAGAIN))
    #expect(error == .unwritable(path: url.path, reason: reason))
  }

  @Test func workIsBoundedAndWhole() async throws {
    let state = Mutex((now: 0, most: 0))
    var done: [Int] = []
    try await workConcurrently(on: Array(0..<50), atMost: 3) { element in
      state.withLock { state in
        state.now += 1
        state.most = max(state.most, state.now)
      }
      await Task.yield()
      state.withLock { $0.now -= 1 }
      return element * 2
    } done: { element, value in
      #expect(value == element * 2)
      done.append(element)
    }
    #expect(done.sorted() == Array(0..<50))
    #expect(state.withLock { $0.most } <= 3)
  }

  @Test func whatIsThrownEndsIt() async {
    struct Enough: Error {}
    let begun = Mutex(0)
    await #expect(throws: Enough.self) {
      try await workConcurrently(on: Array(0..<1_000), atMost: 2) { _ in
        begun.withLock { $0 += 1 }
      } done: { element, _ in
        if element == 3 { throw Enough() }
      }
    }
    #expect(begun.withLock { $0 } < 1_000)
  }
}
