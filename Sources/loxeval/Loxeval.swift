import ArgumentParser
import Foundation
import Synchronization

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

      Exit codes: 0 done; 1 gate breached; 2 error; 3 gate inconclusive; 64 usage.
      """,
    version: version,
    subcommands: [
      SweepCommand.self, EvaluateCommand.self, ReportCommand.self, GateCommand.self,
      JudgeCheckCommand.self, JudgeTrainCommand.self, ExtrapolateCommand.self, SpectrumCommand.self,
      AttackCommand.self,
      AlignCommand.self, CreateCommand.self,
      ServeCommand.self,
    ])

  /// Runs the command; errors of the work itself exit with 2, those of the command line with 64.
  static func main() async {
    do {
      let work = Task {
        var command = try parseAsRoot()
        if var asynchronous = command as? any AsyncParsableCommand {
          try await asynchronous.run()
        } else {
          try command.run()
        }
      }
      Interruption.onFirst { work.cancel() }
      try await work.value
    } catch is CancellationError {
      Console.error("interrupted; a sweep or evaluation continues with --resume")
      Foundation.exit(2)
    } catch {
      guard Self.exitCode(for: error) == .failure, !(error is ExitCode) else {
        Self.exit(withError: error)
      }
      Console.error("\(error)")
      Foundation.exit(2)
    }
  }
}

/// Ctrl-C and SIGTERM: the first asks the work to stop, the second ends the process.
enum Interruption {
  private nonisolated(unsafe) static var sources: [any DispatchSourceSignal] = []

  static func onFirst(_ action: @escaping @Sendable () -> Void) {
    let count = Atomic(0)
    for number in [SIGINT, SIGTERM] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler {
        if count.add(1, ordering: .relaxed).newValue > 1 { _exit(2) }
        action()
      }
      source.resume()
      // Set once, before any work begins.
      unsafe Self.sources.append(source)
    }
  }
}
