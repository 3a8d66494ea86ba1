import ArgumentParser
import Foundation
import Inference
package import Studies
import Support

/// Which servers answer, and how patiently they are asked.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An OpenAI-compatible server, such as http://127.0.0.1:8080, instead of the embedded one; its "
        + "key is read from LOXEVAL_API_KEY or OPENAI_API_KEY. Repeated, for replicas.",
      valueName: "url"))
  var endpoint: [String] = []

  @Option(help: "The server's model; by default the first that it lists.")
  var modelName: String?

  /// In seconds, up to a day.
  fileprivate static let seconds = NumberRange<Double>.above(0, upTo: 86_400)

  @Option(
    in: NumberRange(0...100),
    help: "Further attempts after a request that another attempt may save.")
  var maxRetries = 6

  @Option(
    in: Self.seconds,
    help: "Seconds until a connection stands, or a server that should be running answers.")
  var connectTimeout = 10.0

  @Option(in: Self.seconds, help: "Seconds until an answer begins: the time a model may take.")
  var firstByteTimeout = 600.0

  @Option(in: Self.seconds, help: "Seconds from an answer's first byte to its last.")
  var bodyTimeout = 60.0

  func validate() throws {
    func check(_ holds: Bool, _ flag: String, _ expected: String, _ found: Any) throws {
      guard holds else { throw ValidationError("\(flag): expected \(expected), found \(found)") }
    }
    for text in endpoint {
      do { _ = try Endpoint(text) } catch { throw ValidationError("--endpoint: \(error)") }
    }
    try check(Set(endpoint).count == endpoint.count, "--endpoint", "each once", endpoint)
  }

  var endpoints: [Endpoint] { get throws { try endpoint.map { try Endpoint($0) } } }

  var limits: Transport.Limits {
    Transport.Limits(
      connectSeconds: connectTimeout, firstByteSeconds: firstByteTimeout,
      bodySeconds: bodyTimeout)
  }

  var connection: ServerConnection {
    ServerConnection(
      modelName: modelName, retries: RetryPolicy(maxRetries: maxRetries), limits: limits)
  }
}

/// How a study's models are chosen at a server, and servers that are started for it.
struct StudyServerOptions: ParsableArguments {
  @OptionGroup var servers: ServerOptions

  @Option(
    help: ArgumentHelp(
      "How a server is told which model to answer as: \(DialectChoice.summary), or auto.",
      valueName: "name"))
  var dialect = DialectChoice.auto

  @Option(
    help: ArgumentHelp(
      "JSON: each model's id (see --plan) with its endpoint and model, for servers that take no "
        + "adapters.", valueName: "file"))
  var cells: String?

  @Option(
    help: ArgumentHelp(
      "A command that starts the server, with {port} and {model}, or {gguf} and {lora}: \"llama-server "
        + "-m {gguf} {lora} --port {port}\", \"vllm serve {model} --enable-lora --max-lora-rank 64 "
        + "--port {port}\". Without {lora} or --enable-lora it is started for one model after the "
        + "other, each merged into a checkpoint.", valueName: "command"))
  var serve: String?

  @Option(help: ArgumentHelp("What {gguf} stands for.", valueName: "file"))
  var gguf: String?

  @Option(in: ServerOptions.seconds, help: "Seconds until a server that was started must be ready.")
  var startTimeout = 900.0

  @Option(in: NumberRange(0...1_000), help: "How often a server that crashes is started again.")
  var maxRestarts = 5

  func validate() throws {
    guard isExternal else {
      guard dialect == .auto && gguf == nil else {
        throw ValidationError("expected --endpoint, --serve or --cells with --dialect or --gguf")
      }
      return
    }
    if let reason = try external.contradiction { throw ValidationError(reason) }
  }

  private var isExternal: Bool { !servers.endpoint.isEmpty || serve != nil || cells != nil }

  /// What `--export` says starts a server.
  var exportTemplate: CommandTemplate {
    CommandTemplate(serve ?? "vllm serve {model} --port {port}")
  }

  private var external: ExternalServers {
    get throws {
      ExternalServers(
        endpoints: try servers.endpoints, dialect: dialect, cells: cells.map { URL(filePath: $0) },
        serve: serve.map { CommandTemplate($0) }, gguf: gguf.map { URL(filePath: $0).path },
        connection: servers.connection, startSeconds: startTimeout, maxRestarts: maxRestarts)
    }
  }

  var source: any ServerSource {
    get throws { isExternal ? try external.source : .embedded }
  }
}

extension DialectChoice: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }

  package var defaultValueDescription: String { name }
  package static var allValueStrings: [String] { all.map(\.name) }
}
