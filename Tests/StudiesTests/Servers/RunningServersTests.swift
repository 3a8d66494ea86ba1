import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// A study's models at servers that run already, in each dialect.
@Suite struct RunningServersTests {
  static func source(
    _ servers: [ScriptedHTTPServer], dialect: DialectChoice = .auto
  ) throws -> RunningServers {
    RunningServers(
      replicas: Replicas(try servers.map { try Endpoint($0.url, environment: [:]) }),
      dialect: dialect,
      connection: quickConnection)
  }

  /// Asks each model of the study and returns what it says, with the servers' description.
  static func answers(
    _ source: any ServerSource, _ study: TinyStudy
  ) async throws -> (texts: [String], description: String) {
    try await source.withServers(of: study.models, events: ignoreEvents) { servers in
      var texts: [String] = []
      for stack in TinyStudy.stacks {
        texts.append(try await servers.model.complete(TinyStudy.request(stack)).text)
      }
      return (texts, servers.description)
    }
  }

  @Test func aServerWithTheAdaptersIsRecognisedAndAskedByTheirScales() async throws {
    let study = try TinyStudy()
    let server = try ScriptedModels(.llamaServer(adapters: ["attack", "lox-r3"])).serve()
    defer { server.stop() }
    let (texts, description) = try await Self.answers(try Self.source([server]), study)
    #expect(Set(texts).count == 3)
    #expect(description == "llama-server b1-test base")
    let files = try FileManager.default.contentsOfDirectory(
      atPath: study.folder.url.appending(path: "run/adapters").path)
    #expect(Set(files) == ["attack.gguf", "lox-r3.gguf"])
  }

  @Test func aMissingAdapterIsNamedWithTheFileThatWasWrittenForIt() async throws {
    let study = try TinyStudy()
    let server = try ScriptedModels(.llamaServer(adapters: ["lox-r3"])).serve()
    defer { server.stop() }
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.answers(try Self.source([server]), study)
    }
    #expect(failure?.code == "adapter-missing")
    #expect(failure?.message.contains("run/adapters/attack.gguf") == true)
  }

  /// One whose adapters stand in other places would be asked for other models.
  @Test func aReplicaWithTheAdaptersInOtherPlacesIsPutAside() async throws {
    let study = try TinyStudy()
    let servers = try [["attack", "lox-r3"], ["lox-r3", "attack"]].map {
      try ScriptedModels(.llamaServer(adapters: $0)).serve()
    }
    defer { for server in servers { server.stop() } }
    let (texts, _) = try await Self.answers(try Self.source(servers), study)
    #expect(Set(texts).count == 3)
    let record = try String(
      contentsOf: study.models.run.appending(path: "replicas.jsonl"), encoding: .utf8)
    let lines = record.split(separator: "\n")
    #expect(lines.count == 2)
    #expect(lines[0].contains("\"joined\"") && lines[0].contains(":\(servers[0].port)\""))
    #expect(lines[1].contains("\"aside\"") && lines[1].contains(":\(servers[1].port)\""))
    #expect(lines[1].contains("expected the server to serve the adapters"))
  }

  @Test func adaptersThatAServerLoadsAreGoneAfterwards() async throws {
    let study = try TinyStudy()
    let models = ScriptedModels(.vLLM)
    let server = try models.serve()
    defer { server.stop() }
    let (texts, description) = try await Self.answers(try Self.source([server]), study)
    #expect(Set(texts).count == 3)
    #expect(description == "vllm 0.9-test base")
    #expect(models.adapters.isEmpty)
    let files = try FileManager.default.contentsOfDirectory(
      atPath: study.folder.url.appending(path: "run/adapters").path)
    #expect(files.isEmpty)
  }

  /// Whatever ends the work, the servers are left as they were.
  @Test func adaptersAreGoneAfterAFailureToo() async throws {
    struct Stop: Error {}
    let study = try TinyStudy()
    let models = ScriptedModels(.vLLM)
    let server = try models.serve()
    defer { server.stop() }
    await #expect(throws: Stop.self) {
      try await Self.source([server]).withServers(of: study.models, events: ignoreEvents) {
        servers in
        _ = try await servers.model.complete(TinyStudy.request(TinyStudy.stacks[1]))
        #expect(models.adapters.count == 1)
        #expect(models.adapters[0].wholeMatch(of: /loxeval-r3-a1-none-[0-9a-f]{12}/) != nil)
        throw Stop()
      }
    }
    #expect(models.adapters.isEmpty)
  }

  @Test func updatesThatAServerCannotApplyAreRefusedBeforeAnythingIsAsked() async throws {
    let study = try TinyStudy(hasEmbedding: true)
    for kind in [ScriptedModels.Kind.vLLM, .llamaServer(adapters: ["lox-r3", "attack"])] {
      let server = try ScriptedModels(kind).serve()
      defer { server.stop() }
      let error = await #expect(throws: StudyError.self) {
        try await Self.answers(try Self.source([server]), study)
      }
      #expect(error?.description.contains("model.embed_tokens.weight") == true)
      #expect(error?.description.contains("--targets linear") == true)
    }
  }

  @Test func aServerThatTakesNoUpdatesServesItsModelOnly() async throws {
    let study = try TinyStudy()
    let server = try ScriptedModels(.plain(models: ["m"])).serve()
    defer { server.stop() }
    let source = try Self.source([server])
    try await source.withServers(of: study.models, events: ignoreEvents) { servers in
      #expect(servers.description == "plain m")
      _ = try await servers.model.complete(TinyStudy.request([]))
      let failure = await #expect(throws: ChatFailure.self) {
        try await servers.model.complete(TinyStudy.request(TinyStudy.stacks[1]))
      }
      #expect(failure?.code == "variant-unsupported")
    }
  }

  /// What a model answered is kept in the run, and another one behind the address is noticed there.
  @Test func anotherModelInALaterSessionIsNoticed() async throws {
    let study = try TinyStudy()
    let first = try ScriptedModels(.llamaServer(adapters: ["attack", "lox-r3"])).serve()
    defer { first.stop() }
    let before = try await Self.answers(try Self.source([first]), study).texts
    #expect(try await Self.answers(try Self.source([first]), study).texts == before)
    let second = try ScriptedModels(.llamaServer(adapters: ["attack", "lox-r3"])) { request in
      let (text, logprob) = ScriptedModels.honest(request)
      return (text, logprob - 0.5)
    }.serve()
    defer { second.stop() }
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.answers(try Self.source([second]), study)
    }
    #expect(failure?.code == "identity-changed")
  }

  @Test func aServerThatIgnoresItsAdaptersIsCaught() async throws {
    let study = try TinyStudy()
    let server = try ScriptedModels(.llamaServer(adapters: ["attack", "lox-r3"])) { _ in
      ("always this", -0.5)
    }.serve()
    defer { server.stop() }
    let failure = await #expect(throws: ChatFailure.self) {
      try await Self.answers(try Self.source([server]), study)
    }
    #expect(failure?.code == "identity-doubtful")
  }
}
