import Chat

/// The instruction format of Stanford Alpaca, in which the LoX paper's reference code asks.
struct AlpacaStyle: ChatStyle {
  let name = "alpaca"
  let stopTokens = ["</s>"]

  func parts(
    _ messages: [ChatMessage], addGenerationPrompt: Bool
  ) throws(TokenizerError) -> [ChatPart] {
    var rest = messages[...]
    var opening =
      "Below is an instruction that describes a task. Write a response that appropriately "
      + "completes the request."
    if rest.first?.role == .system { opening = rest.removeFirst().content }
    try checkAlternation(Array(rest))
    var parts: [ChatPart] = [.markup(opening + "\n\n")]
    for message in rest {
      if message.role == .assistant {
        parts += [.content(message.content, isReply: true), .markup("\n\n", isReply: true)]
      } else {
        parts += [
          .markup("### Instruction:\n"), .content(message.content),
          .markup("\n\n### Response:\n"),
        ]
      }
    }
    return parts
  }
}
