import ArgumentParser
import ChatTemplates
import Foundation
import HTTP
import Inference
import ModelAccess
import Runs
package import Studies
import Support

/// Which servers answer, and how patiently they are asked.
struct ServerOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "An OpenAI-compatible server, such as http://127.0.0.1:8080, with or without the API's path "
        + "(/v1, /v1beta/openai, a whole …/chat/completions), instead of the embedded one; its key is "
        + "read from LOXEVAL_API_KEY or OPENAI_API_KEY. Repeated, for replicas.",
      valueName: "url"))
  var endpoint: [String] = []

  @Option(
    help: ArgumentHelp(
      "In place of --endpoint: a file with a server's address a line (blank lines and those that begin "
        + "with # do not count), read again when it changes. Servers that are added join once they are "
        + "shown to serve the same model, those that are taken away get no further request.",
      valueName: "file"))
  var endpointsFile: String?

  @Option(
    help: ArgumentHelp(
      "In place of --endpoint: a shell command that prints such a list, such as \"squeue -h -n serve -t R "
        + "-o http://%N:8000\", run again and again.", valueName: "command"))
  var endpointsCommand: String?

  @Option(
    in: Self.seconds,
    help: "Seconds between two readings of --endpoints-file or runs of --endpoints-command.")
  var endpointsInterval = 10.0

  @Option(
    in: Self.seconds,
    help:
      "Seconds to wait where no server of --endpoints-file or --endpoints-command can be asked; then the exit code is 75, which asks to start again with --resume."
  )
  var endpointsTimeout = 600.0

  @Option(help: "The server's model; by default the first that it lists.")
  var modelName: String?

  @Option(
    help: ArgumentHelp(
      "A header of the models' requests with its value from the environment's variable, such as "
        + "api-key=AZURE_KEY. May be repeated.", valueName: "name=variable"))
  var header: [String] = []

  @Option(
    help: ArgumentHelp(
      "Further fields of the models' requests, such as '{\"top_k\": 20}'; part of the run's plan.",
      valueName: "json"))
  var extraBody: String?

  @Option(
    help: ArgumentHelp(
      "A field to leave out of the models' requests: "
        + RequestForm.omittable.joined(separator: ", ")
        + ". May be repeated; part of the run's plan. seed and a temperature or top_p of 1 are left out "
        + "by themselves where the server refuses them.", valueName: "field"))
  var omit: [String] = []

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
    _ = try (credentials, form.requestForm(omit: "--omit", extra: "--extra-body"))
    for text in endpoint {
      do { _ = try Endpoint(text, credentials: credentials) } catch let error as TransportError {
        throw ValidationError("--endpoint: \(error)")
      }
    }
    let ways = [!endpoint.isEmpty, endpointsFile != nil, endpointsCommand != nil].count { $0 }
    guard ways <= 1 else {
      throw ValidationError(
        "expected one of --endpoint, --endpoints-file and --endpoints-command, found \(ways)")
    }
    if let endpointsFile {
      do { try list(hiding: Secrets())?.requireReadable() } catch let fault as EndpointList.Fault {
        throw ValidationError("--endpoints-file: \(fault)")
      }
      try check(!endpointsFile.isEmpty, "--endpoints-file", "a file", "an empty name")
    }
    try check(
      Set(endpoint).count == endpoint.count, "--endpoint", "each once",
      endpoint.map(Secrets.withoutCredentials))
  }

  private var form: RequestFormTexts {
    RequestFormTexts(header: header, extraBody: extraBody, omit: omit)
  }

  private var credentials: Credentials {
    get throws { try form.credentials(Endpoint.keyVariables, option: "--header") }
  }

  /// Everything that the servers are shown and nobody else may see.
  var secrets: Secrets {
    get throws {
      try endpoint.reduce(into: try credentials.secrets) {
        $0.formUnion(try Endpoint($1, credentials: .none).secrets)
      }
    }
  }

  /// Whether servers are named, in one way or another.
  var isGiven: Bool { !endpoint.isEmpty || endpointsFile != nil || endpointsCommand != nil }

  /// - Parameter secrets: of the whole command.
  func replicas(hiding secrets: Secrets) throws -> Replicas {
    Replicas(
      try endpoint.map { try Endpoint($0, credentials: credentials).hiding(secrets) },
      list: try list(hiding: secrets))
  }

  private func list(hiding secrets: Secrets) throws -> EndpointList? {
    let source: EndpointList.Source
    if let endpointsFile {
      source = .file(URL(filePath: endpointsFile))
    } else if let endpointsCommand {
      source = .command(endpointsCommand)
    } else {
      return nil
    }
    let credentials = try credentials
    return EndpointList(
      source, interval: .seconds(endpointsInterval), patience: .seconds(endpointsTimeout)
    ) { try Endpoint($0, credentials: credentials).hiding(secrets) }
  }

  var limits: Transport.Limits {
    Transport.Limits(
      connectSeconds: connectTimeout, firstByteSeconds: firstByteTimeout,
      bodySeconds: bodyTimeout)
  }

  /// - Parameters:
  ///   - run: the folder of the run that is continued: what its servers refused is known.
  ///   - writing: how conversations are written, as far as a server can be told.
  ///   - meter: counts what is paid for.
  func connection(
    continuing run: URL?, writing: ChatFormatChoice, meter: (any TokenMeter)? = nil
  ) throws -> ServerConnection {
    var form = try form.requestForm(omit: "--omit", extra: "--extra-body")
    do {
      form = try form.with(templateArguments: writing.arguments.node)
    } catch {
      throw ValidationError("--template-arg: \(error)")
    }
    if let known = run.flatMap(RunFolder.requestForm), known.wanted == form { form = known }
    return ServerConnection(
      modelName: modelName, retries: RetryPolicy(maxRetries: maxRetries), limits: limits,
      form: form,
      credentials: try credentials, meter: meter)
  }
}

