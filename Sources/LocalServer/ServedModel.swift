package import ChatTemplates
package import Checkpoints
package import Decoder
package import Tokenization

/// What a server serves: one checkpoint, the updates loaded beside it, and how to talk to it.
package struct ServedModel: Sendable {
  /// An update that requests may scale.
  package struct Adapter: Sendable {
    package var name: String
    /// Its scale in requests that do not say.
    package var defaultScale: Float

    package init(name: String, defaultScale: Float) {
      self.name = name
      self.defaultScale = defaultScale
    }
  }

  package let name: String
  package let engine: InferenceEngine
  package let tokenizer: Tokenizer
  package let chatFormat: ChatFormat
  package let adapters: [Adapter]
  /// Tokens that end a reply: the model's own and those of its chat format.
  let stopTokens: Set<Int>

  /// - Precondition: as many adapters as the engine has updates, in the same order.
  package init(
    name: String, engine: InferenceEngine, tokenizer: Tokenizer, chatFormat: ChatFormat,
    adapters: [Adapter]
  ) {
    precondition(adapters.count == engine.updates.count)
    self.name = name
    self.engine = engine
    self.tokenizer = tokenizer
    self.chatFormat = chatFormat
    self.adapters = adapters
    stopTokens = Set(engine.model.endOfSequenceIDs)
      .union(chatFormat.stopTokenIDs(with: tokenizer))
  }

  /// Loads a Hugging Face folder and starts an engine for it.
  package init(
    folder: Checkpoint, name: String, updates: [(adapter: Adapter, update: LowRankUpdate)],
    chatFormat: ChatFormatChoice = ChatFormatChoice(), options: InferenceEngine.Options
  ) throws {
    let tokenizer = try Tokenizer(folder: folder.folder)
    let format = try chatFormat.format(for: folder.folder, with: tokenizer)
    let model = try DecoderModel(checkpoint: folder)
    let served = try ServedUpdates(updates.map(\.update), for: model)
    self.init(
      name: name, engine: InferenceEngine(model: model, updates: served, options: options),
      tokenizer: tokenizer, chatFormat: format, adapters: updates.map(\.adapter))
  }
}
