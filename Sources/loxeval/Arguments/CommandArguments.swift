import ArgumentParser
import Synchronization

/// The arguments of this process behind the program's name, with the study that `--config` and `--from` stand for in
/// their place: what is parsed, recorded and handed on to machines says all by itself.
enum CommandArguments {
  private static let current = Mutex(Array(CommandLine.arguments.dropFirst()))

  static var all: [String] { current.withLock { $0 } }

  /// Puts the options of a study's file and of a run in their place. Call it before the arguments are parsed.
  static func expand() throws {
    let arguments = try expanded(all)
    current.withLock { $0 = arguments }
  }

  /// Commands whose options may come from a file or a run.
  static var studies: [any ParsableCommand.Type] {
    [SweepCommand.self, EvaluateCommand.self, LandscapeCommand.self]
  }

  /// The command line's own options win over those of the file, and these over those of the run.
  static func expanded(_ arguments: [String]) throws -> [String] {
    guard let name = arguments.first,
      let command = studies.first(where: { $0._commandName == name }),
      // The table of options is made where it is needed alone: it takes its time.
      arguments.contains(where: { $0.hasPrefix("--config") || $0.hasPrefix("--from") })
    else { return arguments }
    let table = try OptionTable(command)
    var given = GivenOptions(arguments.dropFirst(), table)
    let (files, runs) = (given.values(of: "config"), given.values(of: "from"))
    guard !(files.isEmpty && runs.isEmpty) else { return arguments }
    given.remove { ["config", "from"].contains($0.entry.name) && $0.value != nil }
    let own = given.items.flatMap(\.words) + given.others
    let named = Set(given.items.map(\.entry.name))
    var study = GivenOptions([], table)
    // Of an option that is given twice the last counts, as of any.
    if let run = runs.last {
      study = try StudyFile.read(run: run, table)
      study.remove { named.contains($0.entry.name) }
      try StudyFile.requireWhole(study, from: run)
    }
    if let file = files.last {
      var options = try StudyFile.read(file, table)
      options.remove { named.contains($0.entry.name) }
      try StudyFile.requireWhole(options, from: file)
      study = options.over(study)
    }
    return [name] + study.items.map(\.argument) + own
  }
}