/// How requests are written where a server wants it otherwise, and what it is shown, as the options of a command spell it.
struct RequestFormTexts {
  /// Of headers, as name=variable.
  var header: [String]
  var extraBody: String?
  var omit: [String]

  func requestForm(omit option: String, extra: String) throws -> RequestForm {
    do {
      return try RequestForm(extra: extraBody, omitting: omit)
    } catch {
      if case .notOmittable = error { throw ValidationError("\(option): \(error)") }
      throw ValidationError("\(extra): \(error)")
    }
  }

  func credentials(_ variables: [String], option: String) throws -> Credentials {
    do {
      return try Credentials(
        environment: ProcessInfo.processInfo.environment, variables: variables, headers: header)
    } catch {
      if case .control = error { throw ValidationError("\(error)") }
      throw ValidationError("\(option): \(error)")
    }
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
        + "--port {port}\", where {gpus} stands for the number of GPUs that CUDA_VISIBLE_DEVICES or Slurm "
        + "gives. Without {lora} or --enable-lora it is started for one model after the "
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
        throw ValidationError(
          "expected --endpoint (or --endpoints-file, --endpoints-command), --serve or --cells with "
            + "--dialect or --gguf")
      }
      return
    }
    if let reason = try external().contradiction { throw ValidationError(reason) }
  }

  var isExternal: Bool { servers.isGiven || serve != nil || cells != nil }

  /// What `--export` says starts a server.
  var exportTemplate: CommandTemplate {
    CommandTemplate(serve ?? "vllm serve {model} --port {port}")
  }

  private func external(
    hiding secrets: Secrets = Secrets(), continuing run: URL? = nil,
    writing: ChatFormatChoice = ChatFormatChoice(), meter: (any TokenMeter)? = nil
  ) throws -> ExternalServers {
    ExternalServers(
      replicas: try servers.replicas(hiding: secrets), dialect: dialect,
      cells: cells.map { URL(filePath: $0) },
      serve: serve.map { CommandTemplate($0) }, gguf: gguf.map { URL(filePath: $0).path },
      connection: try servers.connection(continuing: run, writing: writing, meter: meter),
      startSeconds: startTimeout,
      maxRestarts: maxRestarts)
  }

  /// - Parameters:
  ///   - secrets: of the whole command.
  ///   - run: the folder of the run that is continued.
  ///   - writing: how conversations are written, as far as a server can be told.
  ///   - meter: counts what is paid for.
  func source(
    hiding secrets: Secrets, continuing run: URL?, writing: ChatFormatChoice,
    meter: (any TokenMeter)? = nil
  ) throws -> any ServerSource {
    isExternal
      ? try external(hiding: secrets, continuing: run, writing: writing, meter: meter).source
      : .embedded
  }
}

extension DialectChoice: ExpressibleByArgument {
  package init?(argument: String) { self.init(argument) }

  package var defaultValueDescription: String { name }
  package static var allValueStrings: [String] { all.map(\.name) }
}
