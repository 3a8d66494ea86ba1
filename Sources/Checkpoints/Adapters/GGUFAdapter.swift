import Foundation
import LinearAlgebra
import Support

/// llama.cpp's names for the tensors of a model, and the order of their rows (`gguf-py`'s tensor map and
/// the conversion of Hugging Face models).
struct GGUFAdapter {
  private typealias Fault = CheckpointError.AdapterFault

  /// `general.architecture`, which must be the model's own.
  let architecture: String
  /// Heads of queries and of keys whose rows are interleaved; nil where they stay as they are.
  private let interleavedHeads: (queries: Int, keys: Int)?
  private let tiesHead: Bool

  /// Reads a model folder's configuration.
  init(for checkpoint: Checkpoint) throws(CheckpointError.AdapterFault) {
    let configuration: JSONNode
    do {
      configuration = try JSONNode(
        parsing: Checkpoint.settings(checkpoint.folder.appending(path: "config.json")))
    } catch {
      throw .llamaCppModel(found: "no config.json that can be read")
    }
    let type = configuration["model_type"]?.text
    switch type {
    case "llama", "mistral":
      guard let queries = configuration["num_attention_heads"]?.integer, queries > 0 else {
        throw .llamaCppModel(found: "no num_attention_heads in config.json")
      }
      architecture = "llama"
      interleavedHeads = (queries, configuration["num_key_value_heads"]?.integer ?? queries)
    case "qwen2":
      architecture = "qwen2"
      interleavedHeads = nil
    default:
      throw .llamaCppModel(found: "model_type \(type ?? "missing") in config.json")
    }
    tiesHead = configuration["tie_word_embeddings"]?.flag == true || checkpoint.hasTiedHead
  }

  /// One matrix's factors as llama.cpp applies them.
  struct Module {
    let name: String
    /// `lora_a`: rank × in; of an embedding vocabulary × rank.
    let a: Matrix<Float>
    /// `lora_b`: out × rank; of an embedding hidden × rank.
    let b: Matrix<Float>
  }

  /// llama.cpp's name of a weight.
  ///
  /// - Parameter tensor: the checkpoint's name.
  func name(of tensor: String) throws(CheckpointError.AdapterFault) -> String {
    switch tensor {
    case Self.embedding, Self.head:
      // llama.cpp reads a tied embedding's factors in the lookup's order, and stops at the head.
      guard !tiesHead else { throw .llamaCppTiedEmbedding(tensor: tensor) }
      return tensor == Self.head ? "output.weight" : "token_embd.weight"
    default:
      let parts = tensor.split(separator: ".", omittingEmptySubsequences: false)
      guard parts.count == 6, parts[0] == "model", parts[1] == "layers", Int(parts[2]) != nil,
        parts[5] == "weight", let kind = Self.kinds["\(parts[3]).\(parts[4])"]
      else { throw .llamaCppTensor(tensor: tensor) }
      return "blk.\(parts[2]).\(kind).weight"
    }
  }

  /// - Parameters:
  ///   - tensor: the checkpoint's name of a weight.
  ///   - factors: its change.
  func module(
    _ tensor: String, _ factors: LowRankUpdate.Factors
  ) throws(CheckpointError.AdapterFault) -> Module {
    let name = try name(of: tensor)
    if tensor == Self.embedding {
      return Module(name: name, a: factors.left, b: factors.right.transposed())
    }
    let heads: Int? =
      switch true {
      case name.hasSuffix(".attn_q.weight"): interleavedHeads?.queries
      case name.hasSuffix(".attn_k.weight"): interleavedHeads?.keys
      default: nil
      }
    guard let heads else { return Module(name: name, a: factors.right, b: factors.left) }
    guard factors.left.rows % (2 * heads) == 0 else { throw .llamaCppTensor(tensor: tensor) }
    return Module(
      name: name, a: factors.right, b: Self.interleaved(factors.left, heads: heads))
  }

  private static let embedding = "model.embed_tokens.weight"
  private static let head = "\(PEFTAdapter.headModule).weight"
  private static let kinds = [
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
    "mlp.down_proj": "ffn_down",
  ]

  /// The rows of each head with the two halves that rotary embedding pairs interleaved: row 2 j + s
  /// is what row s · d/2 + j was, for s of 0 and 1.
  static func interleaved(_ matrix: Matrix<Float>, heads: Int) -> Matrix<Float> {
    let dimension = matrix.rows / heads
    var result = Matrix<Float>(rows: matrix.rows, columns: matrix.columns)
    for row in 0..<matrix.rows {
      let (head, place) = row.quotientAndRemainder(dividingBy: dimension)
      let old = head * dimension + place % 2 * (dimension / 2) + place / 2
      for column in 0..<matrix.columns { result[row, column] = matrix[old, column] }
    }
    return result
  }
}
