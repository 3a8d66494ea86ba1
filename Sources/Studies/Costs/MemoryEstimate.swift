import Checkpoints
import Decoder
import LinearAlgebra
import LoX

/// What memory the parts of a study take at once, in bytes: all formulas of it.
struct MemoryEstimate {
  let shape: DecoderShape
  /// Of the checkpoint's tensors, which are mapped.
  let weights: Int
  /// Of the same in float32.
  let widened: Int
  /// Of those that are of another type than bfloat16, in bfloat16.
  let narrowed: Int

  /// What the program takes with the libraries' buffers, whatever it does.
  static let program = 90 << 20
  /// What a decomposition's tensors in hand may take together.
  static let decomposing = 1 << 30

  private static let float = MemoryLayout<Float>.size
  /// Rows of a batch that goes through a training at once, of which a longer dialogue has more.
  private static let trainedRows = 512
  /// Rows whose logits are computed at a time.
  private static let logitRows = 128

  init(_ checkpoint: Checkpoint) throws {
    shape = try DecoderModel.shape(of: checkpoint)
    weights = checkpoint.byteCount
    widened = checkpoint.widenedByteCount
    narrowed = checkpoint.shards.flatMap(\.tensors).reduce(0) {
      let type = $1.dtype.elementType
      return $0 + (type == nil || type == .bfloat16 ? 0 : 2 * $1.elementCount)
    }
  }

  /// Triplets of some rank of every target, in float64, which are kept while the study goes on.
  func triplets(_ pair: AlignmentPair, rank: Int?) -> Int {
    Self.shapes(pair).reduce(0) { sum, shape in
      sum + min(rank ?? .max, min(shape[0], shape[1])) * (shape[0] + shape[1]) * 8
    }
  }

  /// The largest differences at a time.
  func decomposition(_ pair: AlignmentPair, threads: Int) -> Int {
    let largest = Self.shapes(pair).map { $0[0] * $0[1] * Self.float }.sorted(by: >)
    let inHand = largest.prefix(TensorQueue.threads(computing: threads, on: pair.aligned)).reduce(
      0, +)
    return Self.program + max(largest.first ?? 0, min(inHand, Self.decomposing))
  }

  private static func shapes(_ pair: AlignmentPair) -> [[Int]] {
    pair.targetNames.compactMap { pair.aligned.tensor(named: $0)?.shape }.filter { $0.count == 2 }
  }

  /// The factors of a low-rank update of the blocks' linear layers.
  func update(rank: Int) -> Int {
    shape.blocks.flatMap(\.linearLayers).reduce(0) {
      $0 + rank * ($1.outputs + $1.inputs) * Self.float
    }
  }

  /// Weights as they are mapped or, of a full fine-tuning, 16 bytes for each: value, gradient and two means, which may
  /// have 8 bits. As much for each weight of an adapter; and what each block keeps of a batch.
  ///
  /// - Parameter longest: tokens of the longest dialogue.
  func training(_ recipe: TrainingRecipe, longest: Int) -> Int {
    let bytesEach = recipe.optimizer == .adamw8bit ? 10 : 16
    let trained: Int
    switch recipe.method {
    case .lora:
      trained = weights + bytesEach * update(rank: recipe.rank) / Self.float
    case .full:
      trained = bytesEach * shape.tensors.reduce(0) { $0 + $1.dimensions.reduce(1, *) }
    }
    let rows = max(Self.trainedRows, longest)
    let width = shape.hiddenSize
    let kept = shape.blocks.map { block in
      let attention = block.attention
      let inner =
        switch block.feedForward {
        case .gated(let mlp): mlp.width
        case .routed(let experts): experts.chosen * (experts.experts.first?.width ?? 0)
        }
      return 2 * (width + attention.queryWidth + attention.keyWidth + inner)
    }
    // With checkpointing the blocks' inputs, and the rest of one.
    let inAll =
      recipe.gradientCheckpointing == true
      ? kept.count * width + (kept.max() ?? 0) : kept.reduce(0, +)
    return Self.program + trained + rows * inAll * Self.float
      + Self.logitRows * shape.vocabularySize * Self.float
  }

  /// Weights as they are mapped, updates as they are kept and as they are served, and the keys and values of
  /// the sequences that are under way.
  ///
  /// - Parameters:
  ///   - updates: bytes of all updates' factors.
  ///   - merged: models with a change of full rank that are open beside it, in float32 in either arithmetic.
  ///   - positions: tokens of a prompt and its reply.
  ///   - arithmetic: in bfloat16 weights of other types have a copy beside them, where it is not too large.
  func serving(
    updates: Int, merged: Int, slots: Int, positions: Int, arithmetic: Arithmetic
  ) -> Int {
    let width = shape.blocks.reduce(0) { $0 + $1.attention.keyWidth }
    let cache = min(
      InferenceEngine.Options().cacheBytes,
      slots * min(positions, shape.contextLength) * width * 2 * Self.float)
    let hasCopy = arithmetic == .bfloat16 && DecoderModel.isNarrowedOnce(byteCount: narrowed)
    return Self.program + weights + widened * merged + (hasCopy ? narrowed : 0) + 2 * updates
      + cache * (1 + merged)
      + slots * shape.vocabularySize * Self.float
  }
}
