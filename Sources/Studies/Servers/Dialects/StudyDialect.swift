import Checkpoints
import Foundation
import Inference
import ModelAccess
import Support

/// A dialect as a study needs it: how it is recognised, what it needs, and how its servers are opened.
///
/// How a request chooses a variant is its `ServerDialect`. A further dialect is one file with both, and
/// one line in `StudyDialects.all`.
protocol StudyDialect: Sendable {
  /// As `--dialect` names it.
  var name: String { get }
  /// How its servers are told which model to answer as, in some words for the help.
  var summary: String { get }

  /// Whether its servers go on from an open turn of the model's.
  var continuesReplies: Bool { get }
  /// Whether each model has a server, or a name, of its own, so that it may be any checkpoint.
  var servesCheckpoints: Bool { get }

  /// What of all of a checkpoint's weights its adapters cannot change, in words; nil where they can.
  func unserved(ofAllWeightsOf checkpoint: Checkpoint) -> String?

  /// Whether a running server speaks it.
  func isSpoken(by server: ServerProbe) async throws -> Bool
  /// Whether a command starts a server that speaks it.
  func isSpoken(after command: CommandTemplate) -> Bool
  /// What a command for such a server lacks; nil where all is well.
  func contradiction(in command: CommandTemplate) -> String?

  /// Writes what servers must have before they start; paths by the updates' names.
  func writeFiles(_ opening: ServerOpening) async throws -> [UpdateName: String]
  /// What further places of a server's command stand for.
  func values(_ files: [UpdateName: String], _ models: ModelsToServe) -> [String: [String]]
  /// Variables that a server that is started is to have.
  var environment: [String: String] { get }

  /// Shows that running servers can serve the study.
  ///
  /// - Parameter files: what `writeFiles` wrote.
  func open(
    _ probes: [ServerProbe], _ pool: EndpointPool, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws -> SpokenDialect
  /// Shows that a further running server is of the kind of one that was opened.
  ///
  /// - Throws: where it serves another model, is of another build, or lacks what the first one has.
  func admit(
    _ server: ServerProbe, beside first: SpokenDialect, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws
  /// Starts a server for the study.
  func start(_ launcher: ServerLauncher) async throws -> SpokenDialect
}

/// The dialects there are.
enum StudyDialects {
  /// In the order in which servers and commands are asked for theirs; the last one's are all others.
  static let all: [any StudyDialect] = [VLLMAdapters(), LlamaServerAdapters(), PlainServers()]

  /// - Parameter name: of a dialect.
  static func continuesReplies(_ name: String) -> Bool {
    all.first { $0.name == name }?.continuesReplies ?? false
  }
}

extension StudyDialect {
  var continuesReplies: Bool { false }
  var servesCheckpoints: Bool { false }
  func unserved(ofAllWeightsOf checkpoint: Checkpoint) -> String? { nil }

  /// Refuses a training of every weight that its adapters cannot hold.
  func requireServed(
    fullTraining attack: String, of checkpoint: Checkpoint
  ) throws(StudyError) {
    guard let tensor = unserved(ofAllWeightsOf: checkpoint) else { return }
    throw .unservedUpdate(server: name, update: attack, tensor: tensor)
  }

  func contradiction(in command: CommandTemplate) -> String? {
    command.has("model")
      ? nil : "--serve: expected {model} in the command, or {gguf} and {lora} of llama-server"
  }

  func writeFiles(_ opening: ServerOpening) async throws -> [UpdateName: String] { [:] }
  func values(_ files: [UpdateName: String], _ models: ModelsToServe) -> [String: [String]] { [:] }
  var environment: [String: String] { [:] }

  func admit(
    _ server: ServerProbe, beside first: SpokenDialect, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws {
    try await server.require(model: first.model, build: first.build)
  }

  /// One server of the bare model, for the whole run.
  func start(_ launcher: ServerLauncher) async throws -> SpokenDialect {
    let opening = launcher.opening
    let files = try await writeFiles(opening)
    let server = launcher.server(
      of: opening.models.checkpoint.folder.absoluteURL.path, values: values(files, opening.models),
      environment: environment, log: "server.log"
    ) { () async throws(ChatFailure) in try await opening.prepareAgain() }
    await opening.scope.onClose { await server.stop() }
    try await server.start()
    return try await open([launcher.probe], launcher.pool, files: files, opening)
  }
}

/// A dialect by its name, or the one that a server turns out to speak.
package struct DialectChoice: Hashable, Sendable, CustomStringConvertible {
  /// As it is spelled.
  package let name: String

  /// Found out from the server, or from its command.
  package static let auto = DialectChoice(known: "auto")
  /// A server, or a name, for each model.
  package static let plain = DialectChoice(known: PlainServers().name)

  private init(known name: String) { self.name = name }

  /// nil where there is no such dialect.
  package init?(_ name: String) {
    guard Self.all.contains(where: { $0.name == name }) else { return nil }
    self.name = name
  }

  package static let all = [auto] + StudyDialects.all.map { DialectChoice(known: $0.name) }

  package var description: String { name }

  /// The dialects with how their servers are told which model to answer as, for the help.
  package static let summary = StudyDialects.all.map { "\($0.name) (\($0.summary))" }
    .joined(separator: ", ")

  var named: (any StudyDialect)? { StudyDialects.all.first { $0.name == name } }

  /// Of a running server.
  func spoken(by server: ServerProbe) async throws -> any StudyDialect {
    if let named { return named }
    for dialect in StudyDialects.all where try await dialect.isSpoken(by: server) { return dialect }
    return PlainServers()
  }

  /// Of the server that a command starts.
  func started(by command: CommandTemplate) -> any StudyDialect {
    named ?? StudyDialects.all.first { $0.isSpoken(after: command) } ?? PlainServers()
  }
}
