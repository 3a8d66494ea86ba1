package import Foundation
package import Jinja
package import ModelAccess
import Support
import Tokenization

/// A chat template with the special tokens that it is given, which writes any conversation as
/// transformers' `apply_chat_template` would.
package struct TemplateRendering: Sendable {
  /// Where the template stands, for messages.
  package let file: String
  private let source: String
  private let template: Template
  private let specialTokens: [String: String]

  /// - Parameters:
  ///   - source: The template's text.
  ///   - specialTokens: By the names that templates know them by, such as `bos_token`.
  /// - Throws: `ChatFormatError.template` where the text is none of the template language.
  package init(
    source: String, file: String, specialTokens: [String: String]
  ) throws(ChatFormatError) {
    self.file = file
    self.source = source
    self.specialTokens = specialTokens
    do throws(TemplateError) {
      template = try Template(source)
    } catch {
      throw .template(file: file, error)
    }
  }

  /// The template of a model's folder: the one of that name, else the usual one.
  ///
  /// - Throws: `ChatFormatError`: `noTemplate` where there is none, `configuration` where a file is
  ///   malformed, `template` where the text is none of the template language.
  package init(folder: URL, named name: String? = nil) throws(ChatFormatError) {
    let templates: ModelTemplates
    let found: ModelTemplates.Source?
    do throws(TokenizerError) {
      templates = try ModelTemplates(in: folder)
      found = if let name { templates.sources[name] } else { try templates.usual() }
    } catch {
      throw .configuration(error)
    }
    guard let found else { throw .noTemplate(folder: folder.path) }
    try self.init(
      source: found.text, file: found.file, specialTokens: templates.specialTokens)
  }

  /// Another template in place of a model's own.
  init(source: String, file: String, for folder: URL) throws(ChatFormatError) {
    let templates: ModelTemplates
    do throws(TokenizerError) {
      templates = try ModelTemplates(in: folder)
    } catch {
      throw .configuration(error)
    }
    try self.init(source: source, file: file, specialTokens: templates.specialTokens)
  }

  /// Whether it says in `{% generation %}` blocks what the model itself writes.
  var hasGeneration: Bool { template.hasGeneration }

  /// Whether a variable of that name is asked for anywhere.
  func reads(_ name: String) -> Bool { template.namesRead.contains(name) }

  /// Refuses arguments that the template never reads: what is asked for would not be done.
  func require(_ arguments: TemplateArguments) throws(ChatFormatError) {
    for name in arguments.values.keys.sorted() where !reads(name) {
      throw .unreadArgument(file: file, name: name)
    }
  }

  /// All that decides what it writes beside the conversation, its arguments and the day, which only counts
  /// where it asks for it.
  func identity(_ arguments: TemplateArguments, _ date: TemplateDate) -> String {
    let tokens = specialTokens.sorted { $0.key < $1.key }
    var parts = [
      source, JSONNode.object(of: tokens.map { ($0.key, .string($0.value)) }).serialized,
    ]
    parts.append(arguments.node.serialized)
    if template.namesRead.contains("strftime_now") { parts.append(date.description) }
    return Digest.sha256(Data(parts.joined(separator: "\n").utf8))
  }

  /// What the model is given for a conversation, in pieces by who wrote them: special tokens are to be
  /// read from the template's pieces alone. Text of message n is `.element(n)`.
  ///
  /// - Parameters:
  ///   - addsGenerationPrompt: Whether the text ends where the assistant's reply begins.
  ///   - arguments: Further variables, such as `enable_thinking`; they stand before those of the
  ///     same name here.
  ///   - now: The time that a template may write.
  /// - Throws: `ChatFormatError.template`, with the template's own words where it refuses.
  package func render(
    _ messages: [ChatMessage], addsGenerationPrompt: Bool,
    arguments: TemplateArguments = TemplateArguments(), now: Date = TemplateDate.standard.noon,
    timeZone: TimeZone = .gmt
  ) throws(ChatFormatError) -> Rendering {
    var variables = specialTokens.mapValues { Variable(.string($0), .template) }
    variables["messages"] = Variable(
      .array(
        messages.map {
          .object(of: [("role", .string($0.role.rawValue)), ("content", .string($0.content))])
        }), ownKeys: ["role"], tellsElementsApart: true)
    variables["tools"] = Variable(.null)
    variables["documents"] = Variable(.null)
    variables["add_generation_prompt"] = Variable(.boolean(addsGenerationPrompt))
    variables.merge(arguments.values.mapValues { Variable($0) }) { $1 }
    do throws(TemplateError) {
      return try template.render(variables, now: now, timeZone: timeZone)
    } catch {
      throw .template(file: file, error)
    }
  }
}
