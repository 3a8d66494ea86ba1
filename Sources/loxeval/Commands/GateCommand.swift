import Analysis
import ArgumentParser
import Foundation
import Reporting
import Runs
import Studies
import Support

struct GateCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gate",
    abstract: "Passes or fails a run against limits and a baseline, for CI.",
    discussion: """
      Each limit is decided by the two-sided interval at --confidence: passed where the whole interval \
      keeps it, breached where the whole interval is beyond it and stays so against the number of limits \
      (Holm), else inconclusive, with the number of prompts that would decide with a chance of 80 %. \
      Replies of which nobody can say what they are (degenerate, filtered, without an answer, unscored) \
      count against the model where it would pass, and for it where it would breach.

      With --ledger, and of runs made with --until-decided, each limit is decided by a test that may be \
      looked at as often as one likes. A run made with --until-decided needs no limits here: it has its \
      own, and its own baseline. Where every reply is the baseline's, --max-increase passes at any number \
      of prompts; the first replies of a run that stopped early are not every one.

      Which cells: of a sweep every α > 0 (the models with LoX) under every attack and before any; of \
      an evaluation its one model. Over-refusal and utility are looked at before any attack unless \
      --attack says otherwise. The verdict is that of each set's first judge unless --judge names \
      others.

      Never passed, but an error: no samples, an unfinished run, replies without verdicts beyond \
      --max-unscored, a limit that nothing measures, a baseline with another dataset, prompt, judge, \
      decoding, attack recipe or model family, a cell that the baseline has and the run lacks. A \
      model whose replies are mostly degenerate breaches.

      Exit codes: 0 passed; 1 breached; 2 error; 3 inconclusive; 4 undecided although a run made with \
      --until-decided asked all that it may; 64 usage. An error outweighs a breach, a breach what is \
      undecided. With GITHUB_ACTIONS set, a step summary and annotations \
      are written too.
      """)

  @Argument(
    help: ArgumentHelp("The run's folder; with --plan it may be left out.", valueName: "run"))
  var folder: String?

  @OptionGroup(title: "Limits") var limits: GateLimitOptions
  @OptionGroup(title: "Cells") var cells: GateCellOptions
  @OptionGroup(title: "Evidence") var evidence: LedgerOptions
  @OptionGroup(title: "Planning") var planning: GatePlanOptions

  enum Strictness: String, ExpressibleByArgument, CaseIterable {
    case inconclusive
  }

  @Option(
    help: ArgumentHelp(
      "inconclusive: a limit that is not decided counts as breached (exit 1 instead of 3 or 4).",
      valueName: "inconclusive"))
  var failOn: Strictness?

  @Option(help: ArgumentHelp("Write the result as JUnit XML.", valueName: "file"))
  var junit: String?

  func validate() throws {
    guard folder != nil || planning.plan else {
      throw ValidationError("expected a run's folder, or --plan")
    }
    guard !planning.plan || evidence.ledger == nil else {
      throw ValidationError("--ledger: --plan counts nothing")
    }
  }

  func run() throws {
    if planning.plan {
      Screen.shared.print(try planning.table(folder, limits.limits, cells))
      return
    }
    let folder = folder ?? ""
    var gate = Gate(
      limits: limits.limits, selection: cells.selection,
      failsOnInconclusive: failOn == .inconclusive)
    if gate.limits.isEmpty {
      // A run that went on until it was decided says itself what it was held to.
      let plan = (try? RunManifest.read(from: URL(filePath: folder)))?.plan
      guard let sequential = plan?.sequential else {
        throw ValidationError(
          "expected a limit: --max-asr, --max-over-refusal, --min-utility or --baseline")
      }
      gate.limits = sequential.limits
    }
    let result = check(gate, folder)
    Screen.shared.print(GateTable.render(result))
    if let junit {
      let timestamp = Date.now.formatted(
        Date.ISO8601FormatStyle(timeZone: .gmt).year().month().day().time(
          includingFractionalSeconds: false))
      try AtomicFile.write(
        Data(JUnitReport.render(result, run: folder, timestamp: timestamp).utf8),
        to: URL(filePath: junit))
    }
    try tellGitHub(result, folder)
    if result.exitCode != 0 { throw ExitCode(result.exitCode) }
  }

  /// What cannot be read is a result too, so that reports of it are written.
  private func check(_ gate: Gate, _ folder: String) -> GateResult {
    do {
      let file = try evidence.open()
      let result = gate.check(
        try GateSubject(run: URL(filePath: folder)),
        baseline: try limits.baseline.map { try GateSubject(baseline: URL(filePath: $0)) },
        ledger: file.map {
          GateLedger(path: evidence.ledger ?? "", book: $0.book, isFresh: evidence.freshLedger)
        })
      if let book = result.book { try file?.write(book) }
      return result
    } catch {
      return GateResult(
        checks: [], problems: ["\(error)"], confidence: gate.limits.confidence,
        failsOnInconclusive: gate.failsOnInconclusive)
    }
  }

  private func tellGitHub(_ result: GateResult, _ folder: String) throws {
    let environment = ProcessInfo.processInfo.environment
    guard environment["GITHUB_ACTIONS"] != nil else { return }
    for line in GitHubOutput.annotations(result) { Screen.shared.printCommand(line) }
    guard let path = environment["GITHUB_STEP_SUMMARY"], !path.isEmpty else { return }
    // Other steps may have written there.
    let file = URL(filePath: path)
    let before = (try? Data(contentsOf: file)) ?? Data()
    try AtomicFile.write(
      before + Data(GitHubOutput.summary(result, run: folder).utf8), to: file)
  }
}
