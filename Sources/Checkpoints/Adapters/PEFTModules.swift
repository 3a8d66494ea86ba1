import LinearAlgebra

/// The tensors of an `adapter_model.safetensors`, paired by module.
struct PEFTModules {
  private struct Pair {
    let first: TensorDescription
    let second: TensorDescription
    let isEmbedding: Bool
    /// How many experts' factors the tensors hold; nil where they are those of one matrix.
    var expertCount: Int?
  }

  /// Whole tensors beside the factors, by their names in the model.
  let wholeTensors: [(name: String, tensor: TensorDescription)]
  private var pairs: [(module: String, pair: Pair)]

  init(_ file: SafetensorsFile) throws(CheckpointError.AdapterFault) {
    var wholeTensors: [(name: String, tensor: TensorDescription)] = []
    var found: [String: [PEFTAdapter.Factor: TensorDescription]] = [:]
    for tensor in file.tensors {
      switch PEFTAdapter.Key(tensor.name) {
      case .unsupported(let reason):
        throw .tensorUnsupported(name: tensor.name, reason: reason)
      case .whole(let name):
        wholeTensors.append((name, tensor))
      case .factor(let factor, let module):
        guard tensor.shape.count == 2 else {
          throw .notAMatrix(name: tensor.name, shape: tensor.shape)
        }
        guard tensor.dtype.elementType != nil else {
          throw .tensorUnsupported(
            name: tensor.name, reason: "it is stored as \(tensor.dtype)")
        }
        let previous = found[module, default: [:]].updateValue(tensor, forKey: factor)
        guard previous == nil else { throw .givenTwice(module: module) }
      }
    }
    guard !found.isEmpty else { throw .empty }
    var pairs: [(module: String, pair: Pair)] = []
    for (module, factors) in found.sorted(by: { $0.key < $1.key }) {
      pairs.append((module, try Self.pair(factors, of: module)))
    }
    self.wholeTensors = wholeTensors
    self.pairs = pairs
  }

  private static func pair(
    _ factors: [PEFTAdapter.Factor: TensorDescription], of module: String
  ) throws(CheckpointError.AdapterFault) -> Pair {
    let isEmbedding = factors[.embeddingA] != nil || factors[.embeddingB] != nil
    let isLinear = factors[.linearA] != nil || factors[.linearB] != nil
    guard !(isEmbedding && isLinear) else { throw .givenTwice(module: module) }
    let names: (PEFTAdapter.Factor, PEFTAdapter.Factor) =
      isEmbedding ? (.embeddingA, .embeddingB) : (.linearA, .linearB)
    switch (factors[names.0], factors[names.1]) {
    case (let first?, let second?):
      return Pair(first: first, second: second, isEmbedding: isEmbedding)
    case (nil, _):
      throw .halfMissing(module: module, found: names.1.rawValue, missing: names.0.rawValue)
    case (_, nil):
      throw .halfMissing(module: module, found: names.0.rawValue, missing: names.1.rawValue)
    }
  }

  /// Takes what PEFT wraps around a module of experts for the parameters that it adapts: a parameter stands
  /// under the module's name, or where both are adapted, the first under that with `base_layer` behind it.
  mutating func nameExperts(
    _ configuration: PEFTConfiguration
  ) throws(CheckpointError.AdapterFault) {
    let parameters = configuration.expertParameters
    guard !parameters.isEmpty else { return }
    let wrapper = ".base_layer"
    for index in pairs.indices {
      let (module, pair) = pairs[index]
      let isInner = module.hasSuffix(wrapper)
      let path = isInner ? String(module.dropLast(wrapper.count)) : module
      guard path.hasSuffix("experts") else { continue }
      let parameter =
        parameters.count == 1 ? parameters.first ?? "" : isInner ? "gate_up_proj" : "down_proj"
      pairs[index].module = "\(path).\(parameter)"
      let rank = configuration.rank(of: pairs[index].module)
      let rows = pair.first.shape[0]
      guard rows % rank == 0, rows > 0 else {
        throw .rankMismatch(
          module: module, expected: rank, found: rows, tensor: pair.first.name)
      }
      pairs[index].pair.expertCount = rows / rank
    }
  }

  /// Checks that both factors of every module have the configured rank.
  func checkRanks(_ configuration: PEFTConfiguration) throws(CheckpointError.AdapterFault) {
    for (module, pair) in pairs {
      let expected = configuration.rank(of: module) * (pair.expertCount ?? 1)
      for (tensor, found) in [
        (pair.first, pair.first.shape[0]), (pair.second, pair.second.shape[1]),
      ] where found != expected {
        throw .rankMismatch(module: module, expected: expected, found: found, tensor: tensor.name)
      }
    }
  }

  /// The factors by tensor name, scaled; see `LowRankUpdate.init(peftFolder:checkpoint:)`.
  func factors(
    from file: SafetensorsFile, _ configuration: PEFTConfiguration
  ) throws(CheckpointError.AdapterFault) -> [String: LowRankUpdate.Factors] {
    var result: [String: LowRankUpdate.Factors] = [:]
    for (module, pair) in pairs {
      let first = try Self.matrix(pair.first, in: file)
      let second = try Self.matrix(pair.second, in: file)
      let isTransposed = pair.isEmbedding || configuration.fanInFanOut
      let left = isTransposed ? first.transposed() : second
      let right = isTransposed ? second.transposed() : first
      let scale = configuration.scale(of: module)
      let factors = LowRankUpdate.Factors(left: left.scaled(by: scale), right: right)
      guard factors.left.elements.allSatisfy(\.isFinite) else {
        throw .scaleTooLarge(module: module, scale: scale)
      }
      guard let count = pair.expertCount else {
        result["\(module).weight"] = factors
        continue
      }
      let rank = factors.rank / count
      for expert in 0..<count {
        var part = Matrix<Float>(rows: factors.left.rows, columns: rank)
        for row in 0..<part.rows {
          for column in 0..<rank { part[row, column] = factors.left[row, column * count + expert] }
        }
        result[TensorSlice(of: module, expert).name] = LowRankUpdate.Factors(
          left: part, right: factors.right.rows(expert * rank..<(expert + 1) * rank))
      }
    }
    return result
  }

  private static func matrix(
    _ tensor: TensorDescription, in file: SafetensorsFile
  ) throws(CheckpointError.AdapterFault) -> Matrix<Float> {
    let elements: [Float]
    do throws(CheckpointError) {
      elements = try file.floats(of: tensor)
    } catch {
      throw .tensorUnsupported(name: tensor.name, reason: "it is stored as \(tensor.dtype)")
    }
    if let place = elements.firstIndex(where: { !$0.isFinite }) {
      throw .notFinite(
        name: tensor.name, found: "\(elements[place])",
        count: elements.count { !$0.isFinite }, of: elements.count)
    }
    return Matrix<Float>(rows: tensor.shape[0], columns: tensor.shape[1], elements: elements)
  }
}
