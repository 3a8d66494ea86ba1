import ChatTemplates
import Foundation
import ModelAccess
import Support
import TestSupport
import Testing
import TinyTokenizer
import Tokenization

/// Published templates: what of a dialogue is trained on.
@Suite struct PublishedTemplateTests {
  private static let golden = "golden/chat-templates"
  private static let folder = SharedMaterial.folder.appending(path: golden)

  private static let names: [String] = {
    let files = try? FileManager.default.contentsOfDirectory(atPath: folder.path)
    return (files ?? []).filter { $0.hasSuffix(".jinja") }.map { String($0.dropLast(6)) }.sorted()
  }()

  private static let dialogue = [
    ChatFormatTests.user("Alpha"), ChatFormatTests.assistant("Beta"),
    ChatFormatTests.user("Gamma"), ChatFormatTests.assistant("Delta"),
  ]

  /// The texts of the stretches that are trained on; nil where the template is refused with the reason.
  private static func trained(_ name: String) throws -> [String]? {
    let source = try String(
      contentsOf: folder.appending(path: "\(name).jinja"), encoding: .utf8)
    let golden = try JSONNode(
      parsing: Array(Data(contentsOf: folder.appending(path: "\(name).json"))))
    let tokens = ["bos_token", "eos_token"].compactMap { key in
      golden[key]?.text.flatMap { $0.isEmpty ? nil : (key, $0) }
    }
    var files: [String: Any] = [
      "tokenizer.json": TokenizerFixture.byteLevel(special: Set(tokens.map(\.1)).sorted()),
      "tokenizer_config.json": Dictionary(uniqueKeysWithValues: tokens),
    ]
    files["chat_template.jinja"] = source
    return try TokenizerFixture.withFolder(files) { folder in
      let tokenizer = try Tokenizer(folder: folder)
      let format = try ChatFormat(folder: folder)
      let ids: [Int]
      let flags: [Bool]
      do throws(ChatFormatError) {
        (ids, flags) = try format.encodeForTraining(dialogue, with: tokenizer)
      } catch {
        guard case .unclearReply = error else { throw error }
        return nil
      }
      // Cutting the text changes nothing of it.
      #expect(
        tokenizer.decode(ids, skipSpecialTokens: false)
          == (try format.render(dialogue, ending: .none)), "\(name)")
      return zip(ids, flags).split { !$0.1 }
        .map { tokenizer.decode($0.map(\.0), skipSpecialTokens: false) }
    }
  }

  /// Whose replies stand behind words or marks of thoughts that no prompt for a reply ends with.
  private static let unclear: Set = [
    "llamacpp__Cohere2MoE", "llamacpp__CohereForAI-c4ai-command-r7b-12-2024-tool_use",
    "llamacpp__deepseek-ai-DeepSeek-V3.2", "test-cpp__yandex_YandexGPT-5-Lite-8B-instruct",
  ]

  @Test(
    .enabled(if: SharedMaterial.has(golden), "needs shared/golden/chat-templates"))
  func repliesAreLearnedAndNothingThatWasAsked() throws {
    var refused: Set<String> = []
    for name in Self.names {
      guard let stretches = try Self.trained(name) else {
        refused.insert(name)
        continue
      }
      let text = stretches.joined(separator: "|")
      #expect(
        text.contains("Delta") && !text.contains("Alpha") && !text.contains("Gamma"), "\(name)")
      // Some keep the last reply of a dialogue alone.
      #expect(
        stretches.count == 2 && stretches[0].contains("Beta") || stretches.count == 1, "\(name)")
    }
    #expect(refused == Self.unclear)
  }
}
