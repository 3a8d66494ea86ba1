import Foundation
import Tokenization

/// A tokenizer that is accepted turns texts into ids of its vocabulary, and any ids into text.
struct TokenizerTarget: FuzzTarget {
  static let name = "tokenizer"

  private static let texts = ["", " a", "Hello, world 12\n\n", "<s>é\u{301}<|im_end|>", "日本 🙂"]
  private let scratch = ScratchFolder()

  func run(_ bytes: [UInt8]) {
    _ = scratch.write(bytes, to: "tokenizer.json")
    let tokenizer: Tokenizer
    do throws(TokenizerError) {
      tokenizer = try Tokenizer(folder: scratch.url)
    } catch {
      _ = error.description
      return
    }
    for text in Self.texts {
      for parsesSpecial in [true, false] {
        let ids = tokenizer.encode(text, addSpecialTokens: true, parseSpecial: parsesSpecial)
        check(ids.allSatisfy { tokenizer.token(of: $0) != nil }, "ids are of the vocabulary")
        _ = tokenizer.decode(ids, skipSpecialTokens: parsesSpecial)
      }
    }
    _ = tokenizer.decode([0, -1, Int.max, 3, 2, 1, 0], skipSpecialTokens: false)
  }
}
