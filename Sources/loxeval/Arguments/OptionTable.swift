import ArgumentParser
import Foundation
import Support

/// The options of a command, as the parser knows them: each takes a value, or several, or is a flag.
struct OptionTable {
  struct Entry: Hashable {
    /// The long name, without dashes.
    let name: String
    let letter: Character?
    let takesValue: Bool
    let isRepeating: Bool
  }

  /// The subcommand.
  let command: String
  private let entries: [Entry]

  init(_ command: any ParsableCommand.Type) throws {
    self.command = command._commandName
    let described = try JSONDecoder().decode(Described.self, from: Data(command._dumpHelp().utf8))
    entries = described.command.arguments.compactMap { argument in
      let names = argument.names ?? []
      guard let long = names.first(where: { $0.kind == "long" })?.name, argument.shouldDisplay,
        !["help", "version"].contains(long)
      else { return nil }
      return Entry(
        name: long, letter: names.first { $0.kind == "short" }?.name.first,
        takesValue: argument.kind == "option", isRepeating: argument.isRepeating)
    }
  }

  var names: [String] { entries.map(\.name) }

  func entry(_ name: some StringProtocol) -> Entry? { entries.first { $0.name == name } }

  func entry(_ letter: Character) -> Entry? { entries.first { $0.letter == letter } }

  /// What `--experimental-dump-help` prints, as far as it is needed.
  private struct Described: Decodable {
    struct Command: Decodable {
      var arguments: [Argument]
    }

    struct Argument: Decodable {
      struct Name: Decodable {
        var kind: String
        var name: String
      }

      var kind: String
      var shouldDisplay: Bool
      var isRepeating: Bool
      var names: [Name]?
    }

    var command: Command
  }
}
