import ArgumentParser
import Attacks
import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import Studies

/// The two models of a study and the tensors that are changed.
struct PairOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The model before alignment: a Hugging Face folder.", valueName: "dir"))
  var base: String

  @Option(help: ArgumentHelp("The aligned model: a Hugging Face folder.", valueName: "dir"))
  var aligned: String

  @OptionGroup var targets: TargetOptions

  func open() throws -> AlignmentPair { try targets.open(base: base, aligned: aligned) }
}

/// Which tensors of a pair are changed.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which tensors: all (of two dimensions), linear (without embeddings and head), or a regular "
        + "expression on names.", valueName: "all|linear|regex"))
  var targets = "all"

  func validate() throws {
    do { _ = try Targets(parsing: targets) } catch { throw ValidationError("--targets: \(error)") }
  }

  func open(base: String, aligned: String) throws -> AlignmentPair {
    try AlignmentPair(
      base: Checkpoint(folder: URL(filePath: base)),
      aligned: Checkpoint(folder: URL(filePath: aligned)), targets: Targets(parsing: targets))
  }
}

struct CommonOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  @Option(help: "Threads that compute; by default one for each processor.")
  var threads: Int?

  func validate() throws {
    if let threads, threads < 1 {
      throw ValidationError("--threads: expected at least 1, found \(threads)")
    }
  }

  var threadCount: Int { threads ?? WorkerPool.processorCount }

  /// Sets the process up and returns where progress goes.
  func start() -> Console {
    BLAS.setThreadCount(threadCount)
    return Console(isQuiet: quiet)
  }
}

/// Reads `--rank` of commands that take one.
func parseRank(_ text: String) throws -> Rank {
  do { return try Rank(parsing: text) } catch { throw ValidationError("--rank: \(error)") }
}

/// `DIR` or `DIR:SCALE`.
struct AdapterArgument: ExpressibleByArgument {
  let folder: URL
  let scale: Double

  init?(argument: String) {
    // A colon inside a path is fine as long as no number follows the last one.
    if let colon = argument.lastIndex(of: ":"),
      let scale = Double(argument[argument.index(after: colon)...]), scale.isFinite
    {
      folder = URL(filePath: String(argument[..<colon]))
      self.scale = scale
    } else {
      folder = URL(filePath: argument)
      scale = 1
    }
  }

  func load(
    for checkpoint: Checkpoint
  ) throws -> SingleEvaluation.Adapter {
    SingleEvaluation.Adapter(
      labels: folder.labels,
      update: try LowRankUpdate(peftFolder: folder, checkpoint: checkpoint), scale: scale)
  }
}

/// A share from 0 to 1, written as 0.1 or 10%.
struct ShareArgument: ExpressibleByArgument, CustomStringConvertible {
  let value: Double

  init(_ value: Double) { self.value = value }

  init?(argument: String) {
    let isPercent = argument.hasSuffix("%")
    guard let number = Double(isPercent ? String(argument.dropLast()) : argument) else {
      return nil
    }
    let share = isPercent ? number / 100 : number
    guard (0...1).contains(share) else { return nil }
    value = share
  }

  var description: String { "\(value)" }
  var defaultValueDescription: String { description }
}

/// A size in memory: a whole number, of bytes or with K, M, G or T for powers of 1,024.
struct ByteCount: ExpressibleByArgument, CustomStringConvertible {
  let bytes: Int

  init(bytes: Int) { self.bytes = bytes }

  init?(argument: String) {
    let units = ["K": 10, "M": 20, "G": 30, "T": 40]
    let shift = argument.last.flatMap { units[$0.uppercased()] }
    guard let number = Int(shift == nil ? argument : String(argument.dropLast())), number > 0,
      case let bytes = number << (shift ?? 0), bytes >> (shift ?? 0) == number
    else { return nil }
    self.bytes = bytes
  }

  var description: String {
    bytes % (1 << 30) == 0 ? "\(bytes >> 30)G" : "\(bytes)"
  }
}

extension Console {
  /// Says what of a pair is treated specially.
  func note(of pair: AlignmentPair) {
    for vocabulary in pair.grownVocabularies {
      note(
        "tensor \(vocabulary.name): \(vocabulary.base) tokens in the base model, "
          + "\(vocabulary.aligned) in the aligned one; the rows of the first "
          + "\(min(vocabulary.base, vocabulary.aligned)) are compared, others stay as they are")
    }
  }
}
