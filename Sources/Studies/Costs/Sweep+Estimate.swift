import Attacks
import ChatTemplates
import Checkpoints
import Decoder
import Defences
import Foundation
import Inference
import LinearAlgebra
import LoX
import ModelAccess
import Runs
import StudyDesign
import Support

extension Sweep {
  /// How long the sweep takes from now on, after some seconds of measuring what it will do.
  ///
  /// A 135M model on two cores is measured in some 20 s, larger ones in proportion. Servers that run already are
  /// asked some of the study's prompts; those that a command starts are not.
  ///
  /// - Parameter judging: the judges that ask servers, which are not measured.
  package func estimate(
    judging: [String] = [], events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws -> StudyEstimate {
    let plan = plan
    try pair.requireChange()
    var calibration = StudyCalibration(measurement, events: events)
    let digestRate = await calibration.digests(
      bytes: pair.base.byteCount + pair.aligned.byteCount, of: "of base and aligned")
    if plan.needsDecomposition, largestRank != .leading(0) {
      events(.step("measuring the decomposition"))
      let seconds = try await runOnOwnThread(named: "loxeval-prepare") {
        try Decomposition.seconds(of: pair, rank: largestRank)
      }
      calibration.add(
        .decomposition, seconds: seconds,
        "\(pair.targetNames.count) tensors, \(Number.bytes(pair.aligned.byteCount)) twice, at rank \(largestRank)"
      )
      let memory = try MemoryEstimate(pair.aligned)
      calibration.holds(memory.triplets(pair, rank: largestRank.most))
      calibration.needs(memory.decomposition(pair, threads: WorkerPool.processorCount))
    }
    let training = TrainingCalibration(sweep: self, plan: plan, digestRate: digestRate)
    let before = calibration
    calibration = try await runOnOwnThread(named: "loxeval-prepare") {
      var calibration = before
      _ = try training.measure(&calibration)
      return calibration
    }
    try await serve(plan, digestRate, &calibration)
    calibration.judges(judging)
    return calibration.finished
  }

  private func serve(
    _ plan: SweepPlan, _ digestRate: Double, _ calibration: inout StudyCalibration
  ) async throws {
    let scratch = StudyCalibration.scratchFolder()
    defer { try? FileManager.default.removeItem(at: scratch) }
    let ranks = Ranks(self, plan)
    let isOwn = server is EmbeddedServer
    guard isOwn || server is RunningServers else {
      let work = try await OpenWork(
        plan.cells, of: measurement, after: try measurement.runThere(), most: 1)
      return calibration.leaveUntimed(
        "\(Number.grouped(work.count)) replies, whose servers are not asked before the study begins"
      )
    }
    let (updates, variant) = try StudyUpdates.standIn(
      for: pair.targetNames, of: origin, rank: isOwn ? ranks.typical : 0)
    let models = ModelsToServe(
      checkpoint: origin, digest: "", updates: updates,
      variants: [ModelsToServe.Variant(id: "calibration", stack: variant)], run: scratch,
      chatFormat: isFromBase ? chatFormat.falling(backTo: pair.aligned.folder) : chatFormat,
      connections: measurement.maxConnections, threads: measurement.threads,
      arithmetic: measurement.arithmetic, version: measurement.version,
      decoding: measurement.decoding)
    let clock = SystemTime()
    let begin = clock.now
    let before = calibration
    calibration = try await server.withServers(of: models, events: calibration.events) { servers in
      var calibration = before
      let opening = (clock.now - begin).inSeconds
      let work = try await openWork(plan.cells, servers)
      let pace = try await calibration.replies(work, from: servers.model, as: variant)
      guard isOwn, let pace else { return calibration }
      let merged = ranks.mergedModels
      // A merged model is written, or is there as its training left it, and is opened as the first one.
      calibration.add(
        .servers,
        seconds: (opening + pace.secondsToBegin) * Double(1 + merged)
          + Double(merged) * Double(origin.byteCount) / digestRate,
        merged > 0 ? "the server, and one for each of \(merged) merged models" : "the server")
      calibration.needs(
        try MemoryEstimate(origin).serving(
          updates: ranks.bytes, merged: min(2, merged), slots: measurement.maxConnections,
          positions: Int(pace.promptTokens) + measurement.decoding.maxTokens
            + (measurement.decoding.maxReasoningTokens ?? 0),
          arithmetic: measurement.arithmetic))
      return calibration
    }
  }

  /// What is left to ask.
  private func openWork(_ cells: [Cell], _ servers: ReadyServers) async throws -> OpenWork {
    let run = try measurement.runThere()
    let most = 6 * measurement.maxConnections
    guard measurement.cache != nil else {
      return try await OpenWork(cells, of: measurement, after: run, most: most)
    }
    let known = run?.manifest.plan.updates ?? [:]
    let cached = CachedModel(
      servers, measurement, weights: origin.digest(),
      digests: Dictionary(
        cells.flatMap(\.variant).compactMap { scaled in
          known[scaled.name.text].map { (scaled.name, $0) }
        }, uniquingKeysWith: { first, _ in first }))
    return try await OpenWork(cells, of: measurement, after: run, most: most) { request in
      guard let cached, request.variant.allSatisfy({ cached.digests[$0.name] != nil }) else {
        return nil
      }
      return try await cached.holds(request)
    }
  }

  /// What is known of a sweep's updates before they are made.
  private struct Ranks {
    /// Of a model's updates together, the mean over the cells.
    let typical: Int
    /// Of all low-rank updates' factors.
    let bytes: Int
    /// Models with a change of full rank.
    let mergedModels: Int

    init(_ sweep: Sweep, _ plan: SweepPlan) {
      var ranks: [UpdateName: Int] = [:]
      for planned in plan.defences + plan.repairs {
        ranks[planned.name] = planned.defence.rank.most ?? Rank.mostOfAuto
      }
      var dense: Set<UpdateName> = []
      for planned in plan.attacks {
        if planned.attack.isDense { dense.insert(planned.name) }
        let trained = planned.attack as? TrainedAttack
        ranks[planned.name] =
          planned.attack.isDense
          ? 0
          : max(
            1,
            trained.map { $0.trainingRecipe.method == .lora ? $0.trainingRecipe.rank : 64 }
              ?? planned.attack.alignmentRank)
      }
      let sums = plan.cells.map { $0.variant.reduce(0) { $0 + (ranks[$1.name] ?? 0) } }
      typical = sums.isEmpty ? 0 : (sums.reduce(0, +) + sums.count / 2) / sums.count
      mergedModels =
        Set(
          plan.cells.compactMap { cell in
            cell.variant.lastIndex { dense.contains($0.name) }.map { Array(cell.variant[...$0]) }
          }
        ).count
      let rows = sweep.pair.targetNames.compactMap { sweep.pair.aligned.tensor(named: $0)?.shape }
        .reduce(0) { $0 + $1.reduce(0, +) }
      bytes = ranks.values.reduce(0, +) * rows * MemoryLayout<Float>.size
    }
  }
}
