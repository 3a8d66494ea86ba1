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
    return BLAS.withOneThread {
      prompts.map { prompt in
        // What stands last in an example predicts nothing and is not read.
        let batch = PackedBatch([
          TrainingExample(
            tokens: prompt + [0], isLabel: [Bool](repeating: false, count: prompt.count + 1))
        ])
        decoder.forward(batch, recipe: recipe, key: nil)
        let last = batch.rows - 1
        return (decoder.kept.map(\.attentionResidual.input) + [decoder.stream]).map { stream in
          unsafe Array(UnsafeBufferPointer(start: stream.start + last * width, count: width))
        }
      }
    }
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
    return BLAS.withOneThread {
      prompts.map { prompt in
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
  }

  /// The mean natural logarithm of the probability of a token of each reply, behind its prompt.
  ///
  /// - Parameter further: updates on top of the reader's own.
  package func meanLogProbabilities(
    of replies: [[Int]], to prompts: [[Int]], under further: [ScaledLowRankUpdate] = []
  ) -> [Double] {
    precondition(replies.count == prompts.count)
    let (decoder, recipe) = decoder(further)
    return BLAS.withOneThread {
      zip(prompts, replies).map { prompt, reply in
        let batch = PackedBatch([
          TrainingExample(
            tokens: prompt + reply, isLabel: prompt.map { _ in false } + reply.map { _ in true })
        ])
        decoder.forward(batch, recipe: recipe, key: nil)
        let scores = decoder.logProbabilities(batch, weights: nil)
        return scores.reduce(0) { $0 + Double($1) } / Double(max(1, scores.count))
      }
    }
  }
}
