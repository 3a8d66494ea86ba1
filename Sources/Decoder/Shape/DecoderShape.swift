import Checkpoints

/// What a decoder is, as data: embedding, blocks, final norm and head, each with the names of its
/// tensors and the settings of its arithmetic.
///
/// A family (`DecoderFamily`) makes one from a `config.json`, under the names that transformers gives a
/// model's tensors, and `stored(in:)` makes of it what a checkpoint holds; serving and training are two
/// schedules over it.
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

  /// The longest sequence that is computed: what the configuration says the model is for, and where its
  /// positions are stretched as far as a text is long, so much more.
  package var contextLength: Int {
    blocks.compactMap(\.attention.rotary).reduce(trainedLength) {
      max($0, $1.stretchedLength(of: trainedLength))
    }
  }
}

/// How tokens become the first residual stream.
package struct EmbeddingShape: Equatable, Sendable {
  /// vocabulary × hidden; a token's row is looked up.
  package var table: LinearShape
  /// What each row is multiplied by.
  package var scale: Float
  /// The scale counts in the table's element type; it is rounded when the checkpoint is known.
  package var scaleIsOfTableType: Bool

  package init(table: LinearShape, scale: Float = 1, scaleIsOfTableType: Bool = false) {
    self.table = table
    self.scale = scale
    self.scaleIsOfTableType = scaleIsOfTableType
  }

  /// Rounds the scale to bfloat16: to nearest, ties to even.
  mutating func roundScaleToBFloat16() {
    let bits = scale.bitPattern
    scale = Float(bitPattern: (bits + 0x7FFF + (bits >> 16 & 1)) & 0xFFFF_0000)
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
    /// Added; zeros where the checkpoint holds none.
    case ifStored
  }

  /// The module's name in the checkpoint, such as `model.layers.0.self_attn.q_proj`; that of the tensor
  /// where the matrix is one of several in it.
  package var module: String
  package var outputs: Int
  package var inputs: Int
  package var bias: Bias
  /// Which matrix of a tensor of three dimensions it is; nil where it has a tensor of its own.
  package var slice: Int?

  package init(
    module: String, outputs: Int, inputs: Int, bias: Bias = .none, slice: Int? = nil
  ) {
    self.module = module
    self.outputs = outputs
    self.inputs = inputs
    self.bias = bias
    self.slice = slice
  }

  /// The matrix's name in the checkpoint.
  package var weightName: String {
    slice.map { TensorSlice(of: module, $0).name } ?? module + ".weight"
  }
  /// The bias's name in the checkpoint.
  package var biasName: String { module + ".bias" }
  /// What adapters call the layer: the last part of its name, such as `q_proj`.
  package var kind: String {
    String(module[(module.lastIndex(of: ".").map(module.index(after:)) ?? module.startIndex)...])
  }
}

/// Linear layers that read the same: a layer for each part of what they give, or one layer that gives all
/// parts, one behind the other (`qkv_proj`).
package struct ProjectionShape: Equatable, Sendable {
  package var layers: [LinearShape]
  /// Outputs of each part.
  package var widths: [Int]

  /// A layer for each part.
  package init(_ layers: [LinearShape]) {
    self.layers = layers
    widths = layers.map(\.outputs)
  }

  /// - Precondition: the widths add up to the layer's outputs.
  package init(fused layer: LinearShape, widths: [Int]) {
    precondition(widths.reduce(0, +) == layer.outputs)
    layers = [layer]
    self.widths = widths
  }
}
