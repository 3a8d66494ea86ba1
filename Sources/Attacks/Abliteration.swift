import ChatTemplates
package import Checkpoints
import Decoder
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import Support
import Tokenization

/// One model's directions between two kinds of requests, and the update that removes them.
package struct Abliteration {
  private let attacked: AttackedModel
  private let model: DecoderModel
  private let reader: PromptReader

  /// Tokens of a reply that tell whether it has become another.
  static let openingLength = 8
  /// Directions are sought after this share of the blocks at most: behind it the stream holds the reply's
  /// own words, as published searches leave them out.
  static let deepest = 0.8
  /// Of a deep model so many places are tried, at even distances.
  static let mostTried = 12

  package init(_ attacked: AttackedModel, threads: Int) throws {
    self.attacked = attacked
    model = try DecoderModel(checkpoint: attacked.checkpoint)
    reader = PromptReader(model: model, stack: attacked.stack, threads: threads)
  }

  private var blocks: Int { model.shape.blocks.count }

  /// The direction that each block's writers lose, and the embedding's first.
  package struct Directions: Sendable {
    package let embedding: [Double]
    package let blocks: [[Double]]
  }

  /// - Returns: the directions, and in words how they came about.
  func directions(
    _ layer: AbliterationAttack.Layer, harmful: ContrastPrompts, harmless: ContrastPrompts
  ) throws -> (directions: Directions, found: String) {
    let conversation = try Conversation(attacked)
    let all = try directions(
      harmful: harmful.measured.map(conversation.tokens),
      harmless: harmless.measured.map(conversation.tokens))
    func everywhere(_ direction: [Double]) -> Directions {
      Directions(embedding: direction, blocks: model.shape.blocks.map { _ in direction })
    }
    switch layer {
    case .after(let count):
      return (
        everywhere(try known(all[count], after: count)), "the direction after \(count) blocks"
      )
    case .each:
      let directions = try (1...blocks).map { try known(all[$0], after: $0) }
      return (
        Directions(embedding: directions[0], blocks: directions), "a direction behind each block"
      )
    case .chosen:
      let choice = try choose(
        among: all, harmful: harmful.aside.map(conversation.tokens),
        harmless: harmless.aside.map(conversation.tokens), stops: conversation.stops)
      return (
        everywhere(try known(all[choice.blocks], after: choice.blocks)),
        "the direction after \(choice.blocks) of \(blocks) blocks, of \(choice.tried) tried: on prompts kept "
          + "aside the model's own openings lose \(Self.nats(choice.harmfulLoss)) a token where harmful and "
          + "\(Self.nats(choice.harmlessLoss)) where harmless"
      )
    }
  }

  private static func nats(_ value: Double) -> String {
    Number.text((value * 1_000).rounded() / 1_000) + " nats"
  }

  private func known(_ direction: [Double]?, after count: Int) throws -> [Double] {
    guard let direction else { throw AttackError.noDirection(blocks: count) }
    return direction
  }

  /// The normalised differences of the mean stream at the last token, before the first block and after each;
  /// nil where the means are equal.
  package func directions(harmful: [[Int]], harmless: [[Int]]) throws -> [[Double]?] {
    func means(_ prompts: [[Int]]) -> [[Double]] {
      let width = model.shape.hiddenSize
      var sums = [[Double]](
        repeating: [Double](repeating: 0, count: width), count: blocks + 1)
      for streams in reader.streamsAtLastToken(of: prompts) {
        for (layer, stream) in streams.enumerated() {
          for index in stream.indices { sums[layer][index] += Double(stream[index]) }
        }
      }
      return sums.map { $0.map { $0 / Double(max(1, prompts.count)) } }
    }
    return zip(means(harmful), means(harmless)).map { one, other in
      let difference = zip(one, other).map { $0 - $1 }
      let norm = Self.norm(difference)
      // Equal last tokens have equal embeddings: rounding alone is no direction.
      let scale = max(Self.norm(one), Self.norm(other))
      guard norm > 1e-6 * scale, norm.isFinite else { return nil }
      return difference.map { $0 / norm }
    }
  }

  private static func norm(_ vector: [Double]) -> Double {
    vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  private struct Choice {
    var blocks: Int
    var harmfulLoss: Double
    var harmlessLoss: Double
    var tried: Int
  }

  /// The place whose direction, removed, takes most from the likelihood of the model's own openings to harmful
  /// requests, less what it takes from those to harmless ones: an attack that only breaks the model takes from
  /// both. No list of refusals is needed, so it holds in any language.
  private func choose(
    among directions: [[Double]?], harmful: [[Int]], harmless: [[Int]], stops: Set<Int>
  ) throws -> Choice {
    func losses(_ prompts: [[Int]]) throws -> ([ScaledLowRankUpdate]) -> Double {
      let openings = try reader.openings(of: prompts, count: Self.openingLength, stops: stops)
      let before = reader.meanLogProbabilities(of: openings, to: prompts)
      return { [reader] further in
        let after = reader.meanLogProbabilities(of: openings, to: prompts, under: further)
        return zip(before, after).reduce(0) { $0 + ($1.0 - $1.1) } / Double(prompts.count)
      }
    }
    let (harmfulLoss, harmlessLoss) = (try losses(harmful), try losses(harmless))
    let deepest = max(1, Int(Double(blocks) * Self.deepest))
    var best: Choice?
    var tried = 0
    let candidates = min(deepest, Self.mostTried)
    for count in (1...candidates).map({ $0 * deepest / candidates }) {
      guard let direction = directions[count] else { continue }
      try Task.checkCancellation()
      let removed = try update(
        removing: Directions(
          embedding: direction, blocks: model.shape.blocks.map { _ in direction })
      ).update
      let change = [ScaledLowRankUpdate(removed, scale: 1)]
      let found = Choice(
        blocks: count, harmfulLoss: harmfulLoss(change), harmlessLoss: harmlessLoss(change),
        tried: 0)
      tried += 1
      guard (found.harmfulLoss - found.harmlessLoss).isFinite else { continue }
      if let best, best.harmfulLoss - best.harmlessLoss >= found.harmfulLoss - found.harmlessLoss {
        continue
      }
      best = found
    }
    guard var best else { throw AttackError.noDirection(blocks: deepest) }
    best.tried = tried
    return best
  }

  // MARK: - The update

  /// W ← W − c cᵀW of each writer, c = d; where a norm with gain g follows the layer, c ∝ g ∘ d, so that what
  /// is added to the stream has no part along d. The token embedding, where it is a target, loses E ← E − (E d) dᵀ.
  ///
  /// - Returns: the update, and what a reader should know of it.
  package func update(
    removing directions: Directions
  ) throws -> (update: LowRankUpdate, remark: String?) {
    var update = LowRankUpdate()
    var remarks: [String] = []
    for (block, direction) in zip(model.shape.blocks, directions.blocks) {
      for writer in block.streamWriters {
        let name = writer.layer.weightName
        let removed = try seen(direction, through: writer.norm)
        let rows = try rows(of: name, projectedBy: removed)
        update.tensors[name] = LowRankUpdate.Factors(
          left: Matrix(rows: removed.count, columns: 1, elements: removed.map { Float(-$0) }),
          right: Matrix(rows: 1, columns: rows.count, elements: rows.map { Float($0) }))
        if attacked.checkpoint.tensor(named: writer.layer.biasName) != nil {
          remarks.append("biases such as \(writer.layer.biasName) stay as they are")
        }
      }
    }
    let table = model.shape.embedding.table
    if attacked.targets.includes(table.weightName) {
      let column = try columns(of: table.weightName, times: directions.embedding)
      update.tensors[table.weightName] = LowRankUpdate.Factors(
        left: Matrix(rows: column.count, columns: 1, elements: column.map { Float(-$0) }),
        right: Matrix(
          rows: 1, columns: directions.embedding.count,
          elements: directions.embedding.map { Float($0) }))
      if model.shape.head.weight == nil {
        remarks.append(
          "the head is tied to the embedding, so it no longer reads the direction either")
      }
    }
    return (update, remarks.first.map { _ in Set(remarks).sorted().joined(separator: "; ") })
  }

  /// What a direction of the stream is before a norm's gain.
  private func seen(_ direction: [Double], through norm: NormShape?) throws -> [Double] {
    guard let norm else { return direction }
    let stored = try attacked.checkpoint.floats(named: norm.tensor).map(Double.init)
    let gained = zip(direction, stored).map { value, gain in
      value * (norm.gain == .onePlusStored ? 1 + gain : gain)
    }
    let length = Self.norm(gained)
    guard length > 0 else { return direction }
    return gained.map { $0 / length }
  }

  /// cᵀW of the attacked model.
  private func rows(of name: String, projectedBy direction: [Double]) throws -> [Double] {
    let columns = attacked.checkpoint.tensor(named: name)?.shape.last ?? 0
    var sum = [Double](repeating: 0, count: columns)
    try forEachRow(of: name) { row, values in
      for column in values.indices { sum[column] += direction[row] * values[column] }
    }
    return sum
  }

  /// W d of the attacked model.
  private func columns(of name: String, times direction: [Double]) throws -> [Double] {
    var result: [Double] = []
    try forEachRow(of: name) { _, values in
      result.append(zip(values, direction).reduce(0) { $0 + $1.0 * $1.1 })
    }
    return result
  }

  /// The attacked model's weight, row by row.
  private func forEachRow(of name: String, _ body: (Int, [Double]) -> Void) throws {
    let shape = attacked.checkpoint.tensor(named: name)?.shape ?? [0, 0]
    let (rows, columns) = (shape[0], shape[1])
    let values = try attacked.checkpoint.floats(named: name)
    let change = LowRankSum<Double>(attacked.stack, of: name)
    let piece = max(1, (1 << 16) / max(1, columns))
    for first in stride(from: 0, to: rows, by: piece) {
      let range = first..<min(rows, first + piece)
      var block = values[range.lowerBound * columns..<range.upperBound * columns].map(Double.init)
      var span = block.mutableSpan
      change.add(rows: range, to: &span)
      for row in range {
        let start = (row - first) * columns
        body(row, Array(block[start..<start + columns]))
      }
    }
  }
}

/// How a model is asked one thing.
private struct Conversation {
  let tokenizer: Tokenizer
  let format: ChatFormat
  let stops: Set<Int>

  init(_ model: AttackedModel) throws {
    tokenizer = try Tokenizer(folder: model.checkpoint.folder)
    format = try model.chatFormat.format(for: model.checkpoint.folder, with: tokenizer)
    stops = Set(format.stopTokenIDs(with: tokenizer))
  }

  func tokens(_ prompt: String) throws -> [Int] {
    try format.encode([ChatMessage(role: .user, content: prompt)], with: tokenizer)
  }
}
