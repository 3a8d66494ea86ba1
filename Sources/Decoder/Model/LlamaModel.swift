import CKernels
package import Checkpoints
import Foundation

/// A weight where it lies in the mapped checkpoint: outputs × inputs, row-major.
@safe struct Weight: @unchecked Sendable {
  // Unchecked: the bytes are mapped read-only and `LlamaModel` keeps the mapping alive.
  let name: String
  let bytes: UnsafeRawPointer
  let elementType: Int32
  let outputs: Int
  let inputs: Int

  var bytesPerRow: Int { inputs * (elementType == Int32(LOXEVAL_FLOAT32) ? 4 : 2) }
}

/// A linear layer: y = W x (+ bias).
struct Projection: Sendable {
  let weight: Weight
  let bias: [Float]?
}

/// One decoder block's weights.
struct LlamaLayer: Sendable {
  let inputNorm: [Float]
  let query: Projection
  let key: Projection
  let value: Projection
  let output: Projection
  let postAttentionNorm: [Float]
  let gate: Projection
  let up: Projection
  let down: Projection
}

/// A Llama-family decoder whose weights stay in the mapped checkpoint, in their own element type.
///
/// Immutable, so any number of threads may share it. `ForwardPass` computes with it.
package final class LlamaModel: Sendable {
  package let configuration: LlamaConfiguration
  /// Kept so that the mapping outlives every `Weight`.
  package let checkpoint: Checkpoint

  let embedding: Weight
  let layers: [LlamaLayer]
  let finalNorm: [Float]
  /// The output head; the embedding itself in a tied model.
  let head: Weight

  /// Resolves every weight by its Hugging Face name and checks its shape against `config.json`.
  package init(checkpoint: Checkpoint) throws {
    let configuration = try LlamaConfiguration(folder: checkpoint.folder)
    self.configuration = configuration
    self.checkpoint = checkpoint
    let reader = WeightReader(checkpoint: checkpoint)
    let hidden = configuration.hiddenSize
    let inner = configuration.intermediateSize
    let queries = configuration.headCount * configuration.headDimension
    let keys = configuration.keyValueHeadCount * configuration.headDimension

    embedding = try reader.weight(
      "model.embed_tokens.weight", configuration.vocabularySize, hidden)
    layers = try (0..<configuration.layerCount).map { index in
      let prefix = "model.layers.\(index)."
      return LlamaLayer(
        inputNorm: try reader.vector(prefix + "input_layernorm.weight", hidden),
        query: try reader.projection(prefix + "self_attn.q_proj", queries, hidden),
        key: try reader.projection(prefix + "self_attn.k_proj", keys, hidden),
        value: try reader.projection(prefix + "self_attn.v_proj", keys, hidden),
        output: try reader.projection(prefix + "self_attn.o_proj", hidden, queries),
        postAttentionNorm: try reader.vector(prefix + "post_attention_layernorm.weight", hidden),
        gate: try reader.projection(prefix + "mlp.gate_proj", inner, hidden),
        up: try reader.projection(prefix + "mlp.up_proj", inner, hidden),
        down: try reader.projection(prefix + "mlp.down_proj", hidden, inner))
    }
    finalNorm = try reader.vector("model.norm.weight", hidden)
    // A tied checkpoint may still store the head; transformers ignores it then, and so do we.
    head =
      configuration.tiesEmbeddings
      ? embedding : try reader.weight("lm_head.weight", configuration.vocabularySize, hidden)
  }
}

/// Finds weights in a checkpoint and checks them.
private struct WeightReader {
  let checkpoint: Checkpoint

  func weight(_ name: String, _ outputs: Int, _ inputs: Int) throws -> Weight {
    let description = try describe(name, [outputs, inputs])
    let elementType: Int
    switch description.dtype.elementType {
    case .float32: elementType = Int(LOXEVAL_FLOAT32)
    case .float16: elementType = Int(LOXEVAL_FLOAT16)
    case .bfloat16: elementType = Int(LOXEVAL_BFLOAT16)
    case nil:
      throw LanguageModelError.unsupportedElementType(name: name, found: description.dtype.name)
    }
    let bytes = unsafe try checkpoint.unsafeBytes(of: name)
    guard let start = bytes.baseAddress else {
      throw LanguageModelError.unexpectedShape(name: name, expected: [outputs, inputs], found: [0])
    }
    return unsafe Weight(
      name: name, bytes: start, elementType: Int32(elementType), outputs: outputs, inputs: inputs)
  }

  func projection(_ module: String, _ outputs: Int, _ inputs: Int) throws -> Projection {
    let bias = module + ".bias"
    return Projection(
      weight: try weight(module + ".weight", outputs, inputs),
      bias: checkpoint.tensor(named: bias) == nil ? nil : try vector(bias, outputs))
  }

  func vector(_ name: String, _ count: Int) throws -> [Float] {
    _ = try describe(name, [count])
    return try checkpoint.floats(named: name)
  }

  private func describe(_ name: String, _ shape: [Int]) throws -> TensorDescription {
    guard let description = checkpoint.tensor(named: name) else {
      throw LanguageModelError.missingTensor(
        name: name, expected: shape, folder: checkpoint.folder.path)
    }
    guard description.shape == shape else {
      throw LanguageModelError.unexpectedShape(
        name: name, expected: shape, found: description.shape)
    }
    return description
  }
}
