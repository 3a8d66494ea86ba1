import Checkpoints
import Foundation
import LinearAlgebra
import ModelAccess
import Runs
import Support

extension SingleEvaluation {
  /// How long the evaluation takes from now on, after some seconds of measuring.
  ///
  /// - Parameter judging: the judges that ask servers, which are not measured.
  package func estimate(
    judging: [String] = [], events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> StudyEstimate {
    let (cells, run) = (cells, try measurement.runThere())
    let most = 6 * measurement.maxConnections
    switch subject {
    case .recorded: return StudyEstimate()
    case .endpoints(let source):
      let scratch = StudyCalibration.scratchFolder()
      defer { try? FileManager.default.removeItem(at: scratch) }
      return try await source.withServers(
        connections: measurement.maxConnections, decoding: measurement.decoding, run: scratch,
        events: events
      ) { servers in
        var calibration = StudyCalibration(measurement, events: events)
        let cached = CachedModel(servers, measurement, weights: "", digests: [:])
        let work = try await OpenWork(cells, of: measurement, after: run, most: most) {
          try await cached?.holds($0)
        }
        _ = try await calibration.replies(work, from: servers.model, as: [])
        calibration.judges(judging)
        return calibration.finished
      }
    case .folder(let checkpoint, let adapters):
      var calibration = StudyCalibration(measurement, events: events)
      _ = await calibration.digests(bytes: checkpoint.byteCount, of: "of the model")
      let updates = try Self.updates(adapters)
      let models = ModelsToServe(
        checkpoint: checkpoint, digest: "", updates: updates, cells: cells,
        measurement: measurement, chatFormat: chatFormat)
      let clock = SystemTime()
      let begin = clock.now
      let before = calibration
      return try await EmbeddedServer().withServers(of: models, events: events) { servers in
        var calibration = before
        let opening = (clock.now - begin).inSeconds
        let cached =
          measurement.cache == nil
          ? nil
          : CachedModel(
            servers, measurement, weights: checkpoint.digest(), digests: updates.digests())
        let work = try await OpenWork(cells, of: measurement, after: run, most: most) {
          try await cached?.holds($0)
        }
        let pace = try await calibration.replies(
          work, from: servers.model, as: cells.first?.variant ?? [])
        calibration.judges(judging)
        guard let pace else { return calibration.finished }
        calibration.add(.servers, seconds: opening + pace.secondsToBegin, "the server")
        let bytes = adapters.reduce(0) { sum, adapter in
          sum
            + adapter.update.tensors.values.reduce(0) {
              $0 + ($1.left.elements.count + $1.right.elements.count) * MemoryLayout<Float>.size
            }
        }
        calibration.needs(
          try MemoryEstimate(checkpoint).serving(
            updates: bytes, merged: 0, slots: measurement.maxConnections,
            positions: Int(pace.promptTokens) + measurement.decoding.maxTokens
              + (measurement.decoding.maxReasoningTokens ?? 0),
            arithmetic: measurement.arithmetic))
        return calibration.finished
      }
    }
  }
}
