import ChatTemplates
import Decoder
package import ModelAccess

extension ServedModel {
  /// The mean of −ln p, in nats, over the tokens of some replies to a conversation that training would learn:
  /// what it would say is its loss.
  ///
  /// The conversation is read once for all replies, and not at all where the model has just answered it.
  ///
  /// - Parameter scales: of the adapters that are not at 0, by their names.
  /// - Throws: `ChatFormatError` where a reply cannot be written, `DecoderError` where it is too long, the
  ///   model's numbers overflow or the engine is shut down.
  package func loss(
    of replies: [String], to messages: [ChatMessage], scales: [(adapter: String, scale: Float)]
  ) async throws -> Double {
    var vector = [Float](repeating: 0, count: adapters.count)
    for (name, scale) in scales {
      guard let place = adapters.firstIndex(where: { $0.name == name }) else {
        throw APIError.notFound("there is no adapter \(name)", param: "lora")
      }
      vector[place] += scale
    }
    // Begun before any is waited for, so that they are read side by side.
    var readings: [(events: AsyncThrowingStream<GenerationEvent, any Error>, isLearned: [Bool])] =
      []
    for reply in replies {
      let (ids, isLearned) = try chatFormat.encodeForTraining(
        messages + [ChatMessage(role: .assistant, content: reply)], with: tokenizer)
      guard let start = isLearned.firstIndex(of: true) else { continue }
      let events = try engine.generate(
        GenerationRequest(
          prompt: ids, maxTokens: 0, scales: vector, topLogprobs: 0, scoresPrompt: true,
          scoredFrom: start, isStreamed: false))
      readings.append((events, isLearned))
    }
    var (sum, count) = (0.0, 0)
    for (events, isLearned) in readings {
      for try await case .prompt(let tokens) in events {
        for (token, isLearned) in zip(tokens, isLearned) where isLearned {
          guard let logprob = token.logprob else { continue }
          sum -= Double(logprob)
          count += 1
        }
      }
    }
    // An iteration that was cancelled ends without an error.
    try Task.checkCancellation()
    return sum / Double(max(1, count))
  }
}
