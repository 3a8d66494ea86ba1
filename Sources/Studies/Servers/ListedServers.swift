package import Foundation
import Inference
import ModelAccess

/// Servers that run already, one or more for each model of the study: a cells file says where.
package struct ListedServers: ServerSource {
  package var file: URL
  package var connection: ServerConnection

  package init(file: URL, connection: ServerConnection) {
    self.file = file
    self.connection = connection
  }

  package var takesCheckpoints: Bool { true }

  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    let cells = try CellsFile(reading: file, connection.credentials)
    let routes = try cells.routes(for: models.variants, file: file)
    let opening = await ServerOpening(models, connection, in: scope, events: events)
    var probes: [ServerProbe] = []
    for endpoint in cells.endpoints {
      probes.append(try await connection.reach(endpoint, by: opening.transport, events: events))
    }
    for route in routes.values {
      guard let model = route.model else { continue }
      for index in route.endpoints { _ = try await probes[index].model(named: model) }
    }
    return try await opening.prove(
      SpokenDialect(
        pool: opening.pool(probes.map(\.endpoint)), dialect: PlainDialect(routes: routes),
        build: await opening.builds(probes)))
  }
}
