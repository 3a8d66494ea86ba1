import ArgumentParser
import Foundation
import Runs
import StudyDesign
import Support

/// How a study is planned, and divided among machines.
struct MachineOptions: ParsableArguments {
  enum Format: String, ExpressibleByArgument, CaseIterable {
    case text, json, slurm, kubernetes, commands

    /// Whether it is for machines that do a shard each.
    var isDivided: Bool { self != .text && self != .json }
  }

  enum Scheduler: String, ExpressibleByArgument, CaseIterable {
    case slurm
  }

  @Flag(
    help:
      "Plan the study and stop: the cells (id, the model's id as --cells wants it, updates), or as --format says."
  )
  var plan = false

  @Option(
    help: ArgumentHelp(
      "What --plan gives: text; json; slurm (an array job with a task for each of --shards, and the job that "
        + "merges them, written to jobs/ in --output and shown); kubernetes (an indexed Job); commands (one a "
        + "shard, for GNU parallel or ssh). (default: text)", valueName: "name"))
  var format: Format?

  @Option(
    in: NumberRange(1...Shard.most),
    help: "Into how many shards --plan or --submit divides the study.")
  var shards: Int?

  @Option(
    help: ArgumentHelp(
      "Write the jobs of --plan --format slurm, show them, and submit them.", valueName: "slurm"))
  var submit: Scheduler?

  @Option(
    help: ArgumentHelp(
      "Further options of the array job, such as \"--partition=gpu --gres=gpu:1 --time=8:00:00\".",
      valueName: "text"))
  var sbatchOptions: String?

  @Option(
    help: ArgumentHelp(
      "The image of --format kubernetes; it holds the program as loxeval. (default: loxeval:\(Loxeval.version))",
      valueName: "name"))
  var image: String?

  /// Whether the study is planned or submitted, and not done here.
  var isPlan: Bool { plan || submit != nil }

  private var isDivided: Bool { submit != nil || format?.isDivided ?? false }

  func validate(output: String?) throws {
    guard plan || format == nil else { throw ValidationError("--format: expected --plan with it") }
    guard submit == nil || !plan else {
      throw ValidationError("--submit: --plan only plans; leave one of the two out")
    }
    guard isDivided else {
      guard shards == nil || plan else {
        throw ValidationError(
          "--shards: expected --plan or --submit with it; one of them is --shard I/N")
      }
      guard sbatchOptions == nil, image == nil else {
        throw ValidationError(
          "--sbatch-options, --image: expected --submit slurm, or --plan --format slurm or kubernetes"
        )
      }
      return
    }
    let what = submit.map { "--submit \($0.rawValue)" } ?? "--format \(format?.rawValue ?? "")"
    guard shards != nil else { throw ValidationError("\(what): expected --shards, found none") }
    guard output != nil else {
      throw ValidationError(
        "\(what): expected --output with the run's folder, which all shards share")
    }
    _ = try furtherOptions
    guard sbatchOptions == nil || submit != nil || format == .slurm else {
      throw ValidationError("--sbatch-options: expected --submit slurm or --format slurm")
    }
    guard image == nil || format == .kubernetes else {
      throw ValidationError("--image: expected --format kubernetes")
    }
  }

  /// The words of `--sbatch-options`.
  private var furtherOptions: [String] {
    get throws {
      guard let words = CommandTemplate.words(sbatchOptions ?? "") else {
        throw ValidationError(
          "--sbatch-options: expected each quotation to end, found one that does not")
      }
      return words
    }
  }

  /// Shows the plan, or what machines are to do; submits it where that is asked for.
  ///
  /// - Parameters:
  ///   - output: the run's folder.
  ///   - show: shows the plan itself in a form.
  func carryOut(output: String?, show: (Format) throws -> Void) throws {
    guard isDivided, let shards, let output else { return try show(format ?? .text) }
    let command = Self.command(shards: shards, run: output, isInImage: format == .kubernetes)
    switch (submit, format) {
    case (_, .commands): Screen.shared.print(String(command.lines.dropLast()))
    case (_, .kubernetes):
      let job = KubernetesJob(command, image: image ?? "loxeval:\(Loxeval.version)")
      Screen.shared.print(String(job.manifest.dropLast()))
    default:
      let jobs = SlurmJobs(command, options: try furtherOptions)
      let files = try jobs.write()
      for (file, text) in zip(files, [jobs.array, jobs.merge]) {
        Screen.shared.print("# \(file.relativePath)\n\(text)")
      }
      guard submit != nil else { return }
      let submitted = try SlurmSubmission.submit(files)
      Screen.shared.print(
        "submitted the shards as job \(submitted.shards) and the merge as job \(submitted.merge); loxeval status "
          + "\(output) says how far they are")
    }
  }

  private static func command(shards: Int, run: String, isInImage: Bool) -> ShardedCommand {
    let program =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? CommandLine.arguments[0]
    return ShardedCommand(
      program: isInImage ? "loxeval" : program, arguments: CommandArguments.all,
      directory: FileManager.default.currentDirectoryPath, run: run, shards: shards)
  }
}
