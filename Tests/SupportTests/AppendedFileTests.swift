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
