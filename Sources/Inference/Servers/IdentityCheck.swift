import Foundation
package import ModelAccess

/// Shows that each variant of a study is another model, and the one it was when the run began.
///
/// A short greedy probe is sent to every server of a variant, one at a time, and twice until it is known how
/// far the server's answers differ from themselves. Replies must differ between variants by more than
/// that: a server that ignores an adapter it does not know gives the bare model's answers, and is
/// caught. Where the server gives log-probabilities they are compared, which tells apart models that say
/// the same.
package actor IdentityCheck {
  /// What a variant answered to the probes.
  package struct Signature: Codable, Hashable, Sendable {
    package var texts: [String]
    /// Of the replies' tokens; nil where the server gives none.
    package var logprobs: [[Double]]?
    /// The largest difference between two answers to the same probe.
    package var noise: Double

    /// The answers in one line, for keys.
    package var text: String { "\(texts) \(logprobs ?? [])" }

    /// Of the first tokens only.
    var firstTokens: Signature {
      Signature(texts: [], logprobs: logprobs?.map { Array($0.prefix(1)) }, noise: noise)
    }

    /// The largest difference of log-probabilities, token by token; infinite where replies have
    /// different lengths, or texts differ and there are no log-probabilities.
    func distance(to other: Signature) -> Double {
      guard let mine = logprobs, let theirs = other.logprobs else {
        return texts == other.texts ? 0 : .infinity
      }
      if mine.map(\.count) != theirs.map(\.count) { return .infinity }
      return zip(mine.joined(), theirs.joined()).reduce(0) { max($0, abs($1.0 - $1.1)) }
    }
  }

  /// Harmless, and open enough for models to answer them differently.
  static let prompts = ["What shall we do today?", "Describe the sea."]
  /// Log-probabilities closer than this count as equal: servers print so many digits.
  static let resolution = 1e-5

  private let client: OpenAIClient
  /// Tells which updates do something at all: those of all zeros may be served as nothing.
  private let isEffective: @Sendable (ScaledUpdate) -> Bool
  private var signatures: [[ScaledUpdate]: Signature]
  private let record: @Sendable ([[ScaledUpdate]: Signature]) throws -> Void
  private var givesLogprobs = true
  /// By server that gives equal texts twice: how far their log-probabilities differ.
  private var noises: [Int: Double] = [:]
  /// By server: the last of its probes.
  private var turns: [Int: Task<Void, Never>] = [:]

  /// - Parameters:
  ///   - known: what variants answered when the run began.
  ///   - record: keeps the signatures for when the run goes on.
  package init(
    client: OpenAIClient, known: [[ScaledUpdate]: Signature] = [:],
    isEffective: @escaping @Sendable (ScaledUpdate) -> Bool = { $0.scale != 0 },
    record: @escaping @Sendable ([[ScaledUpdate]: Signature]) throws -> Void = { _ in }
  ) {
    self.client = client
    self.isEffective = isEffective
    self.record = record
    signatures = known
  }

  /// What a verified variant answered.
  package func signature(of variant: [ScaledUpdate]) -> Signature? { signatures[variant] }

  /// Probes a variant at every server and compares it with all that were probed before.
  ///
  /// - Throws: `ChatFailure`, fatal, where it cannot be told from another variant, or is not what it
  ///   was.
  package func verify(_ variant: [ScaledUpdate]) async throws(ChatFailure) {
    let places =
      try client.dialect.fields(for: variant).endpoints ?? Array(client.pool.endpoints.indices)
    for place in places { _ = try await verify(variant, at: place) }
  }

  /// The same at one server.
  ///
  /// - Returns: what its replies say of where they come from; nil where they do not agree in that.
  func verify(
    _ variant: [ScaledUpdate], at place: Int
  ) async throws(ChatFailure) -> ReplyOrigin? {
    // One after the other, since a probe is to run alone.
    let before = turns[place]
    let work = Task { () -> Result<ReplyOrigin?, ChatFailure> in
      await before?.value
      do throws(ChatFailure) {
        return .success(try await self.verifyAlone(variant, at: place))
      } catch {
        return .failure(error)
      }
    }
    turns[place] = Task { _ = await work.value }
    return try await work.value.get()
  }

  private func verifyAlone(
    _ variant: [ScaledUpdate], at place: Int
  ) async throws(ChatFailure) -> ReplyOrigin? {
    let wasQuick = noises[place] != nil
    do throws(ChatFailure) {
      return try await compare(variant, at: place)
    } catch {
      // What other variants showed of the server may not hold for this one: before it is refused, it
      // is asked twice itself.
      guard wasQuick, ErrorCode.identityFailures.contains(error.code) else { throw error }
      noises[place] = nil
      return try await compare(variant, at: place)
    }
  }

  private func compare(
    _ variant: [ScaledUpdate], at place: Int
  ) async throws(ChatFailure) -> ReplyOrigin? {
    let (found, origin) = try await probe(variant, at: place)
    if let known = signatures[variant] {
      let distance = found.distance(to: known)
      // Replicas, and sessions, may batch or schedule otherwise.
      guard distance <= 4 * max(found.noise, known.noise) + Self.sessionTolerance else {
        throw .fatal(
          .identityChanged,
          "\(client.pool.endpoint(place)): expected the model that answered as \(variant.label) "
            + "before, found other answers to the same probe (log-probabilities differ by "
            + "\(distance)); serve the same weights at every endpoint and in every session")
      }
    }
    let essence = variant.filter(isEffective)
    for (other, signature) in signatures
    where other != variant && other.filter(isEffective) != essence {
      let distance = found.distance(to: signature)
      // Greedy answers that repeat themselves and differ are two models', whatever the server says of
      // their probabilities.
      if !found.texts.isEmpty, !signature.texts.isEmpty, found.texts != signature.texts { continue }
      guard distance > 2 * max(found.noise, signature.noise) + Self.resolution else {
        throw .fatal(
          .identityDoubtful,
          "\(client.pool.endpoint(place)): expected \(variant.label) and \(other.label) to "
            + "answer differently, found \(distance == 0 ? "the same" : "no more than noise apart"): "
            + "the server seems to ignore its updates, or serves one model for both")
      }
    }
    if signatures[variant] == nil {
      signatures[variant] = found
      do {
        try record(signatures)
      } catch {
        throw .fatal(.identityUnrecorded, "\(error)")
      }
    }
    return origin
  }

  /// How far the same model's log-probabilities may lie apart between sessions and replicas.
  static let sessionTolerance = 0.02

  private func probe(
    _ variant: [ScaledUpdate], at place: Int
  ) async throws(ChatFailure) -> (Signature, ReplyOrigin?) {
    var origins: Set<ReplyOrigin> = []
    let first = try await answers(variant, at: place, &origins)
    if let noise = noises[place] {
      return (
        Signature(texts: first.texts, logprobs: first.logprobs, noise: noise), Self.only(origins)
      )
    }
    let second = try await answers(variant, at: place, &origins)
    if first.texts == second.texts {
      let noise = first.distance(to: second)
      noises[place] = noise
      return (
        Signature(texts: first.texts, logprobs: first.logprobs, noise: noise), Self.only(origins)
      )
    }
    // Greedy, and yet not twice the same: only the first tokens can be compared.
    let (one, two) = (first.firstTokens, second.firstTokens)
    guard one.logprobs != nil else {
      throw .fatal(
        .identityUnknown,
        "\(client.pool.endpoint(place)): expected equal greedy answers to equal requests, or "
          + "log-probabilities, found neither: models cannot be told apart by their answers")
    }
    return (
      Signature(texts: one.texts, logprobs: one.logprobs, noise: one.distance(to: two)),
      Self.only(origins)
    )
  }

  private static func only(_ origins: Set<ReplyOrigin>) -> ReplyOrigin? {
    origins.count == 1 ? origins.first : nil
  }

  private func answers(
    _ variant: [ScaledUpdate], at place: Int, _ origins: inout Set<ReplyOrigin>
  ) async throws(ChatFailure) -> Signature {
    var texts: [String] = []
    var logprobs: [[Double]] = []
    for prompt in Self.prompts {
      let reply = try await ask(prompt, variant, at: place)
      texts.append(reply.chat.text)
      if let origin = reply.origin { origins.insert(origin) }
      if let values = reply.logprobs, !values.isEmpty { logprobs.append(values) }
    }
    return Signature(
      texts: texts, logprobs: logprobs.count == texts.count ? logprobs : nil, noise: 0)
  }

  private func ask(
    _ prompt: String, _ variant: [ScaledUpdate], at place: Int
  ) async throws(ChatFailure) -> ParsedReply {
    let request = ChatRequest(
      messages: [ChatMessage(role: .user, content: prompt)],
      decoding: Decoding(maxTokens: givesLogprobs ? 8 : 32), variant: variant)
    guard givesLogprobs else {
      return try await client.ask(request, topLogprobs: nil, only: place, isProbe: true)
    }
    do throws(ChatFailure) {
      return try await client.ask(request, topLogprobs: 1, only: place, isProbe: true)
    } catch {
      // A server that knows no log-probabilities may say so.
      guard [.http(400), .http(422), .http(501)].contains(error.code) else { throw error }
      givesLogprobs = false
      return try await ask(prompt, variant, at: place)
    }
  }
}

extension ErrorCode {
  /// A model answers otherwise than it did before.
  static let identityChanged: ErrorCode = "identity-changed"
  /// Two models of the study answer alike.
  static let identityDoubtful: ErrorCode = "identity-doubtful"
  /// What a model answered could not be written down.
  static let identityUnrecorded: ErrorCode = "identity-unrecorded"
  /// The server shows too little to tell models apart.
  static let identityUnknown: ErrorCode = "identity-unknown"

  static let identityFailures: Set<ErrorCode> = [
    identityChanged, identityDoubtful, identityUnrecorded, identityUnknown,
  ]
}
