import Foundation
import Runs
import Support

/// A study as a file that can be kept: the options of `sweep`, `evaluate` or `landscape` by their long names.
enum StudyFile {
  /// What is of one start and not of the study: where it writes, what is done with it now.
  static let ofOneStart: Set = [
    "config", "from", "plan", "calibrate", "format", "shards", "shard", "submit", "sbatch-options",
    "image",
    "export", "output", "resume", "max-time", "fresh-ledger", "quiet", "progress",
  ]

  struct Failure: Error, CustomStringConvertible {
    let place: String
    let reason: String
    var description: String { "\(place): \(reason)" }
  }

  /// Reads a file: an object of options, or what `--plan --format json` prints, which has them in `options`.
  static func read(_ path: String, _ table: OptionTable) throws -> GivenOptions {
    func failure(_ reason: String) -> Failure { Failure(place: path, reason: reason) }
    let node: JSONNode
    do {
      node = try JSONNode(parsing: [UInt8](InputFile(URL(filePath: path), .settings).body))
    } catch let error as JSONNode.SyntaxError {
      throw failure("expected JSON, found at byte \(error.offset): \(error.reason)")
    } catch let fault as InputFile.Fault {
      throw failure("cannot be read: \(fault.reason)")
    }
    guard node.members != nil else {
      throw failure(
        "expected an object of options such as {\"alpha\": \"0..2\"}, found \(node.kind)")
    }
    if let twice = node.duplicateKey {
      throw failure("expected each key once, found \(twice) again")
    }
    if let command = node["command"], let options = node["options"] {
      guard command.text == table.command else {
        throw failure("expected a study of \(table.command), found one of \(command.excerpt)")
      }
      return try self.options(options, table, failure)
    }
    return try options(node["options"] ?? node, table, failure)
  }

  private static func options(
    _ node: JSONNode, _ table: OptionTable, _ failure: (String) -> Failure
  ) throws -> GivenOptions {
    guard let members = node.members else {
      throw failure("options: expected an object, found \(node.kind)")
    }
    if let twice = node.duplicateKey {
      throw failure("expected each option once, found \(twice) again")
    }
    var arguments: [String] = []
    for member in members {
      let name = member.key
      guard let entry = table.entry(name), !["config", "from"].contains(name) else {
        throw failure(
          "\(name.shortened.debugDescription) is no option of a study of \(table.command)"
            + NearestName.question(name, among: table.names))
      }
      func wrong(_ expected: String, _ value: JSONNode) -> Failure {
        failure("\(name): expected \(expected), found \(value.kind)")
      }
      func text(_ value: JSONNode, _ expected: String) throws -> String {
        switch value {
        case .string(let text): return text
        case .number(let text): return text
        default: throw wrong(expected, value)
        }
      }
      if !entry.takesValue {
        guard let flag = member.value.flag else { throw wrong("true or false", member.value) }
        if flag { arguments.append("--\(name)") }
      } else if entry.isRepeating {
        let expected = "a text or a number, or a list of them"
        let values = member.value.elements ?? [member.value]
        arguments += try values.map { "--\(name)=\(try text($0, expected))" }
      } else {
        let several =
          member.value.elements == nil
          ? "" : " (several stand in one text, with commas between, where the option takes a list)"
        arguments.append(
          "--\(name)=\(try text(member.value, "a text or a number\(several)"))")
      }
    }
    return GivenOptions(arguments, table)
  }

  /// The options of a run's command, without what was of that start alone.
  static func read(run path: String, _ table: OptionTable) throws -> GivenOptions {
    let command = try RunManifest.read(from: URL(filePath: path)).environment.command
    func failure(_ reason: String) -> Failure { Failure(place: path, reason: reason) }
    guard let words = CommandTemplate.words(command), words.count > 1 else {
      throw failure("expected the command that began the run in its run.json, found \(command)")
    }
    guard words[1] == table.command else {
      throw failure(
        "expected a run of loxeval \(table.command), found one of loxeval \(words[1]); repeat it with that"
      )
    }
    var options = GivenOptions(words.dropFirst(2), table)
    guard let unknown = options.others.first else {
      options.remove { ofOneStart.contains($0.entry.name) }
      return options
    }
    throw failure(
      "its command has \(unknown), which is no option of \(table.command) in this release; give the options "
        + "yourself: \(command)")
  }

  /// Refuses what holds no more than the place of a secret, unless the command line gives it.
  static func requireWhole(_ options: GivenOptions, from place: String) throws(Failure) {
    for item in options.items where item.value?.contains(Secrets.mark) == true {
      throw Failure(
        place: place,
        reason:
          "--\(item.entry.name) held a key, which is never written down; give the option yourself")
    }
  }
}

// MARK: - Writing

/// One option's value in a study's file.
enum StudyOption: Encodable {
  case flag
  case one(String)
  case several([String])

  func encode(to encoder: any Encoder) throws {
    var container = encoder.singleValueContainer()
    switch self {
    case .flag: try container.encode(true)
    // A whole number is one, as people write it.
    case .one(let text):
      if let number = UInt64(text), "\(number)" == text {
        try container.encode(number)
      } else {
        try container.encode(text)
      }
    case .several(let texts): try container.encode(texts)
    }
  }
}

extension StudyFile {
  /// The options of a command line as a study's file has them, without keys.
  ///
  /// - Parameter secrets: of the command, which are left out.
  static func options(
    _ arguments: some Sequence<String>, _ table: OptionTable, hiding secrets: Secrets
  ) -> [String: StudyOption] {
    let given = GivenOptions(arguments, table)
    func clean(_ text: String) -> String { secrets.cleaned(Secrets.withoutCredentials(text)) }
    return given.items.reduce(into: [:]) { options, item in
      let name = item.entry.name
      guard !ofOneStart.contains(name) else { return }
      if item.entry.isRepeating {
        options[name] = .several(given.values(of: name).map(clean))
      } else {
        options[name] = item.value.map { .one(clean($0)) } ?? .flag
      }
    }
  }
}
