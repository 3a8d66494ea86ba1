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
    /// Missing for the first token of a prompt, which nothing precedes.
    var logprob: Float?
    var bytes: [UInt8]
    var topLogprobs: [Alternative]

    init(_ token: GeneratedToken, tokenizer: Tokenizer) {
      func text(_ id: Int) -> String { tokenizer.decode([id], skipSpecialTokens: false) }
      self.token = text(token.id)
      logprob = token.logprob
      bytes = Array(self.token.utf8)
      topLogprobs = token.top.map { entry in
        let token = text(entry.id)
        return Alternative(token: token, logprob: entry.logprob, bytes: Array(token.utf8))
      }
    }
  }

  struct ChatLogprobs: Encodable {
    var content: [ChatLogprob]
  }

  /// The older form of plain completions.
  struct TextLogprobs: Encodable {
    var tokens: [String]
    /// Both are null for the first token of a prompt.
    var tokenLogprobs: [Float?]
    var topLogprobs: [[String: Float]?]

    init(_ entries: [ChatLogprob]) {
      tokens = entries.map(\.token)
      tokenLogprobs = entries.map(\.logprob)
      topLogprobs = entries.map { entry in
        guard entry.logprob != nil else { return nil }
        return Dictionary(
          entry.topLogprobs.map { ($0.token, $0.logprob) }, uniquingKeysWith: { first, _ in first })
      }
    }
  }

  struct Usage: Encodable {
    var promptTokens: Int
    var completionTokens: Int
    var totalTokens: Int
    /// Only where the request gave thoughts a budget of their own.
    var completionTokensDetails: Details?

    struct Details: Encodable {
      var reasoningTokens: Int
    }

    init(prompt: Int, completion: Int, reasoning: Int? = nil) {
      promptTokens = prompt
      completionTokens = completion
      totalTokens = prompt + completion
      completionTokensDetails = reasoning.map(Details.init)
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
    var seed: UInt64?
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

  /// llama-server tells the file's path; a server's own folders are none of its clients' business.
  struct Adapter: Encodable {
    var id: Int
    var name: String
    var path: String { name }
    var scale: Float

    enum CodingKeys: String, CodingKey { case id, name, path, scale }

    func encode(to encoder: any Encoder) throws {
      var container = encoder.container(keyedBy: CodingKeys.self)
      try container.encode(id, forKey: .id)
      try container.encode(name, forKey: .name)
      try container.encode(path, forKey: .path)
      try container.encode(scale, forKey: .scale)
    }
  }
}
