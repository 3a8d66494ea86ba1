public import Chat
public import Foundation

/// `run.json`: the plan and where everything came from.
public struct RunManifest: Codable, Hashable, Sendable {
  /// What decides the samples. A run is continued only where all of it is equal.
  public struct Plan: Codable, Hashable, Sendable {
    public var cells: [Cell]
    public var decoding: Decoding
    public var seed: UInt64
    public var judge: String
    public var judgeConfiguration: String
    /// Digest of each dataset's file, how many prompts of it are asked, and what it is for.
    public var datasets: [String: Dataset]
    /// Digests of the checkpoints: base, aligned, or the endpoint's model.
    public var models: [String: String]
    /// Digests of the updates by name.
    public var updates: [String: String]
    /// What readers must know of an attack, by its name.
    public var remarks: [String: String]
    /// What answers: the embedded server, or an endpoint.
    public var server: String

    public struct Dataset: Codable, Hashable, Sendable {
      public var digest: String
      public var prompts: Int
      public var kind: PromptSet.Kind

      public init(digest: String, prompts: Int, kind: PromptSet.Kind) {
        self.digest = digest
        self.prompts = prompts
        self.kind = kind
      }
    }

    public init(
      cells: [Cell], decoding: Decoding, seed: UInt64, judge: String, judgeConfiguration: String,
      datasets: [String: Dataset], models: [String: String], updates: [String: String],
      remarks: [String: String], server: String
    ) {
      self.cells = cells
      self.decoding = decoding
      self.seed = seed
      self.judge = judge
      self.judgeConfiguration = judgeConfiguration
      self.datasets = datasets
      self.models = models
      self.updates = updates
      self.remarks = remarks
      self.server = server
    }
  }

  /// What is worth knowing and may differ between the sessions of one run.
  public struct Environment: Codable, Hashable, Sendable {
    public var command: String
    public var version: String
    public var createdAt: String
    public var threads: Int
    public var blas: String
    public var instructions: String
    public var platform: String

    public init(
      command: String, version: String, createdAt: String, threads: Int, blas: String,
      instructions: String, platform: String
    ) {
      self.command = command
      self.version = version
      self.createdAt = createdAt
      self.threads = threads
      self.blas = blas
      self.instructions = instructions
      self.platform = platform
    }
  }

  public var schema = 1
  public var plan: Plan
  public var environment: Environment

  public init(plan: Plan, environment: Environment) {
    self.plan = plan
    self.environment = environment
  }

  static let fileName = "run.json"

  public static func read(from folder: URL) throws(EvaluationError) -> RunManifest {
    let file = folder.appending(path: fileName)
    guard let data = try? Data(contentsOf: file) else { throw .runMissing(path: folder.path) }
    do {
      return try JSONDecoder().decode(RunManifest.self, from: data)
    } catch {
      throw .unreadable(path: file.path, reason: "it is not a run's manifest: \(error)")
    }
  }

  public func write(to folder: URL) throws {
    try RunFile.write(try Self.encode(self), to: folder.appending(path: Self.fileName))
  }

  /// JSON as every file of a run is written: sorted, plain slashes, readable.
  public static func encode(_ value: some Encodable) throws -> Data {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes, .prettyPrinted]
    return try encoder.encode(value) + Data("\n".utf8)
  }

  /// The fields of the plan in which this run differs from another, each with both values.
  public func differences(from other: RunManifest) -> [String] {
    func object(_ plan: Plan) -> [String: Any] {
      let data = (try? Self.encode(plan)) ?? Data()
      return (try? JSONSerialization.jsonObject(with: data)) as? [String: Any] ?? [:]
    }
    let (mine, theirs) = (object(plan), object(other.plan))
    return Set(mine.keys).union(theirs.keys).sorted().compactMap { key in
      let (a, b) = (mine[key].map { "\($0)" } ?? "", theirs[key].map { "\($0)" } ?? "")
      guard (mine[key] as? NSObject) != (theirs[key] as? NSObject) else { return nil }
      let short = a.count + b.count < 200
      return short ? "\(key) is \(b) there and \(a) here" : key
    }
  }
}
