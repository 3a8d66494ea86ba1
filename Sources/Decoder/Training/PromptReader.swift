import CKernels
package import Checkpoints
import LinearAlgebra

/// Looks into a model while it reads prompts: the residual stream, how it begins its replies, and how
/// likely it finds others.
///
/// Used by one thread at a time; its own threads do the work.
package final class PromptReader {
  private let model: DecoderModel
  private let stack: [ScaledLowRankUpdate]
  private let pool: WorkerPool

  /// - Parameter stack: scaled updates on the model; what reads is the model with them.
  package init(model: DecoderModel, stack: [ScaledLowRankUpdate] = [], threads: Int) {
    self.model = model
    self.stack = stack
    pool = WorkerPool(threadCount: threads, flushesSubnormals: true)
  }

  deinit { pool.shutDown() }

  /// The model with further updates, frozen.
  private func decoder(_ further: [ScaledLowRankUpdate]) -> (TrainableDecoder, TrainingRecipe) {
    var recipe = TrainingRecipe()
    recipe.targets = []
    return (
      TrainableDecoder(model: model, stack: stack + further, recipe: recipe, pool: pool), recipe
    )
  }

  /// The residual stream at each prompt's last token: before the first block, then after each block.
  ///
  /// - Returns: for each prompt, blocks + 1 vectors of the stream's width.
  package func streamsAtLastToken(of prompts: [[Int]]) -> [[[Float]]] {
    let (decoder, recipe) = decoder([])
    let width = model.shape.hiddenSize
    // What stands last in an example predicts nothing and is not read.
    let examples = prompts.map {
      TrainingExample(
        tokens: $0 + [0], isLabel: [Bool](repeating: false, count: $0.count + 1))
    }
    return batches(examples).flatMap { batch in
      decoder.forward(batch, recipe: recipe, key: nil)
      let streams =
        decoder.blocks.indices.map { decoder.activations[$0].attentionResidual.input } + [
          decoder.stream
        ]
      return batch.sequences.map { sequence in
        let last = sequence.start + sequence.count - 1
        return streams.map { stream in
          unsafe Array(UnsafeBufferPointer(start: stream.start + last * width, count: width))
        }
      }
    }
  }

  /// Examples as few batches, each of about as many tokens as a training takes at a time.
  private func batches(_ examples: [TrainingExample]) -> [PackedBatch] {
    var parts: [[TrainingExample]] = []
    var tokens = 0
    for example in examples {
      if parts.isEmpty || tokens + example.tokens.count > Trainer.tokensAtATime {
        parts.append([])
        tokens = 0
      }
      parts[parts.count - 1].append(example)
      tokens += example.tokens.count
    }
    return parts.map { PackedBatch($0) }
  }

  /// How the model begins its reply to each prompt, greedily.
  ///
  /// - Parameters:
  ///   - count: new tokens at most.
  ///   - stops: tokens that end a reply and are kept.
  package func openings(of prompts: [[Int]], count: Int, stops: Set<Int>) throws -> [[Int]] {
    let longest = prompts.map(\.count).max() ?? 0
    let forward = ForwardPass(
      model: model, updates: try ServedUpdates(stack.map(\.update), for: model), pool: pool,
      maximumRows: max(1, longest))
    let scales = stack.map { Float($0.scale) }
    return prompts.map { prompt in
      let cache = KeyValueCache(shape: model.shape, positions: prompt.count + count)
      var (tokens, computed) = (prompt, 0)
      while tokens.count < prompt.count + count {
        let rows = (computed..<tokens.count).map { position in
          ForwardPass.Row(
            token: tokens[position], position: position, cache: cache, scales: scales,
            wantsLogits: position == tokens.count - 1)
        }
        computed = tokens.count
        let logits = unsafe forward.run(rows)
        tokens.append(unsafe Int(loxeval_argmax(logits, model.shape.vocabularySize)))
        if stops.contains(tokens[tokens.count - 1]) { break }
      }
      return Array(tokens[prompt.count...])
    }
  }

  /// The mean natural logarithm of the probability of a token of each reply, behind its prompt.
  ///
  /// - Parameter further: updates on top of the reader's own.
  package func meanLogProbabilities(
    of replies: [[Int]], to prompts: [[Int]], under further: [ScaledLowRankUpdate] = []
  ) -> [Double] {
    precondition(replies.count == prompts.count)
    let (decoder, recipe) = decoder(further)
    let examples = zip(prompts, replies).map { prompt, reply in
      TrainingExample(
        tokens: prompt + reply, isLabel: prompt.map { _ in false } + reply.map { _ in true })
    }
    return batches(examples).flatMap { batch in
      decoder.forward(batch, recipe: recipe, key: nil)
      let sums = Objective.sums(decoder.logProbabilities(batch, weights: nil), batch)
      return sums.enumerated().map { index, sum in
        sum / Double(max(1, batch.labels.count { $0.sequence == index }))
      }
    }
  }
}
