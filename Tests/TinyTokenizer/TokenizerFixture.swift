package import Foundation
package import Tokenization

/// Small tokenizers written as Hugging Face files into a folder of their own.
package enum TokenizerFixture {
  /// GPT-2's byte alphabet, as it is written in vocabularies.
  package static let byteAlphabet: [String] = {
    var next: UInt32 = 0x100
    return (UInt32(0)..<256).map { byte in
      switch byte {
      case 0x21...0x7E, 0xA1...0xAC, 0xAE...0xFF: return scalar(byte)
      default:
        next += 1
        return scalar(next - 1)
      }
    }
  }()

  private static func scalar(_ value: UInt32) -> String {
    Unicode.Scalar(value).map(String.init) ?? ""
  }

  /// A byte-level tokenizer with all 256 bytes as ids 0 to 255, then one token a merge, then the
  /// special tokens.
  package static func byteLevel(
    merges: [(String, String)] = [], special: [String] = []
  ) -> [String: Any] {
    var vocabulary: [String: Int] = [:]
    for (id, token) in byteAlphabet.enumerated() { vocabulary[token] = id }
    for (left, right) in merges where vocabulary[left + right] == nil {
      vocabulary[left + right] = vocabulary.count
    }
    var nextID = vocabulary.count
    let added = special.map { token in
      let id = vocabulary[token] ?? nextID
      if id == nextID { nextID += 1 }
      return addedToken(token, id: id)
    }
    let byteLevel: [String: Any] = [
      "type": "ByteLevel", "add_prefix_space": false, "use_regex": true,
    ]
    return [
      "added_tokens": added,
      "normalizer": NSNull(),
      "pre_tokenizer": byteLevel,
      "post_processor": NSNull(),
      "decoder": byteLevel,
      "model": [
        "type": "BPE", "vocab": vocabulary, "merges": merges.map { [$0.0, $0.1] },
      ] as [String: Any],
    ]
  }

  /// A SentencePiece-style tokenizer with byte fallback, as Llama 2's file is built.
  package static func sentencePiece(
    pieces: [String], merges: [(String, String)]
  ) -> [String: Any] {
    var tokens = ["<unk>", "<s>", "</s>"]
    tokens += (0..<256).map { String(format: "<0x%02X>", $0) }
    tokens += pieces
    let vocabulary = Dictionary(uniqueKeysWithValues: zip(tokens, 0...))
    let replace: [String: Any] = ["type": "Replace", "pattern": ["String": " "], "content": "▁"]
    let prepend: [String: Any] = ["type": "Prepend", "prepend": "▁"]
    let back: [String: Any] = ["type": "Replace", "pattern": ["String": "▁"], "content": " "]
    let strip: [String: Any] = ["type": "Strip", "content": " ", "start": 1, "stop": 0]
    return [
      "added_tokens": ["<unk>", "<s>", "</s>"].map { addedToken($0, id: vocabulary[$0] ?? 0) },
      "normalizer": ["type": "Sequence", "normalizers": [prepend, replace]] as [String: Any],
      "pre_tokenizer": NSNull(),
      "post_processor": beginning("<s>", id: 1),
      "decoder": [
        "type": "Sequence",
        "decoders": [back, ["type": "ByteFallback"], ["type": "Fuse"], strip],
      ] as [String: Any],
      "model": [
        "type": "BPE", "byte_fallback": true, "fuse_unk": true, "unk_token": "<unk>",
        "vocab": vocabulary, "merges": merges.map { "\($0.0) \($0.1)" },
      ] as [String: Any],
    ]
  }

  /// A post-processor that puts one token before a sequence.
  package static func beginning(_ token: String, id: Int) -> [String: Any] {
    [
      "type": "TemplateProcessing",
      "single": [
        ["SpecialToken": ["id": token, "type_id": 0]], ["Sequence": ["id": "A", "type_id": 0]],
      ],
      "special_tokens": [token: ["id": token, "ids": [id], "tokens": [token]]],
    ]
  }

  package static func addedToken(
    _ content: String, id: Int, special: Bool = true, _ options: [String: Bool] = [:]
  ) -> [String: Any] {
    var token: [String: Any] = [
      "id": id, "content": content, "special": special, "normalized": false, "lstrip": false,
      "rstrip": false, "single_word": false,
    ]
    for (key, value) in options { token[key] = value }
    return token
  }

  /// Calls `body` with a folder of JSON files, and removes it.
  package static func withFolder<Result>(
    _ files: [String: Any], _ body: (URL) throws -> Result
  ) throws -> Result {
    let folder = FileManager.default.temporaryDirectory.appending(path: UUID().uuidString)
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: folder) }
    for (name, content) in files {
      let data =
        if let text = content as? String {
          Data(text.utf8)
        } else {
          try JSONSerialization.data(withJSONObject: content)
        }
      try data.write(to: folder.appending(path: name))
    }
    return try body(folder)
  }

  package static func tokenizer(
    _ file: [String: Any], beside others: [String: Any] = [:]
  ) throws -> Tokenizer {
    try withFolder(others.merging(["tokenizer.json": file]) { $1 }) { try Tokenizer(folder: $0) }
  }
}
