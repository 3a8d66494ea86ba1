import Foundation
import Support

/// The command of a study as other machines are to run it: a shard each, and then the merge.
package struct ShardedCommand: Hashable, Sendable {
  /// The program, as those machines find it.
  package let program: String
  /// Of `sweep`, without what says how it is divided.
  package let arguments: [String]
  /// Where relative paths begin.
  package let directory: String
  /// The run's folder.
  package let run: String
  package let shards: Int

  /// Options that say how a study is planned or divided, and with how many values.
  private static let planning = [
    "--plan": 0, "--format": 1, "--shards": 1, "--shard": 1, "--submit": 1, "--sbatch-options": 1,
    "--resume": 0,
  ]

  /// - Parameters:
  ///   - arguments: of the command line that plans the study, from the subcommand on.
  package init(
    program: String, arguments: [String], directory: String, run: String, shards: Int
  ) {
    self.program = program
    self.directory = directory
    self.run = run
    self.shards = shards
    var kept: [String] = []
    var rest = arguments[...]
    while let argument = rest.popFirst() {
      let name = argument.split(separator: "=", maxSplits: 1).first.map(String.init) ?? argument
      guard let values = Self.planning[name] else {
        kept.append(argument)
        continue
      }
      if !argument.contains("=") { rest = rest.dropFirst(values) }
    }
    self.arguments = kept
  }

  /// For a shell. It begins the shard, and goes on with it where it was begun.
  ///
  /// - Parameter index: the shard's number, or an expression in double quotes that the shell makes it of.
  func shard(_ index: String) -> String {
    ([program] + arguments).map(CommandTemplate.quoted).joined(separator: " ")
      + " --resume --shard \(index)/\(shards)"
  }

  /// For a shell.
  var merge: String {
    [program, "merge", run].map(CommandTemplate.quoted).joined(separator: " ")
  }

  var changesDirectory: String { "cd \(CommandTemplate.quoted(directory))" }

  /// A name for it in lists of jobs.
  var name: String {
    "loxeval-"
      + URL(filePath: run).lastPathComponent.filter {
        $0.isASCII && ($0.isLetter || $0.isNumber || "-_.".contains($0))
      }.prefix(40)
  }

  /// A line for each shard, for GNU parallel, ssh or a terminal, and the merge as a comment.
  package var lines: String {
    ((1...shards).map { "\(changesDirectory) && \(shard("\($0)"))" }
      + ["# when all are done: \(changesDirectory) && \(merge)"]).joined(separator: "\n") + "\n"
  }
}
