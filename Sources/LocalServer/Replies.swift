import Decoder
import Foundation
import Tokenization

/// The reply bodies, in the wire's order of fields where that matters to nobody: keys are sorted,
/// so that equal replies are equal bytes.
enum Reply {
  static func encode(_ value: some Encodable) -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // Only strings, integers and finite numbers are encoded, which cannot fail.
    return (try? encoder.encode(value)) ?? Data()
  }

  /// A token's probability beside those of the likeliest.
  struct ChatLogprob: Encodable {
    struct Alternative: Encodable {
      var token: String
      var logprob: Float
      var bytes: [UInt8]
    }
    var token: String
    var logprob: Float
    var bytes: [UInt8]
    var topLogprobs: [Alternative]

    init(_ token: GeneratedToken, tokenizer: Tokenizer) {
      func alternative(_ id: Int, _ logprob: Float) -> Alternative {
        let text = tokenizer.decode([id], skipSpecialTokens: false)
        return Alternative(token: text, logprob: logprob, bytes: Array(text.utf8))
      }
      let own = alternative(token.id, token.logprob ?? 0)
      (self.token, logprob, bytes) = (own.token, own.logprob, own.bytes)
      topLogprobs = token.top.map { alternative($0.id, $0.logprob) }
    }
  }

  struct ChatLogprobs: Encodable {
    var content: [ChatLogprob]
  }

  /// The older form of plain completions.
  struct TextLogprobs: Encodable {
    var tokens: [String]
    var tokenLogprobs: [Float]
    var topLogprobs: [[String: Float]]

    init(_ entries: [ChatLogprob]) {
      tokens = entries.map(\.token)
      tokenLogprobs = entries.map(\.logprob)
      topLogprobs = entries.map { entry in
        Dictionary(
          entry.topLogprobs.map { ($0.token, $0.logprob) }, uniquingKeysWith: { first, _ in first })
      }
    }
  }

  struct Usage: Encodable {
    var promptTokens: Int
    var completionTokens: Int
    var totalTokens: Int

    init(prompt: Int, completion: Int) {
      promptTokens = prompt
      completionTokens = completion
      totalTokens = prompt + completion
    }
  }

  struct Message: Encodable {
    var role: String?
    var content: String?
  }

  /// One choice of any of the four forms; only the fields of its form are set.
  struct Choice: Encodable {
    var index = 0
    var message: Message?
    var delta: Message?
    var text: String?
    var chatLogprobs: ChatLogprobs?
    var textLogprobs: TextLogprobs?
    var finishReason: String?

    enum CodingKeys: String, CodingKey {
      case index, message, delta, text, logprobs, finishReason
    }

    /// `logprobs` and `finish_reason` are present even where they are null: clients expect them.
    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(index, forKey: .index)
      try container.encodeIfPresent(message, forKey: .message)
      try container.encodeIfPresent(delta, forKey: .delta)
      try container.encodeIfPresent(text, forKey: .text)
      if let textLogprobs {
        try container.encode(textLogprobs, forKey: .logprobs)
      } else {
        try container.encode(chatLogprobs, forKey: .logprobs)
      }
      try container.encode(finishReason, forKey: .finishReason)
    }
  }

  struct Completion: Encodable {
    var id: String
    var object: String
    var created: Int
    var model: String
    var systemFingerprint: String
    var choices: [Choice]
    var usage: Usage?
  }

  struct Model: Encodable {
    var id: String
    var object = "model"
    var created: Int
    var ownedBy = "loxeval"
  }

  struct List<Element: Encodable>: Encodable {
    var object = "list"
    var data: [Element]
  }

  struct Adapter: Encodable {
    var id: Int
    var name: String
    var path: String
    var scale: Float
  }
}
