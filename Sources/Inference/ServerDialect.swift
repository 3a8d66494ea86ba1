public import Chat

/// How a server is told which stack of scaled updates to answer with. One file for each.
public protocol ServerDialect: Sendable {
  var name: String { get }
  /// The fields that select a variant, to be added to the request's body.
  ///
  /// - Throws: `ChatFailure`, fatal, where the server cannot serve the variant: never a silently
  ///   different model.
  func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields
}

/// What dialects may add to a request.
public struct DialectFields: Encodable, Sendable {
  /// An entry of llama-server's per-request list.
  public struct AdapterScale: Encodable, Sendable {
    public var id: Int
    public var scale: Double
  }

  /// Another model name, for servers that select by it.
  public var model: String?
  public var lora: [AdapterScale]?
  public var cachePrompt: Bool?
}

/// One endpoint, one model: no updates.
public struct PlainDialect: ServerDialect {
  public let name = "plain"

  public init() {}

  public func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    guard variant.isEmpty else {
      throw ChatFailure(
        code: "variant-unsupported",
        message: "this server was not told to take updates, and the study asks for "
          + "\(variant.map(\.name)); choose its --dialect",
        attempts: 0, latencyMilliseconds: 0, isFatal: true)
    }
    return DialectFields()
  }
}
