public import Chat

/// llama.cpp's server and the embedded one: adapters are loaded at start, each request lists the
/// ids and scales it wants, and what is not listed counts 0.
public struct LlamaServerDialect: ServerDialect {
  public let name = "llama-server"
  /// Ids by the adapters' names, from `GET /lora-adapters`.
  public let adapterIDs: [String: Int]
  /// llama.cpp's prompt cache is not deterministic; the embedded server's is.
  public let disablesPromptCache: Bool

  public init(adapterIDs: [String: Int], disablesPromptCache: Bool = true) {
    self.adapterIDs = adapterIDs
    self.disablesPromptCache = disablesPromptCache
  }

  public func fields(for variant: [ScaledUpdate]) throws(ChatFailure) -> DialectFields {
    var fields = DialectFields()
    var list: [DialectFields.AdapterScale] = []
    for update in variant {
      guard let id = adapterIDs[update.name] else {
        throw ChatFailure(
          code: "adapter-missing",
          message: "expected the server to have loaded the update \(update.name); it has "
            + "\(adapterIDs.keys.sorted())",
          attempts: 0, latencyMilliseconds: 0, isFatal: true)
      }
      list.append(DialectFields.AdapterScale(id: id, scale: update.scale))
    }
    // Sent even when empty: a server may have other scales as its default.
    fields.lora = list
    if disablesPromptCache { fields.cachePrompt = false }
    return fields
  }
}
