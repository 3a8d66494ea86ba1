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

  package func open(
    _ models: ModelsToServe, in scope: ServerScope,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> ReadyServers {
    let cells = try CellsFile(reading: file)
    let routes = try cells.routes(for: models.variants, file: file)
    let opening = await ServerOpening(models, connection, in: scope, events: events)
    let probes = try await opening.readyProbes(cells.endpoints)
    var served: [[String]] = []
    for probe in probes { served.append(try await probe.models()) }
    for route in routes.values {
      guard let model = route.model else { continue }
      for index in route.endpoints where !served[index].contains(model) {
        throw StudyError.servedModelDiffers(expected: model, found: served[index])
      }
    }
    return try await opening.prove(
      SpokenDialect(
        pool: opening.pool(cells.endpoints), dialect: PlainDialect(routes: routes),
        build: await opening.builds(probes)))
  }
}
