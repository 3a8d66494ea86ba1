import Foundation
import Synchronization
import TestSupport

@testable import Hub

/// A cache of its own, and what asks a hub for it.
final class HubFolder: Sendable {
  let folder: TemporaryFolder
  private let told = Mutex<[String]>([])

  init() throws { folder = try TemporaryFolder() }

  var cache: URL { folder.url.appending(path: "hub") }
  /// What was noted, in order.
  var notes: [String] { told.withLock { $0 } }

  func hub(
    _ endpoint: String, _ more: [String: String] = [:], waits: [Duration] = [.zero, .zero],
    free: Int? = nil
  ) throws -> Hub {
    let environment = [
      "HF_ENDPOINT": endpoint, "HF_HOME": folder.url.path,
    ].merging(more) { $1 }
    let freeBytes: @Sendable (URL) -> Int? = { free ?? CachedRepository.freeBytes(at: $0) }
    return Hub(
      try HubEnvironment(environment, home: folder.url.path), waits: waits, freeBytes: freeBytes,
      events: { event in
        if case .note(let text) = event { self.told.withLock { $0.append(text) } }
      })
  }

  func fetch(
    _ name: String, _ hub: LoopbackHub, _ kind: RepositoryKind = .model,
    _ more: [String: String] = [:], at commit: String? = nil
  ) throws -> Hub.Model {
    try fetch(name, hub.url, kind, more, at: commit)
  }

  func fetch(
    _ name: String, _ endpoint: String, _ kind: RepositoryKind = .model,
    _ more: [String: String] = [:], at commit: String? = nil
  ) throws -> Hub.Model {
    let hub = try hub(endpoint, more)
    defer { hub.close() }
    return try hub.model(RepositoryReference(name)!, kind, at: commit)
  }

  /// Every file and link below the cache, but locks.
  var tree: Set<String> {
    let paths = (try? FileManager.default.subpathsOfDirectory(atPath: cache.path)) ?? []
    return Set(
      paths.filter { path in
        guard !path.hasPrefix(".locks") else { return false }
        let attributes = try? FileManager.default.attributesOfItem(
          atPath: cache.appending(path: path).path)
        return attributes?[.type] as? FileAttributeType != .typeDirectory
      })
  }

  func link(_ path: String) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(atPath: cache.appending(path: path).path)
  }

  /// Bytes that compress badly and differ by seed.
  static func bytes(_ count: Int, seed: UInt8 = 1) -> Data {
    var state = UInt32(seed) &* 2_654_435_761 | 1
    return Data(
      (0..<count).map { _ in
        state = state &* 1_664_525 &+ 1_013_904_223
        return UInt8(truncatingIfNeeded: state >> 24)
      })
  }

  /// What a model's repository may hold, wanted and not.
  static let files: [String: Data] = [
    "config.json": Data("{}".utf8), "generation_config.json": Data("{\"a\":1}".utf8),
    "tokenizer.json": Data("{\"t\":1}".utf8), "tokenizer_config.json": Data("{\"c\":1}".utf8),
    "additional_chat_templates/tool.jinja": Data("x".utf8), "vocab.json": Data("{}".utf8),
    "model.safetensors": bytes(300_000), "pytorch_model.bin": bytes(1_000),
    "original/consolidated.safetensors": bytes(2_000), "consolidated.safetensors": bytes(2_000),
    "README.md": Data("# Model".utf8), ".gitattributes": Data("x".utf8),
    "onnx/model.onnx": bytes(10), "empty/merges.txt": Data(),
  ]
}
