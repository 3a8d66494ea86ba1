import Foundation
import Support
import Tokenization

/// Where a model folder keeps its chat template.
enum ChatTemplateFile {
  /// The folder's chat template, or nil where it has none.
  static func read(in folder: URL) throws(TokenizerError) -> ChatTemplate? {
    let configuration = try ConfigurationNode.read(
      "tokenizer_config.json", in: folder, required: false)
    let tokens = SequenceTokens(
      beginning: try text(configuration?["bos_token"]), end: try text(configuration?["eos_token"]))
    let url = folder.appending(path: "chat_template.jinja")
    do throws(InputFile.Fault) {
      if let source = try InputFile.ifPresent(url, .settings)?.text() {
        return ChatTemplate(file: url.path, source: source, tokens: tokens)
      }
    } catch {
      throw .unreadableFile(file: url.path, reason: error.reason)
    }
    guard let node = configuration?["chat_template"], let source = try source(node) else {
      return nil
    }
    return ChatTemplate(file: node.file, source: source, tokens: tokens)
  }

  /// A template given as a string, or as a list of `{"name", "template"}`.
  private static func source(_ node: ConfigurationNode) throws(TokenizerError) -> String? {
    guard case .array = node.value else { return try node.string() }
    let templates = try node.elements()
    for template in templates where try template.required("name", "a name").string() == "default" {
      return try template.required("template", "a template").string()
    }
    guard let only = templates.first, templates.count == 1 else {
      throw node.mismatch("a template named \"default\"")
    }
    return try only.required("template", "a template").string()
  }

  /// A token given as a string or as `{"content": …}`.
  private static func text(_ node: ConfigurationNode?) throws(TokenizerError) -> String {
    guard let node else { return "" }
    return try (node["content"] ?? node).string()
  }
}
