import Foundation
import LinearAlgebra
import Support

/// llama.cpp's names for the tensors of a model, and the order of their rows (`gguf-py`'s tensor map and
/// the conversion of Hugging Face models).
struct GGUFAdapter {
  private typealias Fault = CheckpointError.AdapterFault

  /// What llama.cpp calls a family, and whether its conversion interleaves the rows of queries and keys.
  private static let architectures: [String: (name: String, isInterleaved: Bool)] = [
    "llama": ("llama", true), "mistral": ("llama", true), "mixtral": ("llama", true),
    "qwen2": ("qwen2", false), "qwen3": ("qwen3", false), "qwen3_moe": ("qwen3moe", false),
    "gemma": ("gemma", false), "gemma2": ("gemma2", false), "gemma3": ("gemma3", false),
    "gemma3_text": ("gemma3", false), "phi3": ("phi3", false), "olmo2": ("olmo2", false),
    "olmo3": ("olmo2", false), "smollm3": ("smollm3", true), "granite": ("granite", true),
  ]

  /// Model types whose adapters can be written.
  static var modelTypes: [String] { architectures.keys.sorted() }

  /// `general.architecture`, which must be the model's own.
  let architecture: String
  /// Heads of queries and of keys whose rows are interleaved; nil where they stay as they are.
  private let interleavedHeads: (queries: Int, keys: Int)?
  private let tiesHead: Bool
  private let naming: Checkpoint.Naming
  private let checkpoint: Checkpoint

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
    guard let (name, isInterleaved) = type.flatMap({ Self.architectures[$0] }) else {
      throw .llamaCppModel(found: "model_type \(type ?? "missing") in config.json")
    }
    architecture = name
    if isInterleaved {
      guard let queries = configuration["num_attention_heads"]?.integer, queries > 0 else {
        throw .llamaCppModel(found: "no num_attention_heads in config.json")
      }
      interleavedHeads = (queries, configuration["num_key_value_heads"]?.integer ?? queries)
    } else {
      interleavedHeads = nil
    }
    tiesHead = configuration["tie_word_embeddings"]?.flag == true || checkpoint.hasTiedHead
    naming = checkpoint.naming
    self.checkpoint = checkpoint
  }

  /// Factors as llama.cpp applies them: of one matrix, or of each expert's.
  struct Module {
    let name: String
    /// `lora_a`: rank × in; of an embedding vocabulary × rank.
    let a: [Matrix<Float>]
    /// `lora_b`: out × rank; of an embedding hidden × rank.
    let b: [Matrix<Float>]
    /// Whether there is one for each expert.
    let holdsExperts: Bool
  }

  /// What a tensor is in llama.cpp.
  private enum Place {
    case matrix(name: String)
    /// Rows of one expert's part of a tensor that holds those of all: gate and up may be one matrix.
    case expert(names: [String], index: Int)

    var names: [String] {
      switch self {
      case .matrix(let name): [name]
      case .expert(let names, _): names
      }
    }
  }

  /// llama.cpp's names of a weight.
  ///
  /// - Parameter tensor: the checkpoint's name.
  func names(of tensor: String) throws(CheckpointError.AdapterFault) -> [String] {
    try place(of: tensor).names
  }

  private func place(of tensor: String) throws(CheckpointError.AdapterFault) -> Place {
    let plain = naming.plain(tensor)
    switch plain {
    case Self.embedding, Self.head:
      // llama.cpp reads a tied embedding's factors in the lookup's order, and stops at the head.
      guard !tiesHead else { throw .llamaCppTiedEmbedding(tensor: tensor) }
      return .matrix(name: plain == Self.head ? "output.weight" : "token_embd.weight")
    default: break
    }
    let slice = TensorSlice(parsing: plain)
    var parts = (slice?.tensor ?? plain).split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count >= 5, parts[0] == "model", parts[1] == "layers", Int(parts[2]) != nil else {
      throw .llamaCppTensor(tensor: tensor)
    }
    let block = "blk.\(parts[2])"
    parts.removeFirst(3)
    if parts.last == "weight" { parts.removeLast() }
    if parts.count == 2, let kind = Self.kinds[parts.joined(separator: ".")] {
      return .matrix(name: "\(block).\(kind).weight")
    }
    // mlp.experts.gate_up_proj[3], or mlp.experts.3.up_proj.
    guard parts.count >= 3, ["mlp", "block_sparse_moe"].contains(parts[0]), parts[1] == "experts",
      let index = slice?.index ?? Int(parts[2]), let part = parts.last,
      let kinds = Self.expertKinds[String(part)]
    else { throw .llamaCppTensor(tensor: tensor) }
    return .expert(names: kinds.map { "\(block).\($0).weight" }, index: index)
  }

  /// An update's matrices under llama.cpp's names, padded to one rank.
  func modules(
    of update: LowRankUpdate
  ) throws(CheckpointError.AdapterFault) -> [Module] {
    let rank = update.rank
    var modules: [Module] = []
    var experts: [String: [Int: LowRankUpdate.Factors]] = [:]
    for (tensor, factors) in update.tensors.sorted(by: { $0.key < $1.key }) {
      let factors = factors.padded(to: rank)
      switch try place(of: tensor) {
      case .matrix(let name): modules.append(try module(tensor, name, factors))
      case .expert(let names, let index):
        let rows = factors.left.rows / names.count
        for (part, name) in names.enumerated() {
          experts[name, default: [:]][index] = LowRankUpdate.Factors(
            left: factors.left.rows(part * rows..<(part + 1) * rows), right: factors.right)
        }
      }
    }
    for (name, parts) in experts.sorted(by: { $0.key < $1.key }) {
      guard let any = parts.values.first else { continue }
      // Experts that the update leaves alone have zeros.
      let none = LowRankUpdate.Factors(
        left: Matrix(rows: any.left.rows, columns: rank),
        right: Matrix(rows: rank, columns: any.right.columns))
      let all = (0..<expertCount(atLeast: (parts.keys.max() ?? 0) + 1)).map { parts[$0] ?? none }
      modules.append(
        Module(name: name, a: all.map(\.right), b: all.map(\.left), holdsExperts: true))
    }
    return modules
  }

  /// How many experts the model has.
  private func expertCount(atLeast least: Int) -> Int {
    let settings = (try? Checkpoint.settings(checkpoint.folder.appending(path: "config.json")))
      .flatMap { try? JSONNode(parsing: $0) }
    let counts = ["num_local_experts", "num_experts"].compactMap { settings?[$0]?.integer }
    return max(least, counts.first ?? 0)
  }

  private func module(
    _ tensor: String, _ name: String, _ factors: LowRankUpdate.Factors
  ) throws(CheckpointError.AdapterFault) -> Module {
    func module(_ a: Matrix<Float>, _ b: Matrix<Float>) -> Module {
      Module(name: name, a: [a], b: [b], holdsExperts: false)
    }
    if name == "token_embd.weight" { return module(factors.left, factors.right.transposed()) }
    let heads: Int? =
      switch true {
      case name.hasSuffix(".attn_q.weight"): interleavedHeads?.queries
      case name.hasSuffix(".attn_k.weight"): interleavedHeads?.keys
      default: nil
      }
    guard let heads else { return module(factors.right, factors.left) }
    guard factors.left.rows % (2 * heads) == 0 else { throw .llamaCppTensor(tensor: tensor) }
    return module(factors.right, Self.interleaved(factors.left, heads: heads))
  }

  private static let embedding = "model.embed_tokens.weight"
  private static let head = "\(PEFTAdapter.headModule).weight"
  private static let kinds = [
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.qkv_proj": "attn_qkv",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "mlp.gate_up_proj": "ffn_up", "mlp.gate": "ffn_gate_inp",
    "block_sparse_moe.gate": "ffn_gate_inp",
  ]
  private static let expertKinds = [
    "gate_up_proj": ["ffn_gate_exps", "ffn_up_exps"], "down_proj": ["ffn_down_exps"],
    "gate_proj": ["ffn_gate_exps"], "up_proj": ["ffn_up_exps"], "w1": ["ffn_gate_exps"],
    "w3": ["ffn_up_exps"], "w2": ["ffn_down_exps"],
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
