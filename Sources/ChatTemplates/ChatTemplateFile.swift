import Foundation
import Tokenization

/// Where a model folder keeps its chat template.
enum ChatTemplateFile {
  /// The folder's chat template, or nil where it has none.
  static func read(in folder: URL) throws(TokenizerError) -> ChatTemplate? {
    let templates = try ModelTemplates(in: folder)
    guard let source = try templates.usual() else { return nil }
    return ChatTemplate(
      file: source.file, source: source.text,
      tokens: SequenceTokens(
        beginning: templates.specialTokens["bos_token"] ?? "",
        end: templates.specialTokens["eos_token"] ?? ""))
  }
}
