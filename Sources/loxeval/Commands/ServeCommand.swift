import ArgumentParser
import Attacks
import Checkpoints
import Decoder
import Foundation
import LinearAlgebra
import LocalServer
import ModelAccess
import Studies
import Support

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve",
    abstract: "Serves a model over HTTP, OpenAI-compatible, with adapters chosen by request.",
    discussion: """
      A request's lora list of ids and scales chooses the model, as in llama-server; GET \
      /lora-adapters lists the ids. Equal requests get equal bytes, whatever runs beside them.
      """)

  @Option(
    help: ArgumentHelp(
      "A Hugging Face folder, or a model's name on the hub, such as org/name[@revision].",
      valueName: "dir|name"))
  var model: String

  @Option(
    help: ArgumentHelp(
      "A PEFT folder, or its name on the hub, to load, with its scale in requests that do not say (1). May be "
        + "repeated.", valueName: "dir[:scale]"),
    transform: AdapterArgument.init(argument:))
  var adapter: [AdapterArgument] = []

  @Option(
    help: "The address to bind to, of IPv4 or IPv6; loopback is not reachable from other machines.")
  var host = "127.0.0.1"

  @Option(help: "The port; 0 takes a free one.")
  var port: UInt16 = 0

  @Option(
    help: ArgumentHelp(
      "A host name that it answers to, and whose pages may ask it, beside this machine's own "
        + "(localhost and loopback addresses); '*' is any. May be repeated.", valueName: "name"))
  var allowHost: [String] = []

  @Option(help: "The model's name; by default the folder's.")
  var modelName: String?

  @Option(in: NumberRange(1...256), help: "Requests that run side by side.")
  var slots = 16

  @Option(
    in: NumberRange(1...16_777_216),
    help: "Megabytes for the keys and values of running requests.")
  var cache = 512

  @Option(help: Arithmetic.help)
  var arithmetic = Arithmetic.float32

  @OptionGroup var writing: ChatFormatOptions

  @OptionGroup var common: CommonOptions

  func run() async throws {
    let console = common.start()
    let (checkpoint, adapters) = try await ModelFolders(console).wait { folders in
      let checkpoint = try Checkpoint(folder: folders.model(model, as: "model"))
      let adapters = try adapter.map {
        try $0.load(for: checkpoint, folders, warnsOfScale: false)
      }
      return (checkpoint, adapters)
    }
    let names = StudyLabels.unique(adapters.map(\.labels))
    let updates = zip(names, adapters).map { name, loaded in
      return (
        adapter: ServedModel.Adapter(
          name: name, defaultScale: Float(loaded.scale)),
        update: loaded.update
      )
    }
    let served = try ServedModel(
      folder: checkpoint, name: modelName ?? checkpoint.folder.modelName,
      updates: updates, chatFormat: try writing.choice,
      options: InferenceEngine.Options(
        slots: slots, rowsPerStep: max(128, slots), cacheBytes: cache << 20,
        threads: common.threadCount, arithmetic: arithmetic))
    let server = LocalServer(
      served, host: host, port: port, allowedHosts: allowHost, version: Loxeval.version)
    let url = try await server.start()
    console.note("serving \(served.name) with \(updates.count) adapters")
    // Whoever started the server waits for this line.
    Screen.shared.print(url.absoluteString)
    // Being told to end is how a server ends: no failure.
    await server.waitUntilStopped()
    await server.stop()
  }
}
