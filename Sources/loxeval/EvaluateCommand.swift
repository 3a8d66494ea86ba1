import ArgumentParser
import Checkpoints
import Evaluation
import Foundation
import Inference

struct EvaluateCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "evaluate",
    abstract: "Measures one model, with adapters if wanted, or one endpoint.",
    discussion: """
      With --endpoint any OpenAI-compatible server is asked; its key is read from LOXEVAL_API_KEY \
      or OPENAI_API_KEY and never written anywhere.
      """)

  @Option(help: ArgumentHelp("A Hugging Face folder.", valueName: "dir"))
  var model: String?

  @Option(
    help: ArgumentHelp(
      "A PEFT folder to put on the model, with its scale (1). May be repeated.",
      valueName: "dir[:scale]"))
  var adapter: [AdapterArgument] = []

  @Option(help: ArgumentHelp("A server, such as http://127.0.0.1:8080.", valueName: "url"))
  var endpoint: String?

  @Option(help: "The endpoint's model; by default the first that it lists.")
  var modelName: String?

  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "General") var common: CommonOptions

  func validate() throws {
    guard (model == nil) != (endpoint == nil) else {
      throw ValidationError("expected either --model or --endpoint")
    }
    if endpoint != nil && !adapter.isEmpty {
      throw ValidationError(
        "--adapter: expected --model with it; an endpoint serves what it serves")
    }
    if let endpoint {
      do { _ = try Endpoint(endpoint) } catch { throw ValidationError("--endpoint: \(error)") }
    }
  }

  func run() async throws {
    let console = common.start()
    let subject: SingleEvaluation.Subject
    if let model {
      let checkpoint = try Checkpoint(folder: URL(filePath: model))
      subject = .folder(checkpoint, adapters: try adapter.map { try $0.load(for: checkpoint) })
    } else {
      subject = .endpoint(try Endpoint(endpoint ?? ""), model: modelName)
    }
    let evaluation = SingleEvaluation(
      subject: subject,
      measurement: try measurement.measurement(
        threads: common.threadCount, judges: await measurement.judges()),
      chatFormat: try measurement.format)
    try finish(try await evaluation.run { console.show($0) }, console)
  }
}
