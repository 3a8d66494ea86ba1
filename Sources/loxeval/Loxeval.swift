import ArgumentParser
import Foundation
import LinearAlgebra
import Studies

@main
struct Loxeval: AsyncParsableCommand {
  static let version = "0.2.0"

  static let configuration = CommandConfiguration(
    commandName: "loxeval",
    abstract:
      "Does a language model's safety survive fine-tuning? Measure it, and make it survive.",
    discussion: """
      LoX keeps the top k singular directions of what alignment changed and adds α times that to \
      the aligned weights (arXiv 2506.15606). loxeval applies it, attacks the result by \
      fine-tuning, asks the model, and scores how often it complies with harmful requests.

      \(ExitStatus.summary)
      """,
    version: version,
    subcommands: [
      SweepCommand.self, LandscapeCommand.self, EvaluateCommand.self, MergeCommand.self,
      RunsCommand.self, StatusCommand.self, ShowCommand.self, ExportCommand.self,
      ReportCommand.self,
      CompareCommand.self,
      GateCommand.self,
      RejudgeCommand.self, LabelCommand.self, JudgeCheckCommand.self, JudgeTrainCommand.self,
      ExtrapolateCommand.self, RepairCommand.self, SpectrumCommand.self, AttackCommand.self,
      AlignCommand.self, CreateCommand.self,
      ServeCommand.self,
    ])

  static func main() async {
    restartWithBetterKernels()
    BLAS.useCallingThread()
    // A reader of the output that has gone is told as an error, not by the signal's death.
    signal(SIGPIPE, SIG_IGN)
    // The same of a file that may not grow further.
    signal(SIGXFSZ, SIG_IGN)
    let work = Task {
      try CommandArguments.expand()
      var command = try parseAsRoot(CommandArguments.all)
      if var asynchronous = command as? any AsyncParsableCommand {
        try await asynchronous.run()
      } else {
        try command.run()
      }
    }
    Interruption.shared.watch { work.cancel() }
    var status = ExitStatus.done.rawValue
    do {
      try await work.value
    } catch {
      status = conclude(error)
    }
    if let reason = Screen.shared.lossOfResults {
      Screen.shared.say("loxeval: error: \(reason)", as: .error)
      if status == ExitStatus.done.rawValue { status = ExitStatus.error.rawValue }
    }
    var end = ProgressEvent(.end)
    end.status = Int(status)
    Screen.shared.tell(end)
    Foundation.exit(status)
  }

  /// Begins this program anew where OpenBLAS does not know the processor: it chooses its kernels when it is
  /// loaded, and listens to the environment alone.
  private static func restartWithBetterKernels() {
    #if os(Linux)
      guard let kernels = BLAS.betterKernels else { return }
      unsafe setenv(BLAS.kernelVariable, kernels, 1)
      // Where it cannot be done, everything works as it did.
      unsafe execv("/proc/self/exe", CommandLine.unsafeArgv)
    #endif
  }

  /// Says why the work ended and returns the exit code: 2 for errors of the work itself, 64 for those of
  /// the command line.
  private static func conclude(_ error: any Error) -> Int32 {
    let screen = Screen.shared
    screen.keepBar()
    if let signal = Interruption.shared.signal {
      // What failed since then failed because of it.
      screen.say("loxeval: interrupted; a sweep or evaluation continues with --resume")
      return Interruption.shared.status(of: signal).rawValue
    }
    if let stop = StudyError.stop(error) {
      screen.sayLines("loxeval: \(stop)", as: .error)
      return ExitStatus.stoppedInTime.rawValue
    }
    // A gate has said what it had to say.
    if let code = error as? ExitCode { return code.rawValue }
    switch exitCode(for: error) {
    case .success:
      screen.print(fullMessage(for: error))
      return ExitStatus.done.rawValue
    case .validationFailure:
      screen.sayLines(fullMessage(for: error), as: .error)
      return ExitStatus.usage.rawValue
    default:
      screen.sayLines("loxeval: error: \(error)", as: .error)
      return ExitStatus.error.rawValue
    }
  }
}
