package import Attacks
import ChatTemplates
import Checkpoints
import Decoder
package import Foundation
import Inference
package import LinearAlgebra
package import ModelAccess
package import PromptSets
package import Runs
package import Scoring
package import StudyDesign
package import Support

/// What every way of measuring shares: what is asked, how, and where the samples go.
package struct Measurement: Sendable {
  package var datasets: [PromptSet]
  package var decoding: Decoding
  package var seed: UInt64
  /// How often each prompt is asked.
  package var samples: Int
  package var judges: [any Judge]
  /// What a recommended α may cost.
  package var limits: RecommendationLimits
  package var maxConnections: Int
  package var maxErrors: ErrorLimit
  /// Keeps replies across runs; nil asks everything anew.
  package var cache: ResponseCache?
  package var output: URL
  package var resume: Bool
  /// The part of the run that this process does; nil for all of it.
  package var shard: Shard?
  /// The command line, for the manifest.
  package var command: String
  package var version: String
  package var threads: Int
  /// In which this process computes.
  package var arithmetic = Arithmetic.float32
  /// What is decided while the run goes on; see ``decide(_:atMost:ledger:isFresh:since:)``.
  package internal(set) var sequential: SequentialPlan?
  /// Where its evidence is kept across runs.
  package internal(set) var ledger: EvidenceLedger?
  /// Finds what the run is compared with, once it is known what it asks; see
  /// ``decide(_:atMost:ledger:isFresh:since:)``.
  var findBaseline: FindBaseline?
  /// Why the ledger leaves nothing to ask; told once it is known to be this model's.
  var nothingToAsk: LedgerError?
  /// What is done to harmful requests, beside asking them as they are.
  package var promptAttacks: [any PromptAttackForm] = []
  /// When the run is left to be continued later.
  package var deadline: Deadline?
  /// The models that were named as a hub names them.
  package var sources: [ModelSource] = []
  /// What the run costs, where servers that are paid for answer.
  package var spending: SpendingBook?
  /// Whose loss is measured on harmful prompts, where what answers can tell; empty for none.
  package var refusals = RefusalTexts.none

  /// - Throws: `StudyError.duplicateDataset`.
  package init(
    datasets: [PromptSet], decoding: Decoding, seed: UInt64, samples: Int = 1,
    judges: [any Judge],
    limits: RecommendationLimits = RecommendationLimits(), maxConnections: Int,
    maxErrors: ErrorLimit,
    cache: ResponseCache? = nil, output: URL, resume: Bool, command: String,
    version: String, threads: Int
  ) throws(StudyError) {
    var names: Set<String> = []
    for set in datasets where !names.insert(set.name).inserted {
      throw .duplicateDataset(name: set.name)
    }
    self.datasets = datasets
    self.decoding = decoding
    self.seed = seed
    self.samples = samples
    self.judges = judges
    self.limits = limits
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
    self.cache = cache
    self.output = output
    self.resume = resume
    self.command = command
    self.version = version
    self.threads = threads
  }

  /// The manifest of a run over some cells.
  ///
  /// - Parameter server: what answers; nil where it is not there yet.
  func manifest(
    study: RunManifest.Plan.Study? = nil, cells: [Cell], models: [String: String],
    updates: [UpdateName: String], remarks: [String: String], server: ReadyServers?,
    family: String? = nil, chatFormat: ChatFormatChoice = ChatFormatChoice(),
    landscape: RunManifest.Plan.Landscape? = nil, geometry: RunManifest.Plan.Geometry? = nil
  ) throws -> RunManifest {
    var sets: [String: RunManifest.Plan.Dataset] = [:]
    var configurations: [String: String] = [:]
    var ladder: [String: String] = [:]
    let panel = JudgePanel(judges)
    for set in datasets {
      let judges = set.judges(panel)
      for rung in panel.ladder(of: set.kind, beside: judges) {
        ladder[rung.name] = rung.configuration
      }
      for judge in judges { configurations[judge.name] = judge.configuration }
      let entry = RunManifest.Plan.Dataset(
        digest: set.digest, prompts: set.prompts.count, kind: set.kind,
        judges: judges.map(\.name))
      sets[set.name] = entry
    }
    let leading = datasets.first { $0.kind == .harmful } ?? datasets.first
    let judge = leading.flatMap { sets[$0.name]?.judges.first } ?? ""
    let form = server?.form() ?? .usual
    var manifest = RunManifest(
      plan: RunManifest.Plan(
        study: study, cells: cells, decoding: decoding, seed: seed, samples: samples, judge: judge,
        judgeConfiguration: configurations[judge] ?? "", judges: configurations, ladder: ladder,
        datasets: sets, models: models,
        updates: Dictionary(
          updates.map { ($0.key.text, $0.value) }, uniquingKeysWith: { first, _ in first }),
        remarks: remarks.merging(promptRemarks) { first, _ in first },
        server: server?.description ?? "",
        arithmetic: arithmetic == .float32 ? nil : arithmetic.rawValue, family: family,
        chatFormat: chatFormat.name, template: chatFormat.settings,
        request: form == .usual ? nil : form, sequential: sequential, landscape: landscape,
        geometry: geometry),
      environment: RunManifest.Environment(
        command: command, version: version, createdAt: Date.now.formatted(.iso8601),
        threads: threads, blas: BLAS.build, instructions: arithmetic.instructions,
        platform: ProcessInfo.processInfo.operatingSystemVersionString),
      limits: limits)
    if !sources.isEmpty { manifest.sources = sources }
    if let findBaseline {
      let ids = datasets.map { ($0.name, $0.prompts.map(\.id)) }
      let baseline = try findBaseline(
        manifest, Dictionary(ids, uniquingKeysWith: { first, _ in first }))
      manifest.plan.sequential?.baseline = baseline
    }
    try requireDecidable(manifest)
    return manifest
  }

  /// Prompt attacks are on these: on harmless requests they would measure nothing.
  var harmfulSets: Set<String> { Set(datasets.filter { $0.kind == .harmful }.map(\.name)) }

  /// What readers must know of the prompt attacks, by what their column says.
  private var promptRemarks: [String: String] {
    Dictionary(
      promptAttacks.map { ($0.id.text, $0.remark) }, uniquingKeysWith: { first, _ in first })
  }

  /// Opens a study's servers and its run, and asks what is left to ask.
  ///
  /// - Parameters:
  ///   - places: in the plan, of the cells that the servers' models answer for; nil for all of the run's.
  ///   - folder: the run, where it is open already.
  ///   - manifest: the run's, by what its server is.
  func run(
    _ models: ModelsToServe, at source: any ServerSource, asking places: Set<Int>? = nil,
    in folder: RunFolder? = nil, lock: RunLock,
    events: @escaping @Sendable (StudyEvent) -> Void,
    manifest: (ReadyServers) throws -> RunManifest
  ) async throws -> RunFolder {
    try await source.withServers(of: models, events: events) { servers in
      try await run(
        servers, weights: models.digest, updates: models.updates, asking: places, in: folder,
        lock: lock,
        requireUnchanged: { [checkpoint = models.checkpoint] in try checkpoint.requireUnchanged() },
        events: events, manifest: manifest)
    }
  }

  /// Opens the run and asks what is left to ask of servers that stand ready.
  func run(
    _ servers: ReadyServers, weights: String, updates: StudyUpdates?,
    asking places: Set<Int>? = nil,
    in opened: RunFolder? = nil, lock: RunLock,
    requireUnchanged: @escaping @Sendable () throws -> Void = {},
    events: @escaping @Sendable (StudyEvent) -> Void,
    manifest: (ReadyServers) throws -> RunManifest
  ) async throws -> RunFolder {
    let manifest = try manifest(servers)
    if !servers.continuesReplies,
      let cell = manifest.plan.cells.first(where: { $0.promptAttack.isContinued })
    {
      throw StudyError.cannotContinue(
        server: servers.description, attack: cell.promptAttack.text)
    }
    var folder = try open(manifest, lock, opened)
    do {
      try await run(
        folder, asking: places, cached(servers, weights: weights, updates: updates),
        reading: servers.scoring.flatMap { RefusalReading(refusals, by: $0) },
        requireUnchanged: requireUnchanged, events: events)
    } catch {
      try note(servers, in: &folder)
      throw error
    }
    try note(servers, in: &folder)
    return folder
  }

  /// Keeps what became known of the servers while the run went on.
  private func note(_ servers: ReadyServers, in folder: inout RunFolder) throws {
    try folder.note(servers.form())
    guard let spending else { return }
    try spending.save()
    try folder.note(spending.spending)
  }

  /// The run's folder, or the part of it that this process does.
  private func open(
    _ manifest: RunManifest, _ lock: RunLock, _ opened: RunFolder?
  ) throws -> RunFolder {
    if var opened {
      guard opened.manifest.plan.server == manifest.plan.server else {
        throw RunError.runDiffers(
          path: output.path,
          fields: [
            "server is \(opened.manifest.plan.server) there and \(manifest.plan.server) here"
          ])
      }
      try opened.note(updates: manifest.plan.updates)
      return opened
    }
    guard let shard else {
      return try RunFolder(output, manifest: manifest, resume: resume, lock: lock)
    }
    return try RunFolder(output, shard: shard, manifest: manifest, lock: lock)
  }

  /// Servers' models behind the cache, if there is one.
  func cached(
    _ servers: ReadyServers, weights: String, updates: StudyUpdates?
  ) -> any ChatCompleting {
    guard
      let cached = CachedModel(
        servers, self, weights: weights, digests: updates?.digests() ?? [:])
    else { return servers.model }
    return cached
  }

  /// Asks what is left to ask.
  ///
  /// - Parameter places: in the plan, of the cells that are asked; nil for all that this process does.
  func run(
    _ folder: RunFolder, asking places: Set<Int>? = nil, _ model: any ChatCompleting,
    reading: RefusalReading? = nil,
    requireUnchanged: @escaping @Sendable () throws -> Void = {},
    events: @escaping @Sendable (StudyEvent) -> Void
  ) async throws {
    let counting = try ledger?.counting(folder.manifest)
    var plan = folder.manifest.plan
    plan.cells = folder.cells(at: places)
    let runner = Runner(
      plan: plan, datasets: datasets, model: model, judges: judges,
      promptAttacks: promptAttacks, maxConnections: maxConnections, maxErrors: maxErrors,
      reading: reading, deadline: deadline,
      book: counting?.start,
      looked: { look in
        try counting?.keep(look)
        events(.look(look))
      }, requireUnchanged: requireUnchanged)
    try requireUnchanged()
    try await runner.run(folder.journal) { events(.samples($0)) }
    try requireUnchanged()
  }
}
