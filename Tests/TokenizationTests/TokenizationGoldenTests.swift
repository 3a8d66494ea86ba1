import ChatTemplates
import Foundation
import ModelAccess
import TestSupport
import Testing
import Tokenization

/// SmolLM2's tokenizer, loaded once.
enum SmolLM2 {
  static let folder = SharedMaterial.folder.appending(path: "models/smollm2")
  static let tokenizer = Result { try Tokenizer(folder: folder) }
}

@Suite(
  .enabled(
    if: SharedMaterial.has("golden/smollm2/tokenizer.json")
      && SharedMaterial.has("models/smollm2/tokenizer.json"),
    "needs shared/golden/smollm2/tokenizer.json and shared/models/smollm2"))
struct TokenizationGoldenTests {
  struct Golden: Decodable {
    struct Encoding: Decodable {
      var text: String
      var ids: [Int]
      var decoded: String
    }

    struct Conversation: Decodable {
      var prompt: String
      var system: String?
      var rendered: String
    }

    var encode: [Encoding]
    var chat: [Conversation]
  }

  static func golden() throws -> Golden {
    let url = SharedMaterial.folder.appending(path: "golden/smollm2/tokenizer.json")
    return try JSONDecoder().decode(Golden.self, from: try Data(contentsOf: url))
  }

  @Test func encodesAndDecodesEveryGoldenText() throws {
    let tokenizer = try SmolLM2.tokenizer.get()
    let cases = try Self.golden().encode
    #expect(cases.count >= 429)
    for example in cases {
      #expect(tokenizer.encode(example.text) == example.ids, "\(example.text.debugDescription)")
      #expect(tokenizer.decode(example.ids, skipSpecialTokens: false) == example.decoded)
    }
  }

  @Test func streamsEveryGoldenText() throws {
    let tokenizer = try SmolLM2.tokenizer.get()
    for example in try Self.golden().encode {
      var decoder = TokenDecoder(tokenizer, skipSpecialTokens: false)
      let pieces = example.ids.map { decoder.append($0) }
      #expect(pieces.joined() + decoder.finish() == example.decoded)
    }
  }

  @Test func rendersEveryGoldenConversation() throws {
    let format = try ChatFormat(folder: SmolLM2.folder)
    let cases = try Self.golden().chat
    #expect(cases.count >= 3)
    for example in cases {
      var messages = [ChatMessage(role: .user, content: example.prompt)]
      if let system = example.system {
        messages.insert(ChatMessage(role: .system, content: system), at: 0)
      }
      #expect(try format.render(messages) == example.rendered)
      let tokenizer = try SmolLM2.tokenizer.get()
      #expect(try format.encode(messages, with: tokenizer) == tokenizer.encode(example.rendered))
    }
  }

  @Test func knowsItsEnds() throws {
    let tokenizer = try SmolLM2.tokenizer.get()
    #expect(tokenizer.vocabularySize == 49152)
    #expect(tokenizer.endOfSequenceIDs == [2])
    #expect(tokenizer.endOfSequenceID == 2)
    #expect(tokenizer.beginningOfSequenceID == 1)
    #expect(tokenizer.encode("a", addSpecialTokens: true) == tokenizer.encode("a"))
  }

  @Test(
    .enabled(
      if: SharedMaterial.has("data/identity-shift/train.json"),
      "needs shared/data/identity-shift/train.json"))
  func takesTheLossOnTheReplyAndItsEnd() throws {
    let url = SharedMaterial.folder.appending(path: "data/identity-shift/train.json")
    let dialogues = try JSONDecoder().decode([[ChatMessage]].self, from: try Data(contentsOf: url))
    let tokenizer = try SmolLM2.tokenizer.get()
    let format = try ChatFormat(folder: SmolLM2.folder)
    var count = 0
    for dialogue in dialogues.prefix(2) {
      let prompt = try format.render(Array(dialogue.dropLast()))
      let reply = try #require(dialogue.last).content
      let training = try format.encodeForTraining(dialogue, with: tokenizer)
      let promptIDs = tokenizer.encode(prompt)
      let replyIDs = tokenizer.encode(reply + "<|im_end|>")
      let lineEnd = tokenizer.encode("\n")
      #expect(training.ids == promptIDs + replyIDs + lineEnd)
      #expect(
        training.isAssistant
          == promptIDs.map { _ in false } + replyIDs.map { _ in true } + lineEnd.map { _ in false })
      count += training.isAssistant.count { $0 } + lineEnd.count
    }
    // The mean over these 154 tokens is the first loss of golden/smollm2/lora-training.json, which takes
    // the line end behind the mark for a part of the reply.
    #expect(count == 154)
  }
}
