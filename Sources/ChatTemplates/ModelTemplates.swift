import Foundation
import Support
import Tokenization

/// The chat templates of a model's folder, and the special tokens that they are given.
struct ModelTemplates {
  struct Source {
    var file: String
    var text: String
  }

  /// By name; the usual one is called `default`.
  private(set) var sources: [String: Source] = [:]
  /// By the names that templates know them by, such as `bos_token`.
  private(set) var specialTokens: [String: String] = [:]
  /// The list that names several templates, for what is said where none is the usual one.
  private var list: ConfigurationNode?

  /// `chat_template.jinja` and `additional_chat_templates/NAME.jinja`; in their absence
  /// `chat_template` of `tokenizer_config.json`, a text or a list of `{"name", "template"}`.
  init(in folder: URL) throws(TokenizerError) {
    let configuration = try ConfigurationNode.read(
      "tokenizer_config.json", in: folder, required: false)
    specialTokens = try Self.tokens(configuration)
    // Folders of older releases name tokens in a file of their own, which counts before the other.
    if configuration?["added_tokens_decoder"] == nil,
      let map = try ConfigurationNode.read("special_tokens_map.json", in: folder, required: false)
    {
      specialTokens.merge(try Self.tokens(map)) { $1 }
    }
    let main = folder.appending(path: "chat_template.jinja")
    if let source = try Self.read(main) {
      sources["default"] = source
    } else if let node = configuration?["chat_template"] {
      try take(node)
    }
    let further = folder.appending(path: "additional_chat_templates")
    let names = (try? FileManager.default.contentsOfDirectory(atPath: further.path)) ?? []
    for name in names where name.hasSuffix(".jinja") {
      sources[String(name.dropLast(".jinja".count))] =
        try Self.read(further.appending(path: name))
    }
  }

  /// The template called `default`, or the only one; nil where there is none at all.
  func usual() throws(TokenizerError) -> Source? {
    if let source = sources["default"] { return source }
    if sources.count == 1 { return sources.values.first }
    if let list { throw list.mismatch("a template named \"default\"") }
    return nil
  }

  private mutating func take(_ node: ConfigurationNode) throws(TokenizerError) {
    guard case .array = node.value else {
      sources["default"] = Source(file: "\(node.file), \(node.path)", text: try node.string())
      return
    }
    list = node
    for template in try node.elements() {
      let name = try template.required("name", "a name").string()
      let text = try template.required("template", "a template").string()
      sources[name] = Source(file: "\(template.file), \(template.path)", text: text)
    }
  }

  private static func read(_ url: URL) throws(TokenizerError) -> Source? {
    do throws(InputFile.Fault) {
      guard let file = try InputFile.ifPresent(url, .settings) else { return nil }
      return Source(file: url.path, text: try file.text())
    } catch {
      throw .unreadableFile(file: url.path, reason: error.reason)
    }
  }

  private static let tokenNames = ["bos", "eos", "unk", "sep", "pad", "cls", "mask"]
    .map { "\($0)_token" }

  /// The usual special tokens that a tokenizer has, and those that its model names itself: further texts
  /// called `…_token`, and the members of `extra_special_tokens`.
  private static func tokens(
    _ configuration: ConfigurationNode?
  ) throws(TokenizerError) -> [String: String] {
    guard let configuration else { return [:] }
    var tokens: [String: String] = [:]
    for member in try configuration.members() where member.key.hasSuffix("_token") {
      if let text = member.value.text { tokens[member.key] = text }
    }
    for name in tokenNames {
      if let node = configuration[name] { tokens[name] = try text(node) }
    }
    if let extra = configuration["extra_special_tokens"], case .object(let members) = extra.value {
      for member in members {
        if let node = extra[member.key] { tokens[member.key] = try text(node) }
      }
    }
    return tokens
  }

  /// A token given as a string or as `{"content": …}`.
  private static func text(_ node: ConfigurationNode) throws(TokenizerError) -> String {
    try (node["content"] ?? node).string()
  }
}
