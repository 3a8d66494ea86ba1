import ArgumentParser
import Checkpoints
import Foundation
import Inference
import LinearAlgebra
import Studies

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures one model, with adapters if wanted, or one endpoint.",
    discussion: """
      With --endpoint any OpenAI-compatible server is asked; its key is read from LOXEVAL_API_KEY \
      or OPENAI_API_KEY and never written anywhere.
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
        valueName: "dir[:scale]"))
    var adapter: [AdapterArgument] = []
  }

  @OptionGroup(title: "Model") var subject: SubjectOptions
  @OptionGroup(title: "Servers") var servers: ServerOptions
  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "Deciding") var deciding: DecidingOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func validate() throws {
    guard (subject.model == nil) != servers.endpoint.isEmpty else {
      throw ValidationError("expected either --model or --endpoint")
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
    let folders = ModelFolders(console, run: measurement.folder)
    let measured: SingleEvaluation.Subject
    if let model = subject.model {
      measured = try await folders.wait { folders in
        let checkpoint = try Checkpoint(folder: folders.model(model, as: "model"))
        return .folder(
          checkpoint, adapters: try subject.adapter.map { try $0.load(for: checkpoint, folders) })
      }
    } else {
      measured = .endpoints(
        ServersAsTheyAre(
          endpoints: try servers.endpoints(hiding: secrets),
          connection: try servers.connection(
            continuing: measurement.continued, writing: measurement.writing.choice)))
    }
    var evaluation = SingleEvaluation(
      subject: measured,
      measurement: try measurement.measurement(
        threads: common.threadCount,
        judges: await measurement.judges(servers) { console.note($0) }, secrets: secrets,
        deciding: deciding),
      chatFormat: try measurement.writing.choice)
    evaluation.measurement.sources = folders.sources
    let folder = try await evaluation.run { console.show($0) }
    try folder.finish(console, ledger: evaluation.measurement.ledger)
  }
}
