public import Chat
import Checkpoints
public import Foundation
import Inference
import LanguageModel
import LinearAlgebra
public import Scoring

/// What every way of measuring shares: what is asked, how, and where the samples go.
public struct Measurement: Sendable {
  public var datasets: [PromptSet]
  public var decoding: Decoding
  public var seed: UInt64
  public var judge: any Judge
  public var maxConnections: Int
  public var maxErrors: Int
  public var output: URL
  public var resume: Bool
  /// The command line, for the manifest.
  public var command: String
  public var version: String
  public var threads: Int

  public init(
    datasets: [PromptSet], decoding: Decoding, seed: UInt64, judge: any Judge,
    maxConnections: Int, maxErrors: Int, output: URL, resume: Bool, command: String,
    version: String, threads: Int
  ) {
    self.datasets = datasets
    self.decoding = decoding
    self.seed = seed
    self.judge = judge
    self.maxConnections = maxConnections
    self.maxErrors = maxErrors
    self.output = output
    self.resume = resume
    self.command = command
    self.version = version
    self.threads = threads
  }

  /// The manifest of a run over some cells.
  func manifest(
    cells: [Cell], models: [String: String], updates: [String: String],
    remarks: [String: String], server: String
  ) throws(EvaluationError) -> RunManifest {
    var sets: [String: RunManifest.Plan.Dataset] = [:]
    for set in datasets {
      let entry = RunManifest.Plan.Dataset(
        digest: set.digest, prompts: set.prompts.count, kind: set.kind)
      guard sets.updateValue(entry, forKey: set.name) == nil else {
        throw .duplicateDataset(name: set.name)
      }
    }
    return RunManifest(
      plan: RunManifest.Plan(
        cells: cells, decoding: decoding, seed: seed, judge: judge.name,
        judgeConfiguration: judge.configuration, datasets: sets, models: models,
        updates: updates, remarks: remarks, server: server),
      environment: RunManifest.Environment(
        command: command, version: version, createdAt: Date.now.formatted(.iso8601),
        threads: threads, blas: BLAS.build, instructions: InferenceEngine.instructionSet,
        platform: ProcessInfo.processInfo.operatingSystemVersionString))
  }

  /// Asks what is left to ask.
  func run(
    _ folder: RunFolder, _ client: OpenAIClient, events: @escaping (StudyEvent) -> Void
  ) async throws {
    let runner = Runner(
      plan: folder.manifest.plan, datasets: datasets, model: client, judge: judge,
      maxConnections: maxConnections, maxErrors: maxErrors)
    try await runner.run(folder.journal) { events(.samples($0)) }
  }
}
