import LinearAlgebra

/// What an adapter that is written says of one module: its two tensors, under their names without PEFT's
/// prefix.
struct PEFTModule {
  /// Of the module.
  let name: String
  /// What `target_parameters` names, where not a module's weight but a parameter of its own is adapted.
  let parameter: String?
  let tensors: [(name: String, matrix: Matrix<Float>)]

  /// A linear layer, or an embedding, whose factors PEFT keeps transposed.
  init(_ name: String, _ factors: LowRankUpdate.Factors, isEmbedding: Bool) {
    self.name = name
    parameter = nil
    let factors: [(PEFTAdapter.Factor, Matrix<Float>)] =
      isEmbedding
      ? [(.embeddingA, factors.left.transposed()), (.embeddingB, factors.right.transposed())]
      : [(.linearA, factors.right), (.linearB, factors.left)]
    tensors = factors.map { (name + $0.suffixes[0], $1) }
  }

  private init(
    parameter: String, of module: String, wrappers: Int, a: Matrix<Float>, b: Matrix<Float>
  ) {
    name = module
    // As far as it is the same in every layer.
    let parts = module.split(separator: ".")
    let layer = parts.lastIndex { Int($0) != nil }.map { $0 + 1 } ?? 0
    self.parameter = (parts[layer...] + [parameter[...]]).joined(separator: ".")
    let path = module + String(repeating: ".base_layer", count: wrappers)
    tensors = [
      (path + PEFTAdapter.Factor.linearA.suffixes[0], a),
      (path + PEFTAdapter.Factor.linearB.suffixes[0], b),
    ]
  }

  /// Parameters that hold the matrices of all experts.
  ///
  /// PEFT wraps a module once for each of its parameters, the first innermost. Of the factors of expert e,
  /// rows e · rank and on of `lora_A` are the right one, and every column j · experts + e of `lora_B` is
  /// column j of the left one.
  ///
  /// - Parameter updates: by parameter and expert, of one rank.
  static func experts(_ updates: [String: [Int: LowRankUpdate.Factors]]) -> [PEFTModule] {
    func split(_ name: String) -> (module: String, parameter: String) {
      let dot = name.lastIndex(of: ".") ?? name.startIndex
      return (String(name[..<dot]), String(name[name.index(after: dot)...]))
    }
    let parameters = Set(updates.keys.map { split($0).parameter })
    let count = updates.values.compactMap { $0.keys.max() }.max().map { $0 + 1 } ?? 0
    return updates.sorted { $0.key < $1.key }.compactMap { name, parts in
      guard let any = parts.values.first else { return nil }
      let (rank, outputs) = (any.rank, any.left.rows)
      var a = Matrix<Float>(rows: count * rank, columns: any.right.columns)
      var b = Matrix<Float>(rows: outputs, columns: rank * count)
      for (expert, factors) in parts {
        for row in 0..<rank {
          for column in 0..<a.columns {
            a[expert * rank + row, column] = factors.right[row, column]
          }
          for output in 0..<outputs {
            b[output, row * count + expert] = factors.left[output, row]
          }
        }
      }
      let (module, parameter) = split(name)
      let isInner = parameter == "gate_up_proj" && parameters.count > 1
      return PEFTModule(parameter: parameter, of: module, wrappers: isInner ? 1 : 0, a: a, b: b)
    }
  }
}
