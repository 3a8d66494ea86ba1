import ArgumentParser
import Checkpoints
import Foundation
import Inference
import LinearAlgebra
import PromptSets
import Runs
import Studies
import Support

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures one model, with adapters if wanted, one endpoint, or replies of elsewhere.",
    discussion: """
      With --endpoint any OpenAI-compatible server is asked; its key is read from LOXEVAL_API_KEY \
      or OPENAI_API_KEY and never written anywhere. With --replies no model is asked: what others \
      generated is judged, counted and reported as a run's own replies are.
      """)

  struct SubjectOptions: ParsableArguments {
    @Option(
      help: ArgumentHelp(
        "A Hugging Face folder, or a model's name on the hub, such as org/name[@revision].",
        valueName: "dir|name"))
    var model: String?

    @Option(
      help: ArgumentHelp(
        "A PEFT folder, or its name on the hub, to put on the model, with its scale (1). May be repeated.",
        valueName: "dir[:scale]"),
      transform: AdapterArgument.init(argument:))
    var adapter: [AdapterArgument] = []

    @Option(
      help: ArgumentHelp(
        "Replies that are there already: JSON lines or a list with prompt and response, an inspect log (JSON), "
          + "HarmBench completions, a JailbreakBench artifact, lm-eval samples. The set is called by the file's "
          + "name, or NAME; with --dataset each reply belongs to a prompt of those. May be repeated.",
        valueName: "[name=]file"))
    var replies: [RepliesArgument] = []
  }

  @OptionGroup(title: "Model") var subject: SubjectOptions
  @OptionGroup(title: "Model") var planning: PlanOptions
  @OptionGroup(title: "Servers") var servers: ServerOptions
  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "Measurement") var prompting: PromptAttackOptions
  @OptionGroup(title: "Deciding") var deciding: DecidingOptions
  @OptionGroup(title: "Costs") var costs: CostOptions
  @OptionGroup(title: "General") var common: CommonOptions
  @OptionGroup(title: "General") var file: StudyFileOptions

  func validate() throws {
    let subjects = [subject.model != nil, servers.isGiven, !subject.replies.isEmpty]
    guard subjects.count(where: { $0 }) == 1 else {
      throw ValidationError(
        "expected one of --model, --endpoint (or --endpoints-file, --endpoints-command) and --replies"
      )
    }
    if !subject.replies.isEmpty {
      if let option = prompting.isGiven ? "--prompt-attack" : measurement.givenForAsking {
        throw ValidationError("\(option): expected no --replies with it, which nobody is asked for")
      }
      guard !deciding.untilDecided else {
        throw ValidationError(
          "--until-decided: expected no --replies with it; all of them are there")
      }
    }
    try costs.validate(
      isPlan: planning.plan,
      isPaid: !servers.endpoint.isEmpty || !measurement.judging.judgeEndpoint.isEmpty,
      omitted: measurement.omitted(servers))
    if costs.calibrate, !subject.replies.isEmpty {
      throw ValidationError("--calibrate: expected no --replies with it, which nobody is asked for")
    }
    if subject.model == nil && !subject.adapter.isEmpty {
      throw ValidationError(
        "--adapter: expected --model with it; an endpoint serves what it serves")
    }
    if subject.model == nil, measurement.arithmetic != .float32 {
      throw ValidationError(
        "--arithmetic: expected --model with it; an endpoint computes as it was started")
    }
    if subject.model == nil, let option = measurement.writing.givenForOwnWriting {
      throw ValidationError(
        "\(option): expected --model with it; an endpoint writes conversations its own way, and takes "
          + "--template-arg")
    }
  }

  func run() async throws {
    let console = common.start()
    let secrets = try measurement.secrets(servers)
    let book = try costs.book(in: measurement.folder)
    let folders = ModelFolders(console, run: measurement.folder)
    let measured: SingleEvaluation.Subject
    var recorded: [RecordedSet]?
    if !subject.replies.isEmpty {
      let sets = try recordedSets(console)
      recorded = sets
      measured = .recorded(
        sets, models: sets.map { servers.modelName ?? $0.model ?? Self.unnamedModel })
    } else if let model = subject.model {
      measured = try await folders.wait { folders in
        let checkpoint = try Checkpoint(folder: folders.model(model, as: "model"))
        return .folder(
          checkpoint, adapters: try subject.adapter.map { try $0.load(for: checkpoint, folders) })
      }
    } else {
      measured = .endpoints(
        ServersAsTheyAre(
          replicas: try servers.replicas(hiding: secrets),
          connection: try servers.connection(
            continuing: measurement.continued, writing: measurement.writing.choice,
            meter: book?.meter(of: .models))))
    }
    var evaluation = SingleEvaluation(
      subject: measured,
      measurement: try measurement.measurement(
        threads: common.threadCount,
        judges: planning.plan
          ? []
          : await measurement.judges(servers, meter: book?.meter(of: .judges)) { console.note($0) },
        secrets: secrets, prompting: prompting, deciding: deciding, recorded: recorded),
      chatFormat: try measurement.writing.choice)
    evaluation.measurement.sources = folders.sources
    evaluation.measurement.spending = book
    if planning.plan { return try await planned(evaluation, console, hiding: secrets) }
    if let bound = try await bound(evaluation, hiding: secrets) { console.note("\(bound)") }
    let folder = try await evaluation.run { console.show($0) }
    try folder.finish(console, ledger: evaluation.measurement.ledger)
  }

  /// What it can cost; nil where nobody gave prices.
  private func bound(
    _ evaluation: SingleEvaluation, hiding secrets: Secrets
  ) async throws -> CostBound? {
    guard let book = evaluation.measurement.spending else { return nil }
    return try await evaluation.measurement.costBound(
      of: evaluation.cells, book.spending, isPaid: !servers.endpoint.isEmpty,
      judging: measurement.judging.source(hiding: secrets))
  }

  /// Shows the plan.
  private func planned(
    _ evaluation: SingleEvaluation, _ console: Console, hiding secrets: Secrets
  ) async throws {
    let measurement = evaluation.measurement
    let cells = evaluation.cells
    var plan = PlannedCells(cells, of: measurement)
    plan.bound = try await bound(evaluation, hiding: secrets)
    if costs.calibrate {
      plan.estimate = try await evaluation.estimate(judging: self.measurement.judging.asking) {
        console.show($0)
      }
    }
    switch planning.format ?? .text {
    case .json: try plan.showJSON(command: Self.self, hiding: secrets)
    case .text: plan.show(console)
    }
  }

  /// Of replies whose file does not say what wrote them: such files are compared as one model's.
  private static let unnamedModel = "recorded"

  private func recordedSets(_ console: Console) throws -> [RecordedSet] {
    let requests = try measurement.dataset.map { try PromptSetLoader.load(Bundled.dataset($0)) }
    let sets = try subject.replies.flatMap { argument in
      let source = try RecordedSet.Source(argument.file, name: argument.name)
      let limit = measurement.limit?.count
      return requests.isEmpty
        ? [try RecordedSet(source, limit: limit)]
        : try RecordedSet.read(source, of: requests, limit: limit)
    }
    for set in sets where set.unanswered > 0 {
      console.note(
        "\(set.set.name): \(set.unanswered) of its prompts have no reply, and are left out")
    }
    if let first = sets.first, let other = sets.first(where: { $0.samples != first.samples }) {
      throw ValidationError(
        "--replies: expected as many replies to each prompt, found \(first.samples) in \(first.set.name) and "
          + "\(other.samples) in \(other.set.name); score them in runs of their own")
    }
    return sets
  }
}

/// `FILE` or `NAME=FILE`; a file that is there wins over a name in its path.
struct RepliesArgument: ExpressibleByArgument {
  let name: String?
  let file: URL

  init?(argument: String) {
    let parts = argument.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
    guard !FileManager.default.fileExists(atPath: argument), parts.count == 2,
      let name = parts.first, !name.isEmpty, !name.contains("/"), !name.contains(".")
    else {
      guard !argument.isEmpty else { return nil }
      self.name = nil
      file = URL(filePath: argument)
      return
    }
    guard !parts[1].isEmpty else { return nil }
    self.name = String(name)
    file = URL(filePath: String(parts[1]))
  }
}
