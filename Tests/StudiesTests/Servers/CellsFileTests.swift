import Checkpoints
import Foundation
import ModelAccess
import Support
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// The file that says which server has which model.
@Suite struct CellsFileTests {
  static func write(_ text: String, _ folder: TemporaryFolder) throws -> URL {
    try folder.write(text, "cells.json")
  }

  static let variants = [
    ModelsToServe.Variant(id: "a", stack: []),
    ModelsToServe.Variant(id: "b", stack: [ScaledUpdate(name: "lox", scale: 1)]),
  ]

  @Test func oneAddressOrSeveral() throws {
    let folder = try TemporaryFolder()
    let file = try Self.write(
      """
      {"a": {"endpoint": "http://h:1"},
       "b": {"endpoint": ["http://h:2", "http://h:1"], "model": "lox1", "start": "by hand"}}
      """, folder)
    let cells = try CellsFile(reading: file)
    #expect(cells.endpoints.map(\.name) == ["h:1", "h:2"])
    let routes = try cells.routes(for: Self.variants, file: file)
    #expect(routes[[]] == .init(endpoints: [0], model: nil))
    #expect(routes[Self.variants[1].stack] == .init(endpoints: [1, 0], model: "lox1"))
  }

  @Test(arguments: [
    ("", "expected a JSON object"), ("[]", "expected a JSON object"),
    ("{}", "expected entries, found none"),
    ("{\"a\": {\"endpoint\": []}}", "expected an endpoint for a, found none"),
    ("{\"a\": {\"endpoint\": 5}}", "expected a JSON object"),
    ("{\"a\": {\"endpoint\": \"http://h:1\"}}", "expected an entry for b, found a"),
    (
      "{\"a\": {\"endpoint\": \"http://h:1\"}, \"b\": {\"endpoint\": \"http://h:1\"}}",
      "found one for both a and b"
    ),
  ])
  func whatIsWrongIsSaid(text: String, naming: String) throws {
    let folder = try TemporaryFolder()
    let file = try Self.write(text, folder)
    let error = #expect(throws: StudyError.self) {
      _ = try CellsFile(reading: file).routes(for: Self.variants, file: file)
    }
    #expect(error?.description.contains(naming) == true, "\(error!)")
    #expect(error?.description.hasPrefix(file.path) == true)
  }

  @Test func exportedModelsAreTheStudysAndTheFileIsReadAgain() throws {
    let study = try TinyStudy()
    let place = study.folder.url.appending(path: "models")
    var progress: [Int] = []
    let file = try CellsFile.export(
      study.models, to: place, serve: CommandTemplate("serve {model} --port {port}")
    ) { done, _ in progress.append(done) }
    #expect(progress == [0, 1, 2, 3])
    let cells = try CellsFile(reading: file)
    #expect(cells.endpoints.map(\.name) == (8_001...8_003).map { "127.0.0.1:\($0)" })
    let routes = try cells.routes(for: study.models.variants, file: file)
    #expect(routes.count == 3)
    #expect(
      routes[TinyStudy.stacks[1]]?.model == place.appending(path: "r3-a1-none").path)
    let text = try String(contentsOf: file, encoding: .utf8)
    #expect(text.contains("serve \(place.appending(path: "a0-none").path) --port 8001"))
    // The bare model's weights are the study's own, the others' are not.
    let digests = try study.models.variants.map {
      try Checkpoint(folder: place.appending(path: $0.id)).digest()
    }
    #expect(digests[0] == study.models.checkpoint.digest())
    #expect(Set(digests).count == 3)
  }

  // MARK: - Servers

  @Test func eachModelIsAskedAtItsPlace() async throws {
    let study = try TinyStudy()
    let servers = try (0..<3).map { number in
      try ScriptedModels(.plain(models: ["m\(number)", "other"])) { _ in
        ("answer \(number)", -Double(number + 1) / 10)
      }.serve()
    }
    defer { for server in servers { server.stop() } }
    let entries = zip(study.models.variants, servers).enumerated().map { index, entry in
      "\"\(entry.0.id)\": {\"endpoint\": \"\(entry.1.url)\", \"model\": \"m\(index)\"}"
    }
    let file = try Self.write("{\(entries.joined(separator: ", "))}", study.folder)
    let source = ListedServers(file: file, connection: quickConnection)
    let (texts, description) = try await RunningServersTests.answers(source, study)
    #expect(texts == ["answer 0", "answer 1", "answer 2"])
    #expect(description == "plain")
  }

  @Test func aModelThatItsServerDoesNotListIsAnErrorAtOnce() async throws {
    let study = try TinyStudy()
    let server = try ScriptedModels(.plain(models: ["m0", "m1"])).serve()
    defer { server.stop() }
    let entries = study.models.variants.enumerated().map { index, variant in
      "\"\(variant.id)\": {\"endpoint\": \"\(server.url)\", \"model\": \"m\(index)\"}"
    }
    let file = try Self.write("{\(entries.joined(separator: ", "))}", study.folder)
    let error = await #expect(throws: StudyError.self) {
      try await RunningServersTests.answers(
        ListedServers(file: file, connection: quickConnection), study)
    }
    #expect(error == .servedModelDiffers(expected: "m2", found: ["m0", "m1"]))
  }

  /// One model at two addresses would be measured as two.
  @Test func oneModelAtTwoPlacesIsCaughtByItsAnswers() async throws {
    let study = try TinyStudy()
    let servers = try (0..<3).map { _ in
      try ScriptedModels(.plain(models: ["m"])) { _ in ("the same", -0.5) }.serve()
    }
    defer { for server in servers { server.stop() } }
    let entries = zip(study.models.variants, servers).map {
      "\"\($0.id)\": {\"endpoint\": \"\($1.url)\"}"
    }
    let file = try Self.write("{\(entries.joined(separator: ", "))}", study.folder)
    let failure = await #expect(throws: ChatFailure.self) {
      try await RunningServersTests.answers(
        ListedServers(file: file, connection: quickConnection), study)
    }
    #expect(failure?.code == "identity-doubtful")
  }
}
