import Inference
import ModelAccess
import Support

/// Servers that take no updates. A running one serves one model; one that is started is started for each
/// model of the study, merged into a checkpoint.
struct PlainServers: StudyDialect {
  let name = "plain"
  let summary = "a server or name for each model, see --cells"
  let servesCheckpoints = true

  func isSpoken(by server: ServerProbe) async throws -> Bool { true }
  func isSpoken(after command: CommandTemplate) -> Bool { true }

  func open(
    _ probes: [ServerProbe], _ pool: EndpointPool, files: [UpdateName: String],
    _ opening: ServerOpening
  ) async throws -> SpokenDialect {
    SpokenDialect(
      pool: pool, dialect: PlainDialect(), model: try await opening.modelName(probes),
      build: await opening.builds(probes))
  }

  func start(_ launcher: ServerLauncher) async throws -> SpokenDialect {
    SpokenDialect(pool: launcher.pool, dialect: OneMergedModel(launcher))
  }
}
