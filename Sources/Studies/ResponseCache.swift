package import Foundation
import Inference
import ModelAccess
import Runs
import Support

/// Replies kept across runs, by everything that can change them.
///
/// A reply stands in a file that is named by the digest of its key and holds the key as well: one that
/// does not match to the byte is never served. Replies of external servers whose weights nobody knows
/// are kept by what the model answered to the identity probe.
package struct ResponseCache: Sendable {
  /// What can change a reply.
  struct Key: Codable, Hashable {
    /// The server and its build.
    var server: String
    /// Digest of the checkpoint.
    var weights: String
    /// Digests and scales of the updates, in order.
    var updates: [Update]
    /// What the served model answered to the identity probe, where its weights are not this process's.
    var identity: String
    /// The whole request; each of a prompt's samples has a seed of its own.
    var messages: [ChatMessage]
    var decoding: Decoding

    struct Update: Codable, Hashable {
      var digest: String
      var scale: Double
    }
  }

  private struct Entry: Codable {
    var key: Key
    var reply: Reply
  }

  private struct Reply: Codable {
    var text: String
    var reasoning: String?
    var refusal: String?
    var finishReason: String?
    var latencyMilliseconds: Double
    var attempts: Int
    var promptTokens: Int?
    var completionTokens: Int?
  }

  private let folder: URL

  /// - Parameter folder: created where there is none; may be shared by runs and processes.
  package init(folder: URL) { self.folder = folder }

  private func file(_ data: Data) -> URL {
    let name = Digest.sha256(data).dropFirst("sha256:".count)
    return folder.appending(path: "\(name.prefix(2))/\(name).json")
  }

  func reply(for key: Key) -> ChatReply? {
    guard let data = try? StableJSON.encodePretty(key),
      let stored = try? InputFile(file(data), .settings).body,
      let entry = try? JSONDecoder().decode(Entry.self, from: stored), entry.key == key
    else { return nil }
    let reply = entry.reply
    return ChatReply(
      text: reply.text, reasoning: reply.reasoning, refusal: reply.refusal,
      finishReason: reply.finishReason,
      latencyMilliseconds: reply.latencyMilliseconds, attempts: reply.attempts,
      promptTokens: reply.promptTokens, completionTokens: reply.completionTokens)
  }

  func keep(_ reply: ChatReply, for key: Key) throws {
    let entry = Entry(
      key: key,
      reply: Reply(
        text: reply.text, reasoning: reply.reasoning, refusal: reply.refusal,
        finishReason: reply.finishReason,
        latencyMilliseconds: reply.latencyMilliseconds, attempts: reply.attempts,
        promptTokens: reply.promptTokens, completionTokens: reply.completionTokens))
    try AtomicFile.write(
      try StableJSON.encodePretty(entry), to: file(try StableJSON.encodePretty(key)))
  }
}

/// A study's models behind the cache.
struct CachedModel: ChatCompleting {
  let model: any ChatCompleting
  let cache: ResponseCache
  let server: String
  let weights: String
  /// By the updates' names.
  let digests: [UpdateName: String]
  /// What the served model answered to the identity probe.
  let identity: @Sendable ([ScaledUpdate]) async throws(ChatFailure) -> String

  func anticipate(_ variant: [ScaledUpdate]) async { await model.anticipate(variant) }

  /// Whether a reply is there already.
  func holds(_ request: ChatRequest) async throws(ChatFailure) -> Bool {
    cache.reply(for: try await key(request)) != nil
  }

  private func key(_ request: ChatRequest) async throws(ChatFailure) -> ResponseCache.Key {
    ResponseCache.Key(
      server: server, weights: weights,
      updates: request.variant.map {
        .init(digest: digests[$0.name] ?? $0.name.text, scale: $0.scale)
      },
      identity: try await identity(request.variant), messages: request.messages,
      decoding: request.decoding)
  }

  func complete(_ request: ChatRequest) async throws(ChatFailure) -> ChatReply {
    let key = try await key(request)
    if let reply = cache.reply(for: key) { return reply }
    let reply = try await model.complete(request)
    do {
      try cache.keep(reply, for: key)
    } catch {
      throw .fatal("cache-unwritable", "\(error)")
    }
    return reply
  }
}

extension CachedModel {
  /// A measurement's servers behind its cache; nil where it has none.
  init?(
    _ servers: ReadyServers, _ measurement: Measurement, weights: String,
    digests: [UpdateName: String]
  ) {
    guard let cache = measurement.cache else { return nil }
    let form = servers.form().label
    self.init(
      model: servers.model, cache: cache,
      server: form.isEmpty ? servers.build : "\(servers.build), \(form)", weights: weights,
      digests: digests, identity: servers.identity)
  }
}
