import Foundation
import TestSupport
import Testing

@testable import ModelAccess
@testable import Studies

@Suite struct ResponseCacheTests {
  static let request = ChatRequest(
    messages: [ChatMessage(role: .user, content: "prompt 1")], decoding: Decoding(maxTokens: 8),
    variant: [ScaledUpdate(name: "lox", scale: 1)])

  static func cached(
    _ model: ScriptedModel, _ folder: TemporaryFolder, server: String = "embedded 1",
    weights: String = "sha256:1", digest: String = "sha256:2", identity: String = ""
  ) -> CachedModel {
    CachedModel(
      model: model, cache: ResponseCache(folder: folder.url), server: server, weights: weights,
      digests: ["lox": digest], identity: { _ in identity })
  }

  @Test func equalRequestsToEqualModelsAreAskedOnce() async throws {
    let folder = try TemporaryFolder()
    let model = ScriptedModel()
    let first = try await Self.cached(model, folder).complete(Self.request)
    // Another process, later.
    #expect(try await Self.cached(model, folder).complete(Self.request) == first)
    #expect(model.requests.count == 1)
  }

  @Test func anotherModelsAnswerIsNeverServed() async throws {
    let folder = try TemporaryFolder()
    let model = ScriptedModel()
    _ = try await Self.cached(model, folder).complete(Self.request)
    var others: [(CachedModel, ChatRequest)] = [
      (Self.cached(model, folder, server: "embedded 2"), Self.request),
      (Self.cached(model, folder, weights: "sha256:9"), Self.request),
      (Self.cached(model, folder, digest: "sha256:9"), Self.request),
      (Self.cached(model, folder, identity: "[-0.5]"), Self.request),
    ]
    for change in [
      { $0.variant[0].scale = 1.25 }, { $0.variant = [] }, { $0.decoding.seed = 1 },
      { $0.decoding.temperature = 0.5 }, { $0.decoding.topP = 0.9 },
      { $0.decoding.maxTokens = 9 }, { $0.decoding.stop = ["x"] },
      { $0.messages[0].content += " " },
      { $0.messages.insert(ChatMessage(role: .system, content: "s"), at: 0) },
      { $0.messages[0].role = .assistant },
    ] as [(inout ChatRequest) -> Void] {
      var request = Self.request
      change(&request)
      others.append((Self.cached(model, folder), request))
    }
    for (index, other) in others.enumerated() {
      _ = try await other.0.complete(other.1)
      #expect(model.requests.count == index + 2)
    }
  }

  @Test func aFileThatIsNotItsKeysIsNotServed() async throws {
    let folder = try TemporaryFolder()
    let model = ScriptedModel()
    _ = try await Self.cached(model, folder).complete(Self.request)
    let files = try FileManager.default.subpathsOfDirectory(atPath: folder.url.path)
    let file = folder.url.appending(path: try #require(files.first { $0.hasSuffix(".json") }))
    let text = try String(contentsOf: file, encoding: .utf8)
    for damage in [text.replacing("prompt 1", with: "prompt 2"), String(text.prefix(80)), ""] {
      try damage.write(to: file, atomically: true, encoding: .utf8)
      let count = model.requests.count
      _ = try await Self.cached(model, folder).complete(Self.request)
      #expect(model.requests.count == count + 1)
    }
  }

  @Test func failuresAreNotKept() async throws {
    let folder = try TemporaryFolder()
    let broken = ScriptedModel { _ in
      ChatFailure(
        code: "timeout", message: "", attempts: 1, latencyMilliseconds: 0, isFatal: false)
    }
    await #expect(throws: ChatFailure.self) {
      try await Self.cached(broken, folder).complete(Self.request)
    }
    let model = ScriptedModel()
    _ = try await Self.cached(model, folder).complete(Self.request)
    #expect(model.requests.count == 1)
  }

  /// Many runs may keep the same reply at the same time; each reads a whole one.
  @Test func runsShareAFolder() async throws {
    let folder = try TemporaryFolder()
    let model = ScriptedModel()
    let texts = await withTaskGroup(of: String?.self) { group in
      for number in 0..<64 {
        group.addTask {
          var request = Self.request
          request.messages[0].content = "prompt \(number % 4)"
          return try? await Self.cached(model, folder).complete(request).text
        }
      }
      return await group.reduce(into: Set<String?>()) { $0.insert($1) }
    }
    #expect(texts.count == 4 && !texts.contains(nil))
    let asked = model.requests.count
    _ = try await Self.cached(model, folder).complete(Self.request)
    #expect(model.requests.count == asked)
  }

  /// A reply that cannot be kept would be asked again by a run that was promised it is not.
  @Test func aFolderThatCannotBeWrittenStopsTheRun() async throws {
    let folder = try TemporaryFolder()
    let file = try folder.write("no folder", "cache")
    let cached = CachedModel(
      model: ScriptedModel(), cache: ResponseCache(folder: file), server: "s", weights: "w",
      digests: [:], identity: { _ in "" })
    let failure = await #expect(throws: ChatFailure.self) {
      try await cached.complete(Self.request)
    }
    #expect(failure?.code == "cache-unwritable")
    #expect(failure?.isFatal == true)
  }

  @Test func announcementsReachTheModel() async throws {
    let folder = try TemporaryFolder()
    let model = ScriptedModel()
    await Self.cached(model, folder).anticipate(Self.request.variant)
    #expect(model.anticipated == [Self.request.variant])
  }

  @Test(
    arguments: [
      ("5", 5, 1_000, false), ("5", 6, 6, true), ("0", 1, 1, true), ("10%", 2, 19, false),
      ("10%", 2, 20, false), ("10%", 3, 20, true), ("0%", 1, 25, true),
    ] as [(String, Int, Int, Bool)])
  func errorLimits(text: String, errors: Int, asked: Int, isPassed: Bool) throws {
    let limit = try #require(ErrorLimit(parsing: text))
    #expect(limit.isPassed(errors: errors, asked: asked) == isPassed)
  }

  @Test(arguments: ["", "-1", "x", "101%", "5 %x", "1.5"]) func badErrorLimits(text: String) {
    #expect(ErrorLimit(parsing: text) == nil)
  }
}
