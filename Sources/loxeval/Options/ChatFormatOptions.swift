import ArgumentParser
import ChatTemplates
import Foundation

/// How conversations are written.
struct ChatFormatOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The chat format of a model without a chat template: "
        + NamedFormat.names.joined(separator: ", ") + ".", valueName: "name"),
    transform: { try NamedFormat($0) })
  var chatFormat: NamedFormat?

  @Option(
    help: ArgumentHelp(
      "A chat template (Jinja) in place of the model's own.", valueName: "file"),
    transform: { try ChatFormatChoice.source(file: URL(filePath: $0)) })
  var template: ChatFormatChoice.Source?

  @Option(
    help: ArgumentHelp(
      "A variable of the chat template with its value in JSON, such as enable_thinking=false. May be "
        + "repeated.", valueName: "name=value"))
  var templateArg: [String] = []

  @Option(
    help: ArgumentHelp(
      "The day that the chat template is told where it writes today's. (default: "
        + "\(TemplateDate.standard))", valueName: "yyyy-mm-dd"))
  var templateDate: TemplateDate?

  func validate() throws {
    guard chatFormat == nil || template == nil else {
      throw ValidationError(
        "--template: expected no --chat-format with it, which is another template")
    }
    _ = try arguments
  }

  private var arguments: TemplateArguments {
    get throws {
      var arguments = TemplateArguments()
      for text in templateArg {
        do {
          try arguments.add(assignment: text)
        } catch {
          throw ValidationError("--template-arg: \(error)")
        }
      }
      return arguments
    }
  }

  var choice: ChatFormatChoice {
    get throws {
      ChatFormatChoice(
        template ?? chatFormat.map { .named($0) } ?? .own(), arguments: try arguments,
        date: templateDate)
    }
  }

  /// The options that only concern who writes conversations itself.
  var givenForOwnWriting: String? {
    if chatFormat != nil { return "--chat-format" }
    if template != nil { return "--template" }
    return templateDate == nil ? nil : "--template-date"
  }
}

extension TemplateDate: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }
}
