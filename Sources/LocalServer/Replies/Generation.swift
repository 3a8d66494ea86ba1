import Decoder
import Foundation
import Tokenization

/// One request, understood: what to generate, and in which of the four forms to reply.
struct Generation: Sendable {
  typealias Form = RequestFields.Form

  let form: Form
  let id: String
  /// One for each prompt.
  let prompts: [Prompt]
  /// Replies for each prompt.
  let n: Int
  let stops: [String]
  let isStreamed: Bool
  let includesUsage: Bool
  let served: ServedModel
  let created: Int
  let fingerprint: String
  /// The seed that was drawn because the request gave none; told, so that it can be given.
  let drawnSeed: UInt64?

  struct Prompt: Sendable {
    /// What the reply begins with: the prompt where the request wants it back, or the mark with which a
    /// template opened the model's thoughts.
    var beginning: String?
    /// Where thoughts have a budget of their own.
    var meter: ThoughtMeter?
    /// What the first reply needs; later ones differ in their seed.
    var request: GenerationRequest
  }

  /// Replies under way, prompt by prompt. Letting go of it ends them.
  struct Running {
    fileprivate var streams: [AsyncThrowingStream<GenerationEvent, any Error>] = []
  }

  /// A piece of a reply on its way out.
  struct Piece {
    var text: String
    var logprobs: [Reply.ChatLogprob] = []
  }

  /// Queues every reply at once.
  ///
  /// - Throws: where one of them can never be served; none is then.
  func start() throws -> Running {
    var running = Running()
    for prompt in prompts {
      for index in 0..<n {
        var request = prompt.request
        // What this seed alone would give, so that each of several replies can be had again.
        request.seed &+= UInt64(index)
        running.streams.append(try served.engine.generate(request))
      }
    }
    return running
  }

  /// Follows a reply, calling `send` with each piece of text as soon as it is certain.
  ///
  /// - Returns: the reason why it ended, and how many tokens were generated.
  private func follow(
    _ index: Int, of running: Running, _ send: (Piece) async throws -> Void
  ) async throws -> (reason: FinishReason, tokens: Int, thoughts: Int) {
    let prompt = prompts[index / n]
    var decoder = TokenDecoder(served.tokenizer, skipSpecialTokens: true)
    var reply = ReplyText(stops: stops)
    var pending: [Reply.ChatLogprob] = []
    var count = 0
    var reason = FinishReason.stop
    var beginning = prompt.beginning
    var meter = prompt.meter
    events: for try await event in running.streams[index] {
      switch event {
      case .prompt(let tokens):
        let logprobs = tokens.map { Reply.ChatLogprob($0, tokenizer: served.tokenizer) }
        try await send(Piece(text: beginning ?? "", logprobs: logprobs))
        beginning = nil
      case .token(let token):
        if let text = beginning { try await send(Piece(text: text)) }
        beginning = nil
        count += 1
        if prompt.request.topLogprobs != nil {
          pending.append(Reply.ChatLogprob(token, tokenizer: served.tokenizer))
        }
        let piece = decoder.append(token.id)
        let text = reply.append(piece)
        if !text.isEmpty {
          try await send(Piece(text: text, logprobs: pending))
          pending = []
        }
        if reply.isStopped { break events }
        if meter?.isSpent(by: piece) == true {
          reason = .length
          break events
        }
      case .finished(let ended):
        reason = ended
      }
    }
    // Ends quietly where the task was cancelled.
    try Task.checkCancellation()
    let rest = (beginning ?? "") + reply.append(decoder.finish()) + reply.finish()
    if !rest.isEmpty || !pending.isEmpty {
      try await send(Piece(text: rest, logprobs: pending))
    }
    return (reply.isStopped ? .stop : reason, count, meter?.thoughtTokens ?? 0)
  }

  /// The whole reply as one body.
  func reply() async throws -> Reply.Completion {
    let running = try start()
    var choices: [Reply.Choice] = []
    var (generated, thought) = (0, 0)
    for index in running.streams.indices {
      var text = ""
      var logprobs: [Reply.ChatLogprob] = []
      let (reason, count, thoughts) = try await follow(index, of: running) { piece in
        text += piece.text
        logprobs += piece.logprobs
      }
      generated += count
      thought += thoughts
      var choice = Reply.Choice(index: index, finishReason: reason.rawValue)
      switch form {
      case .chat: choice.message = Reply.Message(role: "assistant", content: text)
      case .text: choice.text = text
      }
      attach(logprobs, to: &choice)
      choices.append(choice)
    }
    return completion(
      object: form == .chat ? "chat.completion" : "text_completion", choices,
      usage: usage(generated, thought))
  }

  /// Sends the replies as server-sent events, one after the other although they are made together,
  /// so that equal requests get equal bytes here too; ends with `[DONE]`. An error that comes up
  /// midway is an event of its own.
  func stream(_ running: Running, _ send: @Sendable (Data) -> Void) async {
    func event(_ data: Data) { send(Data("data: ".utf8) + data + Data("\n\n".utf8)) }
    do {
      var (generated, thought) = (0, 0)
      for index in running.streams.indices {
        if form == .chat {
          event(Reply.encode(chunk(index, Piece(text: ""), isFirst: true)))
        }
        let (reason, count, thoughts) = try await follow(index, of: running) { piece in
          event(Reply.encode(chunk(index, piece)))
        }
        generated += count
        thought += thoughts
        event(Reply.encode(chunk(index, nil, reason: reason)))
      }
      if includesUsage {
        event(Reply.encode(completion(object: streamObject, [], usage: usage(generated, thought))))
      }
      event(Data("[DONE]".utf8))
    } catch {
      event(Reply.encode(APIError.from(error, field: field)))
    }
  }

  /// The field that the prompt came from.
  var field: String { form == .chat ? "messages" : "prompt" }

  private func usage(_ generated: Int, _ thought: Int) -> Reply.Usage {
    Reply.Usage(
      prompt: prompts.reduce(0) { $0 + $1.request.prompt.count }, completion: generated,
      reasoning: prompts.contains { $0.meter != nil } ? thought : nil)
  }

  /// One event of a streamed reply.
  private func chunk(
    _ index: Int, _ piece: Piece?, reason: FinishReason? = nil, isFirst: Bool = false
  ) -> Reply.Completion {
    var choice = Reply.Choice(index: index, finishReason: reason?.rawValue)
    switch form {
    case .chat:
      choice.delta = Reply.Message(role: isFirst ? "assistant" : nil, content: piece?.text)
    case .text:
      choice.text = piece?.text ?? ""
    }
    if let piece { attach(piece.logprobs, to: &choice) }
    return completion(object: streamObject, [choice], usage: nil)
  }

  private var streamObject: String {
    form == .chat ? "chat.completion.chunk" : "text_completion"
  }

  private func attach(_ logprobs: [Reply.ChatLogprob], to choice: inout Reply.Choice) {
    guard prompts.first?.request.topLogprobs != nil else { return }
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
      systemFingerprint: fingerprint, choices: choices, usage: usage, seed: drawnSeed)
  }
}
