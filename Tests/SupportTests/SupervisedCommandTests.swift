import Foundation
import TestSupport
import Testing

@testable import Support

@Suite struct SupervisedCommandTests {
  static func isAlive(_ process: Int32) -> Bool {
    // A zombie that nobody has waited for yet is dead.
    let state = try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)
    return state.map { !$0.contains(") Z") } ?? false
  }

  static func wait(seconds: Double = 5, until holds: () -> Bool) async throws -> Bool {
    for _ in 0..<Int(seconds * 50) {
      if holds() { return true }
      try await Task.sleep(for: .milliseconds(20))
    }
    return holds()
  }

  static func identifier(in file: URL) async throws -> Int32 {
    var text = ""
    _ = try await wait {
      text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
      return text.hasSuffix("\n")
    }
    return try #require(Int32(text.trimmingCharacters(in: .whitespacesAndNewlines)))
  }

  @Test(arguments: [("exit 7", 7), ("true", 0), ("kill -KILL $$", 137)] as [(String, Int32)])
  func theStatusIsTheCommands(command: String, status: Int32) async throws {
    let folder = try TemporaryFolder()
    let run = try SupervisedCommand(command, log: folder.url.appending(path: "log"))
    #expect(await run.exitStatus() == status)
    #expect(run.waitUntilExit() == status)
    #expect(!run.isRunning)
  }

  @Test func bothStreamsAreAppendedToTheLog() async throws {
    let folder = try TemporaryFolder()
    let log = folder.url.appending(path: "log")
    for word in ["one", "two"] {
      let run = try SupervisedCommand("echo \(word); echo \(word) >&2", log: log)
      #expect(await run.exitStatus() == 0)
    }
    #expect(try String(contentsOf: log, encoding: .utf8) == "one\none\ntwo\ntwo\n")
  }

  @Test func stoppingEndsWhatTheCommandStarted() async throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "pid")
    let run = try SupervisedCommand(
      "sleep 600 & echo $! > \(file.path); wait", log: folder.url.appending(path: "log"))
    let grandchild = try await Self.identifier(in: file)
    #expect(Self.isAlive(grandchild))
    await run.stop()
    #expect(!run.isRunning)
    #expect(try await Self.wait { !Self.isAlive(grandchild) })
  }

  @Test func oneThatWillNotEndIsEnded() async throws {
    let folder = try TemporaryFolder()
    let run = try SupervisedCommand(
      "trap '' TERM; while true; do sleep 1; done", log: folder.url.appending(path: "log"))
    try await Task.sleep(for: .milliseconds(200))
    await run.stop(graceSeconds: 0.3)
    #expect(await run.exitStatus() == 137)
  }

  @Test func aCommandDoesNotOutliveItsOwner() async throws {
    let folder = try TemporaryFolder()
    let file = folder.url.appending(path: "pid")
    var run: SupervisedCommand? = try SupervisedCommand(
      "sleep 600 & echo $! > \(file.path); wait", log: folder.url.appending(path: "log"))
    let grandchild = try await Self.identifier(in: file)
    let group = try #require(run?.groupIdentifier)
    #expect(Self.isAlive(grandchild) && Self.isAlive(group))
    run = nil
    #expect(try await Self.wait { !Self.isAlive(grandchild) && !Self.isAlive(group) })
  }

  @Test func valuesAreSingleWords() {
    let template = CommandTemplate("serve {model} {lora} --port {port} {unknown}")
    let command = template.filled([
      "model": ["it's here"], "lora": ["--lora", "a b", "--lora", "c"], "port": ["80"],
    ])
    #expect(command == "serve 'it'\\''s here' --lora 'a b' --lora c --port 80 {unknown}")
    #expect(template.has("lora") && !template.has("gguf"))
    // A value may look like another's place.
    #expect(
      template.filled(["model": ["a{port}"], "port": ["80"], "lora": []])
        == "serve 'a{port}'  --port 80 {unknown}")
  }

  @Test func aFreePortIsFree() throws {
    #expect(try #require(freePort()) > 1_023)
  }
}
