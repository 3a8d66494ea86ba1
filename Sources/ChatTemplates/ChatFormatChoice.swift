package import Foundation
package import ModelAccess
import Support
package import Tokenization

/// How a user wants conversations written; by default as each model's own template writes them.
package struct ChatFormatChoice: Sendable {
  package enum Source: Sendable {
    /// The template of the model's folder, or of another folder where one is named.
    case own(of: URL? = nil)
    case named(NamedFormat)
    /// The template of a file, in place of the model's own.
    case file(path: String, text: String)
  }

  package var source: Source
  package var arguments: TemplateArguments
  /// nil is `TemplateDate.standard`.
  package var date: TemplateDate?

  package init(
    _ source: Source = .own(), arguments: TemplateArguments = TemplateArguments(),
    date: TemplateDate? = nil
  ) {
    self.source = source
    self.arguments = arguments
    self.date = date
  }

  /// The template of a file.
  ///
  /// - Throws: `ChatFormatError` where it cannot be read, or is none.
  package static func source(file: URL) throws(ChatFormatError) -> Source {
    let text: String
    do throws(InputFile.Fault) {
      text = try InputFile(file, .settings).text()
    } catch {
      throw .unreadable(file: file.path, reason: error.reason)
    }
    _ = try TemplateRendering(source: text, file: file.path, specialTokens: [:])
    return .file(path: file.path, text: text)
  }

  /// The name, where the format was chosen by one.
  package var name: String? {
    if case .named(let format) = source { format.name } else { nil }
  }

  /// What a run's plan holds of it beside the name; nil where all of it is as usual.
  package var settings: TemplateSettings? {
    var settings = TemplateSettings()
    if case .file(_, let text) = source { settings.file = Digest.sha256(Data(text.utf8)) }
    if !arguments.isEmpty { settings.arguments = arguments.node.serialized }
    settings.date = date?.description
    return settings == TemplateSettings() ? nil : settings
  }

  /// The choice for models without a template of their own, such as base models: that of another folder.
  package func falling(backTo folder: URL) -> ChatFormatChoice {
    guard case .own(nil) = source else { return self }
    var choice = self
    choice.source = .own(of: folder)
    return choice
  }

  /// How a model is to be talked to.
  ///
  /// - Throws: `ChatFormatError` where there is no template, it is none of the language, or does not read
  ///   one of the arguments.
  package func format(
    for folder: URL, with tokenizer: Tokenizer
  ) throws(ChatFormatError) -> ChatFormat {
    if case .named(let named) = source {
      return try ChatFormat(named, for: tokenizer, arguments: arguments, date: date ?? .standard)
    }
    return try ChatFormat(
      try template(for: folder), arguments: arguments, date: date ?? .standard)
  }

  /// Refuses arguments that the model's template does not read.
  package func requireReadArguments(by folder: URL) throws(ChatFormatError) {
    if !arguments.isEmpty { try template(for: folder).require(arguments) }
  }

  private func template(for folder: URL) throws(ChatFormatError) -> TemplateRendering {
    switch source {
    case .own(let other): try TemplateRendering(folder: other ?? folder)
    case .named(let named): try named.rendering(specialTokens: [:])
    case .file(let path, let text): try TemplateRendering(source: text, file: path, for: folder)
    }
  }
}

extension NamedFormat {
  func rendering(
    specialTokens: [String: String]
  ) throws(ChatFormatError) -> TemplateRendering {
    try TemplateRendering(
      source: source, file: "the chat format \(name)", specialTokens: specialTokens)
  }
}
