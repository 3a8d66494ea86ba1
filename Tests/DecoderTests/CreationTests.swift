import Checkpoints
import Foundation
import ModelAccess
import TestSupport
import Testing

@testable import ChatTemplates
@testable import Decoder
@testable import Tokenization

@Suite struct CreationTests {
  @Test func pairsAreLearntByHowOftenTheyOccur() {
    let learner = BytePairLearner(texts: ["low low low lower", "lowest"], tokenLimit: 259)
    // l o and o w occur equally often: the first in byte order is taken.
    #expect(learner.merges == ["l o", "lo w", "Ġ low"])
    #expect(learner.tokens.suffix(3) == ["lo", "low", "Ġlow"])
    #expect(BytePairLearner(texts: ["ab"], tokenLimit: 400).merges.isEmpty)
  }

  @Test func aNewModelIsWholeAndReadable() throws {
    let folder = try TemporaryFolder()
    let place = folder.url.appending(path: "new")
    let text = "How do I clean the car? I'm sorry, but I can't — naïve 東京 🎉"
    try NewModel().write(to: place, texts: [text, text])
    let model = try DecoderModel(checkpoint: Checkpoint(folder: place))
    let tokenizer = try Tokenizer(folder: place)
    #expect(tokenizer.vocabularySize == model.shape.vocabularySize)
    let ids = tokenizer.encode(text)
    #expect(tokenizer.decode(ids, skipSpecialTokens: false) == text)
    #expect(ids.count < 24)
    let format = try ChatFormat(folder: place)
    #expect(
      try format.render([ChatMessage(role: .user, content: "a")])
        == "<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\n")
    let end = try #require(tokenizer.id(of: "<|im_end|>"))
    #expect(format.stopTokenIDs(with: tokenizer) == [end])
    #expect(model.endOfSequenceIDs == [end])
  }

  @Test func impossibleShapesAreRefused() {
    var model = NewModel()
    model.hiddenSize = 90
    #expect(throws: TrainingError.self) { try model.validate() }
    model = NewModel()
    model.vocabularyLimit = 200
    #expect(throws: TrainingError.self) { try model.validate() }
  }
}
