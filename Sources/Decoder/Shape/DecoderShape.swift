/// What a decoder is, as data: embedding, blocks, final norm and head, each with the names of its
/// tensors and the settings of its arithmetic.
///
/// A family (`DecoderFamily`) makes one from a `config.json`; serving and training are two
/// schedules over it. It can say more than the operations compute: `uncomputed` lists what must be
/// refused.
///
///     x = scale · embedding[token]
///     x = block(x), for each block
///     logits = cap(scale · head(norm(x)))
package struct DecoderShape: Equatable, Sendable {
  package var embedding: EmbeddingShape
  package var blocks: [BlockShape]
  package var finalNorm: NormShape
  package var head: HeadShape
  /// The longest sequence the model was made for.
  package var trainedLength: Int

  package init(
    embedding: EmbeddingShape, blocks: [BlockShape], finalNorm: NormShape, head: HeadShape,
    trainedLength: Int
  ) {
    self.embedding = embedding
    self.blocks = blocks
    self.finalNorm = finalNorm
    self.head = head
    self.trainedLength = trainedLength
  }

  package var vocabularySize: Int { embedding.table.outputs }
  /// The width of the residual stream.
  package var hiddenSize: Int { embedding.table.inputs }

  /// The longest sequence that is computed.
  package var contextLength: Int { trainedLength }
}

/// How tokens become the first residual stream.
package struct EmbeddingShape: Equatable, Sendable {
  /// vocabulary × hidden; a token's row is looked up.
  package var table: LinearShape
  /// What each row is multiplied by.
  package var scale: Float

  package init(table: LinearShape, scale: Float = 1) {
    self.table = table
    self.scale = scale
  }
}

/// How the last residual stream becomes logits: cap · tanh(scale · W x / cap), or scale · W x
/// without a cap.
package struct HeadShape: Equatable, Sendable {
  /// vocabulary × hidden; nil where it is the embedding's table.
  package var weight: LinearShape?
  package var scale: Float
  package var cap: Float?

  package init(weight: LinearShape?, scale: Float = 1, cap: Float? = nil) {
    self.weight = weight
    self.scale = scale
    self.cap = cap
  }
}

/// One block: attention, then the feed-forward layer, each added to the residual stream.
///
///     x += residualScale · after(layer(before(x)))
package struct BlockShape: Equatable, Sendable {
  /// Any of the norms may be absent.
  package var normBeforeAttention: NormShape?
  package var attention: AttentionShape
  package var normAfterAttention: NormShape?
  package var normBeforeFeedForward: NormShape?
  package var feedForward: FeedForwardShape
  package var normAfterFeedForward: NormShape?
  package var residualScale: Float

  package init(
    normBeforeAttention: NormShape?, attention: AttentionShape,
    normAfterAttention: NormShape? = nil, normBeforeFeedForward: NormShape?,
    feedForward: FeedForwardShape, normAfterFeedForward: NormShape? = nil,
    residualScale: Float = 1
  ) {
    self.normBeforeAttention = normBeforeAttention
    self.attention = attention
    self.normAfterAttention = normAfterAttention
    self.normBeforeFeedForward = normBeforeFeedForward
    self.feedForward = feedForward
    self.normAfterFeedForward = normAfterFeedForward
    self.residualScale = residualScale
  }
}

/// RMSNorm: y = x / √(mean(x²) + ε) · gain.
package struct NormShape: Equatable, Sendable {
  package enum Gain: Equatable, Sendable {
    /// The stored vector.
    case stored
    /// 1 + the stored vector.
    case onePlusStored
  }

  /// The stored vector's name in the checkpoint.
  package var tensor: String
  package var width: Int
  package var epsilon: Float
  package var gain: Gain

  package init(tensor: String, width: Int, epsilon: Float, gain: Gain = .stored) {
    self.tensor = tensor
    self.width = width
    self.epsilon = epsilon
    self.gain = gain
  }
}

/// A linear layer: y = W x (+ b), W outputs × inputs.
package struct LinearShape: Equatable, Sendable {
  package enum Bias: Equatable, Sendable {
    case none
    /// Added where the checkpoint holds one: for families that have no key which says so.
    case ifStored
  }

  /// Where a layer lies in a matrix that several share.
  package struct FusedRows: Equatable, Sendable {
    package var first: Int
    /// Rows of the whole matrix.
    package var total: Int

    package init(first: Int, total: Int) {
      self.first = first
      self.total = total
    }
  }

  /// The module's name in the checkpoint, such as `model.layers.0.self_attn.q_proj`.
  package var module: String
  package var outputs: Int
  package var inputs: Int
  package var bias: Bias
  /// nil where the matrix is the layer's own.
  package var fused: FusedRows?

  package init(
    module: String, outputs: Int, inputs: Int, bias: Bias = .none, fused: FusedRows? = nil
  ) {
    self.module = module
    self.outputs = outputs
    self.inputs = inputs
    self.bias = bias
    self.fused = fused
  }

  /// The matrix's name in the checkpoint.
  package var weightName: String { module + ".weight" }
  /// The bias's name in the checkpoint.
  package var biasName: String { module + ".bias" }
  /// What adapters call the layer: the last part of its name, such as `q_proj`.
  package var kind: String {
    String(module[(module.lastIndex(of: ".").map(module.index(after:)) ?? module.startIndex)...])
  }
}

/// What follows attention in a block.
package enum FeedForwardShape: Equatable, Sendable {
  case gated(GatedMLPShape)
}

/// y = down(activation(gate(x)) ∘ up(x)).
package struct GatedMLPShape: Equatable, Sendable {
  package enum Activation: String, Sendable {
    /// z / (1 + exp(−z)).
    case silu
    /// z · (1 + tanh(√(2/π) · (z + 0.044715 z³))) / 2.
    case geluTanh
  }

  package var gate, up, down: LinearShape
  package var activation: Activation

  package init(gate: LinearShape, up: LinearShape, down: LinearShape, activation: Activation) {
    self.gate = gate
    self.up = up
    self.down = down
    self.activation = activation
  }

  /// The inner width.
  package var width: Int { gate.outputs }
}
