package import Foundation
package import ModelAccess
package import Scoring
package import StudyDesign
import Support

/// `run.json`: the plan and where everything came from.
package struct RunManifest: Codable, Hashable, Sendable {
  /// What decides the samples. A run is continued only where all of it is equal.
  package struct Plan: Codable, Hashable, Sendable {
    /// What the models of the study are; nil in manifests of extrapolations.
    package var study: Study?
    package var cells: [Cell]
    package var decoding: Decoding
    package var seed: UInt64
    /// How often each prompt is asked.
    package var samples: Int
    /// How each sample's seed is made; nil in manifests of earlier releases, which made them by number. A
    /// run that goes on keeps its own.
    package var samplingSeeds: SamplingSeeds?
    /// The judge that gives the verdict on harmful prompts.
    package var judge: String
    package var judgeConfiguration: String
    /// The configurations of all judges by their names.
    package var judges: [String: String]
    /// Of the judges that read replies to harmful prompts for the further rungs of the ladder, beside those
    /// that were asked for: their configurations by their names. They give no verdict, no row and no
    /// comparison. nil in manifests of earlier releases, which have no such judges; a run that goes on keeps
    /// its own.
    package var ladder: [String: String]?
    /// Digest of each dataset's file, how many prompts of it are asked, and what it is for.
    package var datasets: [String: Dataset]
    /// The models' architecture and size; nil where the server does not tell.
    package var family: String?
    /// Digests of the checkpoints: base, aligned, or the endpoint's model.
    package var models: [String: String]
    /// Digests of the updates by name.
    package var updates: [String: String]
    /// What readers must know of an attack, by its label.
    package var remarks: [String: String]
    /// What answers: the embedded server, or an endpoint.
    package var server: String
    /// In which numbers this program computed, of trainings and of its own server: `bfloat16`; nil is
    /// float32.
    package var arithmetic: String?
    /// The format in which conversations are written, where it was chosen by name; nil where the model's
    /// own template says it.
    package var chatFormat: String?
    /// What else of writing conversations was chosen; nil where nothing was.
    package var template: TemplateSettings?
    /// How requests are written, where it is not as usual.
    package var request: RequestForm?
    /// What is decided while the run goes on; nil where every prompt is asked.
    package var sequential: SequentialPlan?
    /// Of a landscape; nil for every other study.
    package var landscape: Landscape?
    /// Of a landscape, known once its updates are made.
    package var geometry: Geometry?

    /// What a study's models are made of, where it is not extrapolations of the aligned model.
    package enum Study: String, Codable, Hashable, Sendable {
      /// W_base + Proj_r(ΔW), for the effective rank.
      case effectiveRank = "effective-rank"
      /// W_aligned + α L + t T⊥, over a grid of α and t.
      case landscape
    }

    /// What a landscape's two directions are.
    package struct Landscape: Codable, Hashable, Sendable {
      /// The defence whose direction is the first axis, in multiples α of its update.
      package var defence: Treatment.Arm
      /// As people call the attack whose part orthogonal to it is the second axis, in multiples t.
      package var attack: String
      /// Digest of the refusals whose loss is measured; nil where what answers does not compute it.
      package var refusals: String?

      package init(defence: Treatment.Arm, attack: String, refusals: String?) {
        self.defence = defence
        self.attack = attack
        self.refusals = refusals
      }
    }

    /// How a landscape's two updates lie to each other, all tensors taken as one vector.
    package struct Geometry: Codable, Hashable, Sendable {
      /// c = ⟨T, L⟩ / ⟨L, L⟩: how far the attack goes along the defence, in multiples of it; below 0 against
      /// it.
      package var along: Double
      /// The cosine of their angle.
      package var cosine: Double
      /// Frobenius norms of L, T and T − c L.
      package var defenceNorm: Double
      package var attackNorm: Double
      package var orthogonalNorm: Double

      enum CodingKeys: String, CodingKey {
        case along, cosine
        case defenceNorm = "defence_norm"
        case attackNorm = "attack_norm"
        case orthogonalNorm = "orthogonal_norm"
      }

      package init(
        along: Double, cosine: Double, defenceNorm: Double, attackNorm: Double,
        orthogonalNorm: Double
      ) {
        self.along = along
        self.cosine = cosine
        self.defenceNorm = defenceNorm
        self.attackNorm = attackNorm
        self.orthogonalNorm = orthogonalNorm
      }
    }

    package struct Dataset: Codable, Hashable, Sendable {
      package var digest: String
      package var prompts: Int
      package var kind: PromptKind
      /// The names of the set's judges; the first gives its samples' verdict.
      package var judges: [String]
      /// Where others recorded the replies; nil where models were asked.
      package var replies: Replies?

      /// A file of recorded replies.
      package struct Replies: Codable, Hashable, Sendable {
        package var form: String
        /// SHA-256 of the file.
        package var digest: String

        package init(form: String, digest: String) {
          self.form = form
          self.digest = digest
        }
      }

      package init(digest: String, prompts: Int, kind: PromptKind, judges: [String] = []) {
        self.digest = digest
        self.prompts = prompts
        self.kind = kind
        self.judges = judges
      }
    }

    package init(
      study: Study? = nil, cells: [Cell], decoding: Decoding, seed: UInt64, samples: Int = 1,
      samplingSeeds: SamplingSeeds? = .byPrompt, judge: String,
      judgeConfiguration: String, judges: [String: String]? = nil, ladder: [String: String]? = nil,
      datasets: [String: Dataset], models: [String: String], updates: [String: String],
      remarks: [String: String], server: String, arithmetic: String? = nil, family: String? = nil,
      chatFormat: String? = nil, template: TemplateSettings? = nil, request: RequestForm? = nil,
      sequential: SequentialPlan? = nil, landscape: Landscape? = nil, geometry: Geometry? = nil
    ) {
      self.study = study
      self.cells = cells
      self.decoding = decoding
      self.seed = seed
      self.samples = samples
      self.samplingSeeds = samplingSeeds
      self.judge = judge
      self.judgeConfiguration = judgeConfiguration
      self.judges = judges ?? [judge: judgeConfiguration]
      self.ladder = ladder
      self.datasets = datasets.mapValues { set in
        var set = set
        if set.judges.isEmpty { set.judges = [judge] }
        return set
      }
      self.models = models
      self.updates = updates
      self.remarks = remarks
      self.server = server
      self.arithmetic = arithmetic
      self.family = family
      self.chatFormat = chatFormat
      self.template = template
      self.request = request
      self.sequential = sequential
      self.landscape = landscape
      self.geometry = geometry
    }
  }

  /// What is worth knowing and may differ between the sessions of one run.
  package struct Environment: Codable, Hashable, Sendable {
    package var command: String
    package var version: String
    package var createdAt: String
    package var threads: Int
    package var blas: String
    package var instructions: String
    package var platform: String

    package init(
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

    /// In what another session computes otherwise than this one, in words; nil where in nothing.
    func otherwise(than other: Environment) -> String? {
      func words(_ environment: Environment) -> String {
        "--threads \(environment.threads) and \(environment.instructions)"
      }
      guard words(self) != words(other) else { return nil }
      return
        "it was begun with \(words(other)), and this session has \(words(self)): trainings and decompositions "
        + "repeat to the bit where both are equal alone"
    }
  }

  package var schema = Migrations.current
  package var plan: Plan
  package var environment: Environment
  /// How good the judges were found to be on labelled replies of elsewhere; of earlier releases, which
  /// corrected rates by it.
  package var judgeQuality: [JudgeQuality]
  /// What a recommended α may cost. Does not decide the samples.
  package var limits: RecommendationLimits
  /// When the stored replies were judged again, the earliest first; nil where they never were.
  package var rejudgings: [Rejudging]?
  /// Which shard does which cell, while shards with journals of their own make the run; nil where one
  /// process made it, or they have been merged.
  package var division: Division?
  /// Of the shards that made it, each start; nil where one process did.
  package var sessions: [Session]?
  /// The models that were named as a hub names them, with the commits that were taken; nil where all were
  /// folders, and of earlier releases. What they hold is in the plan's digests.
  package var sources: [ModelSource]?
  /// What it cost, as its last session knew when it ended; nil where nobody gave prices, and of earlier
  /// releases. Decides nothing of the samples.
  package var spending: Spending?

  package init(
    plan: Plan, environment: Environment, judgeQuality: [JudgeQuality] = [],
    limits: RecommendationLimits = RecommendationLimits()
  ) {
    self.plan = plan
    self.environment = environment
    self.judgeQuality = judgeQuality
    self.limits = limits
  }

  static let fileName = "run.json"

  /// Reads a run's manifest, with what its shards say where it is made by some.
  package static func read(from folder: URL) throws(RunError) -> RunManifest {
    try readFile(in: folder).joined(in: folder)
  }

  /// Reads `run.json` alone.
  static func readFile(in folder: URL) throws(RunError) -> RunManifest {
    let file = PendingFiles.place(of: fileName, in: folder)
    let data: Data
    do throws(InputFile.Fault) {
      data = try InputFile(file, .records).body
    } catch {
      guard error.isMissing else { throw .unreadable(path: file.path, reason: error.reason) }
      throw FolderLock.isHeld(folder.path)
        ? .runPreparing(path: folder.path) : .runMissing(path: folder.path)
    }
    do {
      return try SchemaFile.decode(
        RunManifest.self, from: data, current: Migrations.current, migrations: Migrations.manifest)
    } catch {
      throw .unreadable(path: file.path, reason: "it is not a run's manifest: \(error.plainReason)")
    }
  }

  package func write(to folder: URL) throws {
    try AtomicFile.write(
      try StableJSON.encodePretty(self), to: folder.appending(path: Self.fileName))
  }
}

extension RunManifest.Plan {
  /// Whether others recorded the replies: nothing of how they were asked is known.
  package var isRecorded: Bool { datasets.values.contains { $0.replies != nil } }

  /// The names of a set's judges; the first is its primary judge, whose verdict is its samples'.
  package func judges(of dataset: String) -> [String] { datasets[dataset]?.judges ?? [judge] }

  /// All who read a set's replies: its judges, then those of the ladder alone.
  package func readers(of dataset: String) -> [String] {
    let judges = judges(of: dataset)
    guard datasets[dataset]?.kind == .harmful else { return judges }
    return judges + (ladder ?? [:]).keys.sorted().filter { !judges.contains($0) }
  }

  /// The primary judge of each cell.
  func primaryJudges() -> [CellID: String] {
    Dictionary(
      cells.map { ($0.id, judges(of: $0.dataset).first ?? judge) },
      uniquingKeysWith: { first, _ in first })
  }
}
