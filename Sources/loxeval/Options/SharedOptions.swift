import ArgumentParser
import Attacks
import Checkpoints
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import Studies
import Support

/// The two models of a study and the tensors that are changed.
struct PairOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model before alignment: a Hugging Face folder, or its name on the hub.",
      valueName: "dir|name"))
  var base: String

  @Option(
    help: ArgumentHelp(
      "The aligned model: a Hugging Face folder, or its name on the hub.", valueName: "dir|name"))
  var aligned: String

  @OptionGroup var targets: TargetOptions

  func open(_ folders: ModelFolders) throws -> AlignmentPair {
    try folders.pair(base: base, aligned: aligned, targets: targets.targets)
  }
}

/// Which tensors of a pair are changed.
struct TargetOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "Which tensors: all (of two dimensions), linear (without embeddings and head), or a regular "
        + "expression on names. (default: \(Targets.all))", valueName: "all|linear|regex"),
    transform: { try Targets(parsing: $0) })
  var targets = Targets.all
}

struct CommonOptions: ParsableArguments {
  @Flag(name: .shortAndLong, help: "Show no progress.")
  var quiet = false

  @Option(
    help:
      "How progress is told on stderr: text, or json, an object a line. (default: text)")
  var progress: ProgressForm?

  @Option(
    in: WorkerPool.threadRange, help: "Threads that compute; by default one for each processor.")
  var threads: Int?

  var threadCount: Int {
    threads ?? min(WorkerPool.processorCount, WorkerPool.threadRange.most)
  }

  func validate() throws {
    let name = "LOXEVAL_INSTRUCTIONS"
    guard let found = ProcessInfo.processInfo.environment[name],
      !Arithmetic.instructionSets.contains(found)
    else { return }
    throw ValidationError(
      "\(name): expected one of \(Arithmetic.instructionSets.joined(separator: ", ")), found \(found)"
    )
  }

  /// Sets the process up and returns where progress goes.
  func start() -> Console {
    if progress == .json { Screen.shared.tellsJSON = true }
    return Console(isQuiet: quiet)
  }
}

extension ProgressForm: ExpressibleByArgument {}

extension Arithmetic: ExpressibleByArgument {
  /// Of every command that computes.
  static let help: ArgumentHelp =
    "In which numbers this program multiplies with weights, in trainings and in its own server: float32, or bfloat16, which is faster where the processor has it (AMX, AVX512-BF16) and less exact; sums, norms and attention stay float32."
}

/// The command line, for a run's record.
enum RecordedCommand {
  /// As a shell would read it; the program by its name alone.
  ///
  /// - Parameter secrets: of the command, which are left out.
  static func text(hiding secrets: Secrets) -> String {
    secrets.cleaned(
      (["loxeval"] + CommandArguments.all).map {
        CommandTemplate.quoted(Secrets.withoutCredentials($0))
      }.joined(separator: " "))
  }
}

/// `DIR` or `DIR:SCALE`, or a name on the hub in place of the folder; a folder that is there wins over a scale in
/// its name.
struct AdapterArgument {
  private let place: String
  let scale: Double

  /// Those that float32, in which models are served, holds.
  private static let scales = NumberRange(
    -Double(Float.greatestFiniteMagnitude)...Double(Float.greatestFiniteMagnitude))

  init(argument: String) throws {
    guard let (path, scale) = PathList.scaled(argument), Self.scales.contains(scale ?? 1) else {
      throw Expected(
        description: "expected a folder, and behind a colon its scale, \(Self.scales.phrase)")
    }
    place = path
    self.scale = scale ?? 1
  }

  /// - Parameter warnsOfScale: whether to say that it changes nothing at its scale; else only where it changes
  ///   nothing at any.
  func load(
    for checkpoint: Checkpoint, _ folders: ModelFolders, warnsOfScale: Bool = true
  ) throws -> SingleEvaluation.Adapter {
    let folder = try folders.adapter(place, as: "adapter")
    let update = try LowRankUpdate(peftFolder: folder, checkpoint: checkpoint)
    if let reason = update.zeroReason {
      Console.warning("\(folder.relativePath): the adapter changes nothing: \(reason)")
    } else if warnsOfScale, scale == 0 {
      Console.warning("\(folder.relativePath): the adapter changes nothing at scale 0")
    }
    return SingleEvaluation.Adapter(labels: folder.labels, update: update, scale: scale)
  }
}

/// A size in memory: a whole number, of bytes or with K, M, G or T for powers of 1,024; at most 2⁶³
/// bytes.
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
