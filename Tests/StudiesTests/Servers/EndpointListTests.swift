import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// Lists of servers, as people and programs write them.
@Suite struct EndpointListTests {
  static func list(_ source: EndpointList.Source) -> EndpointList {
    EndpointList(source, interval: .seconds(1), patience: .seconds(1)) {
      try Endpoint($0, environment: [:])
    }
  }

  @Test func aFileHasAnAddressALine() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(
      "# servers\n\nhttp://a:1\r\n  http://b:2/v1  \nhttp://a:1\n#http://c:3\nhttps://[::1]:4",
      "list")
    #expect(try await Self.list(.file(file)).read().map(\.name) == ["a:1", "b:2", "[::1]:4"])
    try folder.write("", "list")
    #expect(try await Self.list(.file(file)).read() == [])
  }

  @Test(arguments: [
    ("http://a:1\nhttp:/", "line 2"), ("a:1", "line 1"), ("http://a:99999", "line 1"),
  ])
  func aLineThatIsNoAddressIsNamed(text: String, naming: String) async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write(text, "list")
    let fault = await #expect(throws: EndpointList.Fault.self) {
      try await Self.list(.file(file)).read()
    }
    #expect(fault?.description.contains(naming) == true)
    #expect(throws: EndpointList.Fault.self) { try Self.list(.file(file)).requireReadable() }
  }

  @Test func aFileThatIsNotThereIsAFault() async throws {
    let fault = await #expect(throws: EndpointList.Fault.self) {
      try await Self.list(.file(URL(filePath: "/nowhere/list"))).read()
    }
    #expect(fault?.description.contains("no such file") == true)
  }

  /// What is written bit by bit is read when it is whole.
  @Test func aFileThatIsBeingWrittenIsWaitedFor() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("http://a:1\n", "list")
    let list = Self.list(.file(file))
    let known = try await list.read()
    // An address that is cut is an address too.
    try folder.write("http://a:1\nhttp://b:80", "list")
    async let found = list.read(after: known)
    try await Task.sleep(for: .milliseconds(50))
    try folder.write("http://a:1\nhttp://b:8080\n", "list")
    #expect(try await found.map(\.name) == ["a:1", "b:8080"])
  }

  @Test func aCommandPrintsTheSame() async throws {
    let command = "printf 'http://%s:8000\\n' n1 n2; echo noise >&2 # as squeue does"
    let found = try await Self.list(.command(command)).read()
    #expect(found.map(\.name) == ["n1:8000", "n2:8000"])
    #expect(try await Self.list(.command("true")).read() == [])
  }

  @Test func aCommandThatFailsSaysWhy() async throws {
    let fault = await #expect(throws: EndpointList.Fault.self) {
      try await Self.list(.command("echo http://a:1; echo no controller >&2; exit 3")).read()
    }
    #expect(fault?.description.contains("found 3: no controller") == true, "\(fault!)")
    await #expect(throws: EndpointList.Fault.self) {
      try await Self.list(.command("echo 'error: nothing'")).read()
    }
  }

  /// The list before a broken one holds, and is said to, once.
  @Test func aBrokenRewriteChangesNothing() async throws {
    let study = try TinyStudy()
    let servers = try (0..<2).map { _ in
      try ScriptedModels(.llamaServer(adapters: ["attack", "lox-r3"])).serve()
    }
    defer { for server in servers { server.stop() } }
    let file = try study.folder.write(servers[0].url, "list")
    let steps = Steps()
    let source = RunningServers(
      replicas: Replicas(
        [],
        list: EndpointList(.file(file), interval: .milliseconds(20), patience: .seconds(20)) {
          try Endpoint($0, environment: [:])
        }), dialect: .auto, connection: quickConnection)
    try await source.withServers(of: study.models, events: steps.note) { ready in
      let before = try await ready.model.complete(TinyStudy.request(TinyStudy.stacks[1])).text
      try study.folder.write("http", "list")
      try await steps.wait { $0.contains("the list before it holds") }
      #expect(
        try await ready.model.complete(TinyStudy.request(TinyStudy.stacks[1])).text == before)
      try study.folder.write(servers[1].url, "list")
      try await steps.wait { $0.contains("\(servers[0].port) has left the list") }
      let asked = servers[0].requestCount
      #expect(
        try await ready.model.complete(TinyStudy.request(TinyStudy.stacks[1])).text == before)
      #expect(servers[0].requestCount == asked)
    }
    #expect(steps.all.count { $0.contains("the list before it holds") } == 1)
    // A list says who answers today, not what is measured.
    #expect(
      try String(
        contentsOf: study.models.run.appending(path: "replicas.jsonl"), encoding: .utf8
      ).split(separator: "\n").count == 3)
  }

  @Test func nobodyInAListEndsInTime() async throws {
    let study = try TinyStudy()
    let file = try study.folder.write("# none yet\n", "list")
    let source = RunningServers(
      replicas: Replicas(
        [],
        list: EndpointList(.file(file), interval: .milliseconds(20), patience: .milliseconds(50)) {
          try Endpoint($0, environment: [:])
        }), dialect: .auto, connection: quickConnection)
    let error = await #expect(throws: StudyError.self) {
      try await RunningServersTests.answers(source, study)
    }
    #expect(error?.description.contains("it is empty") == true, "\(error!)")
    guard case .stoppedInTime = error else {
      Issue.record("found \(String(describing: error))")
      return
    }
  }
}
