package import ModelAccess

/// How a server is told which stack of scaled updates to answer with. One file for each.
package protocol ServerDialect: Sendable {
  var name: String { get }
  /// The fields that select a variant, to be added to the request's body.
  ///
  /// - Throws: `ChatFailure`, fatal, where the server cannot serve the variant: never a silently
  ///   different model.
  func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields

  /// Makes what servers need to answer as a variant, once for all of them.
  func prepare(_ variant: [ScaledUpdate]) async throws(ChatFailure)

  /// Makes one server able to answer as a variant that is prepared.
  ///
  /// - Parameter replacing: whether what it has of that name may be somebody else's and is replaced.
  func load(
    _ variant: [ScaledUpdate], at server: ServerProbe, replacing: Bool
  ) async throws(ChatFailure)

  /// Undoes `load`, once no request for the variant is under way.
  func unload(_ variant: [ScaledUpdate], at server: ServerProbe) async

  /// Undoes `prepare`.
  func release(_ variant: [ScaledUpdate]) async

  /// How many variants may be prepared at a time.
  var preparedLimit: Int { get }

  /// Whether a server keeps variants apart that are asked at the same time. Where it does not, requests for
  /// one wait until all for another have ended.
  var keepsVariantsApart: Bool { get }

  /// Whether a server computes requests for different variants side by side. Where it does not, one for the
  /// next variant would hold a place among its requests for nothing until those for this one are through.
  var computesVariantsTogether: Bool { get }
}

extension ServerDialect {
  package func prepare(_ variant: [ScaledUpdate]) async throws(ChatFailure) {}
  package func load(
    _ variant: [ScaledUpdate], at server: ServerProbe, replacing: Bool
  ) async throws(ChatFailure) {}
  package func unload(_ variant: [ScaledUpdate], at server: ServerProbe) async {}
  package func release(_ variant: [ScaledUpdate]) async {}
  package var preparedLimit: Int { .max }
  package var keepsVariantsApart: Bool { true }
  package var computesVariantsTogether: Bool { true }
}

/// What dialects may add to a request, and where it may go.
package struct DialectFields: Sendable {
  /// An entry of llama-server's per-request list.
  package struct AdapterScale: Sendable {
    package var id: Int
    package var scale: Double
  }

  /// Another model name, for servers that select by it.
  package var model: String?
  /// Whether the server's replies name the model that was asked; one that names another is then an
  /// error.
  package var repliesNameTheModel = false
  package var lora: [AdapterScale]?
  package var cachePrompt: Bool?
  /// Whether the server keeps a budget of thoughts apart from the answer's, under `max_reasoning_tokens`.
  package var takesReasoningBudget = false
  /// Indices of the client's endpoints that serve the variant; nil for all.
  package var endpoints: [Int]?

  package init() {}
}
