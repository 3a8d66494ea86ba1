import Decoder
import Foundation
import Tokenization

/// One request, understood: what to generate and in which of the four forms to reply.
struct Generation: Sendable {
  enum Form { case chat, text }

  let form: Form
  let id: String
  let request: GenerationRequest
  let stops: [String]
  let isStreamed: Bool
  let includesUsage: Bool
  let served: ServedModel
  let created: Int
  let fingerprint: String

  /// A piece of a reply on its way out.
  struct Piece {
    var text: String
    var logprobs: [Reply.ChatLogprob]
  }

  /// Generates, calling `send` with each piece of text as soon as it is certain.
  ///
  /// - Returns: the reason why it ended, and how many tokens were generated.
  func run(
    _ send: (Piece) async throws -> Void
  ) async throws -> (reason: FinishReason, tokens: Int) {
    var decoder = TokenDecoder(served.tokenizer, skipSpecialTokens: true)
    var reply = ReplyText(stops: stops)
    var pending: [Reply.ChatLogprob] = []
    var count = 0
    var reason = FinishReason.stop
    events: for try await event in try served.engine.generate(request) {
      switch event {
      case .token(let token):
        count += 1
        if request.topLogprobs != nil {
          pending.append(Reply.ChatLogprob(token, tokenizer: served.tokenizer))
        }
        let text = reply.append(decoder.append(token.id))
        if !text.isEmpty {
          try await send(Piece(text: text, logprobs: pending))
          pending = []
        }
        if reply.isStopped { break events }
      case .finished(let ended):
        reason = ended
      }
    }
    let rest = reply.append(decoder.finish()) + reply.finish()
    if !rest.isEmpty || !pending.isEmpty {
      try await send(Piece(text: rest, logprobs: pending))
    }
    return (reply.isStopped ? .stop : reason, count)
  }

  /// The whole reply as one body.
  func reply() async throws -> Reply.Completion {
    var text = ""
    var logprobs: [Reply.ChatLogprob] = []
    let (reason, count) = try await run { piece in
      text += piece.text
      logprobs += piece.logprobs
    }
    var choice = Reply.Choice(finishReason: reason.rawValue)
    switch form {
    case .chat: choice.message = Reply.Message(role: "assistant", content: text)
    case .text: choice.text = text
    }
    attach(logprobs, to: &choice)
    return completion(
      object: form == .chat ? "chat.completion" : "text_completion", [choice],
      usage: Reply.Usage(prompt: request.prompt.count, completion: count))
  }

  /// One event of a streamed reply.
  func chunk(_ piece: Piece?, reason: FinishReason? = nil, isFirst: Bool = false)
    -> Reply.Completion
  {
    var choice = Reply.Choice(finishReason: reason?.rawValue)
    switch form {
    case .chat:
      choice.delta = Reply.Message(role: isFirst ? "assistant" : nil, content: piece?.text)
    case .text:
      choice.text = piece?.text ?? ""
    }
    if let piece { attach(piece.logprobs, to: &choice) }
    return completion(object: streamObject, [choice], usage: nil)
  }

  /// The last event of a streamed reply, where the client asked for it.
  func usageChunk(tokens: Int) -> Reply.Completion {
    completion(
      object: streamObject, [],
      usage: Reply.Usage(prompt: request.prompt.count, completion: tokens))
  }

  private var streamObject: String {
    form == .chat ? "chat.completion.chunk" : "text_completion"
  }

  private func attach(_ logprobs: [Reply.ChatLogprob], to choice: inout Reply.Choice) {
    guard request.topLogprobs != nil else { return }
    switch form {
    case .chat: choice.chatLogprobs = Reply.ChatLogprobs(content: logprobs)
    case .text: choice.textLogprobs = Reply.TextLogprobs(logprobs)
    }
  }

  private func completion(
    object: String, _ choices: [Reply.Choice], usage: Reply.Usage?
  ) -> Reply.Completion {
    Reply.Completion(
      id: id, object: object, created: created, model: served.name,
      systemFingerprint: fingerprint, choices: choices, usage: usage)
  }
}
