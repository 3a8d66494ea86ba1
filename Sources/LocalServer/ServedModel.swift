public import Checkpoints
public import LanguageModel

/// What a server serves: one checkpoint, the updates loaded beside it, and how to talk to it.
public struct ServedModel: Sendable {
  /// An update that requests may scale.
  public struct Adapter: Sendable {
    public var name: String
    /// Where it came from; reported, not read.
    public var path: String
    /// Its scale in requests that do not say.
    public var defaultScale: Float

    public init(name: String, path: String, defaultScale: Float) {
      self.name = name
      self.path = path
      self.defaultScale = defaultScale
    }
  }

  public let name: String
  public let engine: InferenceEngine
  public let tokenizer: Tokenizer
  public let chatFormat: ChatFormat
  public let adapters: [Adapter]

  /// - Precondition: as many adapters as the engine has updates, in the same order.
  public init(
    name: String, engine: InferenceEngine, tokenizer: Tokenizer, chatFormat: ChatFormat,
    adapters: [Adapter]
  ) {
    precondition(adapters.count == engine.updates.count)
    self.name = name
    self.engine = engine
    self.tokenizer = tokenizer
    self.chatFormat = chatFormat
    self.adapters = adapters
  }

  /// Loads a Hugging Face folder and starts an engine for it.
  public init(
    folder: Checkpoint, name: String, updates: [(adapter: Adapter, update: LowRankUpdate)],
    chatFormat: ChatFormat? = nil, options: InferenceEngine.Options
  ) throws {
    let tokenizer = try Tokenizer(folder: folder.folder)
    let format = try chatFormat ?? ChatFormat.recognised(in: folder.folder)
    let model = try LlamaModel(checkpoint: folder)
    let served = try ServedUpdates(updates.map(\.update), for: model)
    self.init(
      name: name, engine: InferenceEngine(model: model, updates: served, options: options),
      tokenizer: tokenizer, chatFormat: format, adapters: updates.map(\.adapter))
  }

  /// Tokens that end a reply: the model's own and those of its chat format.
  var stopTokens: Set<Int> {
    Set(engine.model.configuration.endOfSequenceIDs)
      .union(chatFormat.stopTokenIDs(with: tokenizer))
  }
}
