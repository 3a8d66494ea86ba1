package import Checkpoints

extension DecoderShape {
  /// The shape with the names, and the arrangement, that a checkpoint has: files of one model differ in the
  /// words before the names, in how experts are stored, and in which of embedding and head they hold.
  package func stored(in checkpoint: Checkpoint) -> DecoderShape {
    let naming = checkpoint.naming
    var shape = self
    shape.renameModules(naming.stored)
    for index in shape.blocks.indices {
      guard case .routed(let experts) = shape.blocks[index].feedForward else { continue }
      shape.blocks[index].feedForward = .routed(experts.stored(in: checkpoint))
    }
    if head.weight == nil {
      if let tied = checkpoint.tiedHead {
        shape.embedding.table.module = String(tied.name.dropLast(".weight".count))
      } else if checkpoint.tensor(named: "\(naming.head).weight") != nil {
        // One that differs is used, whatever the configuration says.
        shape.head.weight = LinearShape(
          module: naming.head, outputs: vocabularySize, inputs: hiddenSize)
      }
    }
    let table = checkpoint.tensor(named: shape.embedding.table.weightName)
    if embedding.scaleIsOfTableType, table?.dtype.elementType == .bfloat16 {
      shape.embedding.roundScaleToBFloat16()
    }
    return shape
  }

  private mutating func renameModules(_ name: (String) -> String) {
    func rename(_ layer: inout LinearShape) { layer.module = name(layer.module) }
    func rename(_ norm: inout NormShape) { norm.tensor = name(norm.tensor) }
    rename(&embedding.table)
    rename(&finalNorm)
    if var weight = head.weight {
      rename(&weight)
      head.weight = weight
    }
    for index in blocks.indices { blocks[index].rename(layer: rename, norm: rename, name) }
  }
}

extension BlockShape {
  fileprivate mutating func rename(
    layer: (inout LinearShape) -> Void, norm: (inout NormShape) -> Void,
    _ name: (String) -> String
  ) {
    func renamed(_ shape: NormShape?) -> NormShape? {
      guard var shape else { return nil }
      norm(&shape)
      return shape
    }
    normBeforeAttention = renamed(normBeforeAttention)
    normAfterAttention = renamed(normAfterAttention)
    normBeforeFeedForward = renamed(normBeforeFeedForward)
    normAfterFeedForward = renamed(normAfterFeedForward)
    switch attention.queryKeyNorm {
    case .byHead(var query, var key):
      norm(&query)
      norm(&key)
      attention.queryKeyNorm = .byHead(query: query, key: key)
    case .whole(var query, var key):
      norm(&query)
      norm(&key)
      attention.queryKeyNorm = .whole(query: query, key: key)
    case nil: break
    }
    attention.projections.rename(layer)
    layer(&attention.output)
    switch feedForward {
    case .gated(var mlp):
      mlp.rename(layer)
      feedForward = .gated(mlp)
    case .routed(var experts):
      experts.module = name(experts.module)
      layer(&experts.router)
      for index in experts.experts.indices { experts.experts[index].rename(layer) }
      feedForward = .routed(experts)
    }
  }
}

extension ProjectionShape {
  fileprivate mutating func rename(_ layer: (inout LinearShape) -> Void) {
    for index in layers.indices { layer(&layers[index]) }
  }
}

extension GatedMLPShape {
  fileprivate mutating func rename(_ layer: (inout LinearShape) -> Void) {
    projections.rename(layer)
    layer(&down)
  }
}

extension RoutedExpertsShape {
  /// With the names that a checkpoint has: Mixtral's first files call the module `block_sparse_moe`, and
  /// files before transformers 5 store experts one by one.
  fileprivate func stored(in checkpoint: Checkpoint) -> RoutedExpertsShape {
    var shape = self
    let older =
      (module.hasSuffix(".mlp") ? String(module.dropLast("mlp".count)) : module)
      + "block_sparse_moe"
    for module in [module, older] {
      if checkpoint.tensor(named: "\(module).gate.weight") != nil {
        shape.router.module = "\(module).gate"
      }
      if checkpoint.tensor(named: "\(module).experts.gate_up_proj") != nil {
        shape.rename(from: self.module, to: module)
      } else if checkpoint.tensor(
        named: "\(module).experts.0.\(separateNames.gate).weight") != nil
      {
        shape.separate(in: module)
      }
    }
    return shape
  }

  private mutating func rename(from old: String, to new: String) {
    for index in experts.indices {
      experts[index].rename { layer in
        guard layer.module.hasPrefix(old) else { return }
        layer.module = new + layer.module.dropFirst(old.count)
      }
    }
  }

  /// Each expert's parts as tensors of their own.
  private mutating func separate(in module: String) {
    for index in experts.indices {
      let expert = experts[index]
      func layer(_ name: String, _ outputs: Int, _ inputs: Int) -> LinearShape {
        LinearShape(
          module: "\(module).experts.\(index).\(name)", outputs: outputs, inputs: inputs)
      }
      let (width, inputs) = (expert.width, router.inputs)
      experts[index].projections = ProjectionShape([
        layer(separateNames.gate, width, inputs), layer(separateNames.up, width, inputs),
      ])
      experts[index].down = layer(separateNames.down, inputs, width)
    }
  }
}
