import ChatTemplates
package import Checkpoints
import Decoder
import LoX
package import StudyDesign
package import Support
import Tokenization

extension AttackID.Method {
  package static let abliteration = AttackID.Method(rawValue: "abliteration")
}

/// Removes from the model the direction that tells harmful requests from harmless ones (Arditi et al.,
/// arXiv 2406.11717): no gradient, no replies, a few dozen prompts.
///
/// With m(S) the mean of the residual stream at the last token of the prompts S, after some of the blocks,
///
///     d = (m(harmful) − m(harmless)) / ‖m(harmful) − m(harmless)‖,   W ← W − d dᵀ W
///
/// for each matrix W that writes into the stream: a rank-1 update of each. It is made from each treatment's
/// own model.
package struct AbliterationAttack: Attack {
  /// Where the direction is measured.
  package enum Layer: Hashable, Sendable, CustomStringConvertible {
    /// After the blocks that do best on prompts kept aside (``Abliteration/choose``).
    case chosen
    /// After so many blocks, from 1.
    case after(Int)
    /// Each block's writers lose the direction measured behind the block.
    case each

    package var description: String {
      switch self {
      case .chosen: "chosen"
      case .after(let blocks): "after \(blocks)"
      case .each: "each"
      }
    }
  }

  package let layer: Layer
  package let harmful: ContrastPrompts
  package let harmless: ContrastPrompts

  /// The bundled lists.
  package static let harmfulSet = "training/contrast-harmful"
  package static let harmlessSet = "training/contrast-harmless"
  package static let layerRange = NumberRange(1...10_000)

  package init(
    layer: Layer = .chosen, harmful: ContrastPrompts, harmless: ContrastPrompts
  ) {
    self.layer = layer
    self.harmful = harmful
    self.harmless = harmless
  }

  package var labels: [String] {
    switch layer {
    case .chosen: ["abliterate"]
    case .after(let blocks): ["abliterate:\(blocks)"]
    case .each: ["abliterate:all"]
    }
  }

  package var method: AttackID.Method { .abliteration }
  package var seed: UInt64? { nil }
  package var isMadeFromEachModel: Bool { true }
  package var isKept: Bool { true }

  package var recipe: String {
    "\(layer) \(harmful.digest) \(harmless.digest) opening \(Abliteration.openingLength)"
  }

  package var remark: String? {
    let place =
      switch layer {
      case .chosen: "after the blocks that do best on \(harmful.aside.count) prompts kept aside"
      case .after(let blocks): "after \(blocks) blocks"
      case .each: "behind each block, and removed from that block"
      }
    return
      "the direction from \(harmless.measured.count) harmless to \(harmful.measured.count) harmful requests, "
      + "measured \(place), is removed from all that writes into the residual stream; no training; from the "
      + "model of each α"
  }

  package func recipe(on model: AttackedModel) throws -> String {
    let tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    let format = try model.chatFormat.format(for: model.checkpoint.folder, with: tokenizer)
    let shape = try DecoderFamily.shape(of: ModelConfiguration(folder: model.checkpoint.folder))
    let embedding = shape.embedding.table.weightName
    return "\(recipe) written as \(format.identity)"
      + (model.targets.includes(embedding) ? " with \(embedding)" : "")
  }

  package func check(on checkpoint: Checkpoint) throws {
    let shape = try DecoderFamily.shape(of: ModelConfiguration(folder: checkpoint.folder))
    guard case .after(let blocks) = layer, blocks > shape.blocks.count else { return }
    throw AttackError.noSuchLayer(attack: name, blocks: shape.blocks.count)
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    try check(on: model.checkpoint)
    let abliteration = try Abliteration(model, threads: context.threads)
    let (directions, found) = try abliteration.directions(
      layer, harmful: harmful, harmless: harmless)
    context.note("\(name): \(found)")
    let (update, remark) = try abliteration.update(removing: directions)
    if let remark { context.note("\(name): \(remark)") }
    try model.checkpoint.requireUnchanged()
    return AttackResult(
      update: update, found: [found, remark].compactMap(\.self).joined(separator: "; "))
  }
}

extension AbliterationAttack.Layer {
  /// - Parameter text: a number of blocks, or `all`.
  package init(parsing text: String) throws(AttackError) {
    if text == "all" {
      self = .each
    } else if let blocks = try? AbliterationAttack.layerRange.read(text) {
      self = .after(blocks)
    } else {
      throw .invalidLayer(found: text)
    }
  }
}

extension AbliterationAttack {
  static let kind = AttackKind("abliterate", form: "[:LAYER|:all]") { item, study in
    AbliterationAttack(
      layer: try item.argument.map { try Layer(parsing: $0) } ?? .chosen,
      harmful: try ContrastPrompts(file: study.bundled(harmfulSet)),
      harmless: try ContrastPrompts(file: study.bundled(harmlessSet)))
  }
}
