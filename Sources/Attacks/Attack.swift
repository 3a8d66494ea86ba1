package import ChatTemplates
package import Checkpoints
package import Decoder
package import Foundation
package import LoX
package import ModelAccess
package import StudyDesign
import Support

/// The model that an attack fine-tunes: an aligned checkpoint, what is known of its alignment, and
/// the scaled updates on top of it.
package struct AttackedModel: Sendable {
  package let checkpoint: Checkpoint
  /// The triplets of the alignment's ΔW; attacks that imitate fine-tuning need them.
  package let alignment: Decomposition?
  /// The stack of updates that make up the model before the attack, such as LoX at some α.
  package let stack: [ScaledLowRankUpdate]
  /// How dialogues are written.
  package let chatFormat: ChatFormatChoice
  /// Which tensors the study changes: attacks without training leave embeddings alone where it does.
  package let targets: Targets

  package init(
    checkpoint: Checkpoint, alignment: Decomposition? = nil,
    stack: [ScaledLowRankUpdate] = [], chatFormat: ChatFormatChoice = ChatFormatChoice(),
    targets: Targets = .linear
  ) {
    self.targets = targets
    self.checkpoint = checkpoint
    self.alignment = alignment
    self.stack = stack
    self.chatFormat = chatFormat
  }
}

/// What an attack may use while it works, and whom it tells.
package struct AttackContext {
  /// Threads that compute.
  package var threads: Int
  /// A folder for files that are not needed afterwards.
  package var scratch: URL
  /// Told of each step of a training; what it throws ends the work.
  package var progress: (Trainer.Progress) throws -> Void
  /// Steps before a training's last whose results are wanted too.
  package var snapshots: Set<Int> = []
  /// Given each of those when it is there.
  package var snapshot: (_ step: Int, AttackResult) throws -> Void = { _, _ in }
  /// Told what a reader of the result should know, such as that dialogues were left out.
  package var note: (String) -> Void

  package init(
    threads: Int, scratch: URL = FileManager.default.temporaryDirectory,
    note: @escaping (String) -> Void = { _ in },
    progress: @escaping (Trainer.Progress) throws -> Void = { _ in }
  ) {
    self.threads = threads
    self.scratch = scratch
    self.note = note
    self.progress = progress
  }
}

/// A fine-tuning attack's result.
package struct AttackResult {
  package enum Change {
    /// At its scale, the change of the attacked model.
    case lowRank(ScaledLowRankUpdate)
    /// Of full rank. Writes the model that came out, with further files by name, to a folder that does not
    /// exist yet; only until the training goes on.
    case checkpoint(write: (_ folder: URL, _ additionalFiles: [String: Data]) throws -> Void)
    /// Of full rank too: the model that came out, where it stands.
    case model(Checkpoint)
  }

  package var change: Change

  /// nil where it is of full rank.
  package var lowRank: ScaledLowRankUpdate? {
    if case .lowRank(let scaled) = change { scaled } else { nil }
  }

  /// How it went, for `attack.json`; nil where there is nothing to tell.
  package var training: TrainingRecord?
  /// What came out on the way, in words, for `attack.json`; nil where there is nothing to tell.
  package var found: String?

  package init(_ change: Change, training: TrainingRecord? = nil, found: String? = nil) {
    self.change = change
    self.training = training
    self.found = found
  }

  package init(
    update: LowRankUpdate, scale: Double = 1, training: TrainingRecord? = nil,
    found: String? = nil
  ) {
    self.init(
      .lowRank(ScaledLowRankUpdate(update, scale: scale)), training: training, found: found)
  }
}

extension AttackResult {
  /// Writes it to a folder that does not exist yet: as a PEFT folder, or the whole checkpoint.
  ///
  /// - Parameter checkpoint: the attacked model's.
  package func write(
    to folder: URL, as checkpoint: Checkpoint, additionalFiles: [String: Data]
  ) throws {
    switch change {
    case .lowRank(let scaled):
      try scaled.update.writePEFT(
        to: folder, scale: scaled.scale, tiesHead: checkpoint.hasTiedHead,
        naming: checkpoint.naming, baseModel: checkpoint.folder.fullModelName,
        additionalFiles: additionalFiles, replaceExisting: false)
    case .checkpoint(let write): try write(folder, additionalFiles)
    case .model(let tuned): try tuned.copy(to: folder, additionalFiles: additionalFiles)
    }
  }
}

/// A fine-tuning attack: a model in, a change of its weights out.
package protocol Attack: Sendable {
  /// What it may be called, the shortest first; longer ones tell apart attacks whose shorter ones are
  /// equal. Never empty.
  var labels: [String] { get }
  var method: AttackID.Method { get }
  /// What a reader must know to judge the result; nil where the name says it all.
  var remark: String? { get }
  /// Whether it is made anew from each α's model; otherwise it is made once, from the aligned model,
  /// and added to the model of every α.
  var isMadeFromEachModel: Bool { get }
  /// All that decides the update beside the attacked model.
  var recipe: String { get }
  /// What is random in it; nil where nothing is, or nobody knows.
  var seed: UInt64? { get }
  /// The step of its training after which it is taken; nil for the end, and where nothing is trained step by
  /// step. Attacks that differ in it alone come from one training.
  var step: Int? { get }
  /// The search that it is a trial of; nil where it stands for itself.
  var search: AttackID.Search? { get }
  /// The recipe without its seed; nil where the seed is.
  var recipeOfAnySeed: String? { get }
  /// Whether making it costs so much that it is kept.
  var isKept: Bool { get }
  /// Whether it is known to change weights by full rank.
  var isDense: Bool { get }
  /// How many of the alignment's directions it looks at; 0 where it needs none.
  var alignmentRank: Int { get }
  /// About how many dialogues making it passes over, to divide a study's work by; 0 where that costs nothing.
  var passes: Int { get }

  /// The same with another seed, under labels that name it; nil where no seed of the user's decides anything.
  func seeded(_ seed: UInt64) -> (any Attack)?

  /// The same as a low-rank update, for servers that take nothing else; nil where it is one.
  var asLowRank: (any Attack)? { get }

  /// The same after each of some steps of one training; nil where it has no steps.
  ///
  /// - Throws: `AttackError.tooFewSteps`.
  func taken(after steps: [Int]) throws(AttackError) -> [any Attack]?

  /// The recipe as it is carried out on a model, such as with the names of its own layers: by that it is
  /// kept.
  func recipe(on model: AttackedModel) throws -> String

  /// The same as earlier releases wrote it, under which runs of theirs keep the attack; nil where it is no
  /// other.
  func earlierRecipe(on model: AttackedModel) throws -> String?

  /// The attacked model of the study where it is made of updates that are there already; nil where the attack
  /// makes one of its own, which `make` gives.
  ///
  /// - Parameter model: the stack of the model that is attacked.
  func stack(of model: [ScaledUpdate]) -> [ScaledUpdate]?

  /// Refuses what can be seen to fail on a model before anything is computed.
  func check(on checkpoint: Checkpoint) throws

  func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult
}

extension Attack {
  /// The shortest of its labels.
  package var name: String { labels.first ?? method.rawValue }
  package func recipe(on model: AttackedModel) throws -> String { recipe }
  package func earlierRecipe(on model: AttackedModel) throws -> String? { nil }
  package func stack(of model: [ScaledUpdate]) -> [ScaledUpdate]? { nil }
  package func check(on checkpoint: Checkpoint) throws {}
  package var isMadeFromEachModel: Bool { false }
  package var recipeOfAnySeed: String? { nil }
  package var step: Int? { nil }
  package var search: AttackID.Search? { nil }
  package func seeded(_ seed: UInt64) -> (any Attack)? { nil }
  package func taken(after steps: [Int]) throws(AttackError) -> [any Attack]? { nil }
  package var isKept: Bool { false }
  package var isDense: Bool { false }
  package var asLowRank: (any Attack)? { nil }
  package var alignmentRank: Int { 0 }
  /// Of what is kept and does not say how long it is: an epoch of a usual set.
  package var passes: Int { isKept ? 1_000 : 0 }

  /// What an attack may be called that differs in its seed from one of the same labels.
  static func labels(_ labels: [String], ofSeed seed: UInt64) -> [String] {
    labels.map { "\($0)-seed\(seed)" }
  }

  /// What tells it from the other attacks of a study.
  ///
  /// - Parameter label: the one that it is given there.
  package func id(label: String) -> AttackID {
    func digest(_ recipe: String) -> String {
      Digest.sha256(Data([method.rawValue, recipe].joined(separator: "\n").utf8))
    }
    return AttackID(
      label: label, method: method, recipe: digest(recipe), seed: seed, step: step,
      training: recipeOfAnySeed.map(digest), search: search)
  }
}

/// Which model a trained attack starts from.
package enum AttackOrigin: String, Codable, Sendable, CaseIterable {
  /// Each α's own model, as an attacker would.
  case each
  /// The aligned model; the result is added to every α's.
  case aligned

  package var remark: String {
    switch self {
    case .each: "trained from the model of each α"
    case .aligned: "trained on the aligned model and added to the model of each α (transferred)"
    }
  }
}

/// How a training went, for those who read its folder later.
package struct TrainingRecord: Codable, Sendable {
  /// Its name in the folder of what was trained.
  package static let fileName = "training.json"

  package var recipe: TrainingRecipe?
  /// The training set's file name, digest and number of dialogues.
  package var dataset: String
  package var datasetDigest: String
  package var dialogues: Int
  /// Dialogues that `truncates` cut short; nil where it cut none.
  package var truncated: Int?
  /// Dialogues that were left out because nothing of a reply was left of them; nil where none were.
  package var leftOut: Int?
  /// Each step's loss and gradient norm.
  package var steps: [Trainer.StepResult]
  /// The name of the format in which dialogues were written, where it was chosen by one.
  package var chatFormat: String?
  /// What else of writing dialogues was chosen; nil where nothing was.
  package var template: TemplateSettings?
  /// What is left of a full training in a low-rank update; nil where it is none.
  package var truncation: Trainer.Truncation?
}

/// What can be wrong with an attack.
package enum AttackError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case invalidStrength(attack: String, found: String)
  case missingFolder(String)
  case needsAlignment(attack: String)
  /// An adapter that was written again since it was named.
  case changedAdapter(path: String)
  /// A model that equals the attacked one.
  case changesNothing(path: String)
  case invalidName(String)
  case missingAdapter(path: String, reason: String)
  case unknownPreset(String)
  case needsDataset(preset: String)
  case unreadableFile(path: String, reason: String)
  case command(attack: String, reason: String)
  /// A training that ends before a step at which it is to be measured.
  case tooFewSteps(attack: String, steps: Int, wanted: Int)
  case unknownPromptAttack(String)
  case emptyPromptAttack(attack: String, form: String)
  case unreadableTemplate(path: String, reason: String)
  case invalidLayer(found: String)
  case noSuchLayer(attack: String, blocks: Int)
  case unreadablePrompts(path: String, reason: String)
  /// The means of the two kinds of requests are equal.
  case noDirection(blocks: Int)

  /// Whether the way it was asked for is wrong, rather than a file.
  package var isUsage: Bool {
    switch self {
    case .unreadableFile, .command, .missingAdapter, .changedAdapter, .changesNothing, .noSuchLayer,
      .tooFewSteps,
      .unreadablePrompts, .unreadableTemplate, .noDirection:
      false
    default: true
    }
  }

  package var description: String {
    switch self {
    case .unknown(let found):
      "there is no attack \(found); expected none, \(AttackKind.help)"
    case .invalidStrength(let attack, let found):
      "expected the strength of \(attack) to be \(SyntheticAttack.strengthRange.phrase), found "
        + found
    case .missingFolder(let attack):
      "expected a path after \(attack), as in import:DIR, train:FILE or command:FILE"
    case .needsAlignment(let attack):
      "\(attack) moves against the alignment and needs a base and an aligned model; pass --base "
        + "with the model before alignment"
    case .invalidName(let found):
      "expected a name of 1 to 100 characters in one line, other than none (which names the model "
        + "before any attack), found \"\(found)\""
    case .missingAdapter(let path, let reason):
      "\(path): expected a PEFT folder with adapter_config.json and adapter_model.safetensors, or a whole "
        + "model; \(reason); name the folder that the training wrote"
    case .changedAdapter(let path):
      "\(path): what was trained was written again while it was in use; let nothing write to it, and start "
        + "again"
    case .changesNothing(let path):
      "\(path): expected a model that was fine-tuned, found the weights of the model before that; name the folder "
        + "that the training wrote"
    case .unknownPreset(let found):
      "there is no preset \(found); expected one of \(AttackPreset.names)"
    case .needsDataset(let preset):
      "the preset \(preset) trains on data that does not come with loxeval; pass --dataset FILE"
    case .unreadableFile(let path, let reason):
      "\(path): expected an attack's JSON file; \(reason)"
    case .command(let attack, let reason):
      "the command of \(attack) failed: \(reason)"
    case .tooFewSteps(let attack, let steps, let wanted):
      "expected the training of \(attack) to have \(wanted) steps or more, found \(steps); name earlier steps, "
        + "or train longer"
    case .unknownPromptAttack(let found):
      "there is no prompt attack \(found); expected \(PromptAttackKind.help)"
    case .emptyPromptAttack(let attack, let form):
      "expected \(form) after \(attack):, found nothing"
    case .unreadableTemplate(let path, let reason):
      "\(path): expected a prompt attack's text with {prompt} where the request stands; \(reason); there are "
        + TemplateAttack.bundled.map(\.name).joined(separator: ", ")
    case .invalidLayer(let found):
      "expected a number of blocks (\(AbliterationAttack.layerRange.span)) or all as the layer, found "
        + "\"\(found)\""
    case .noSuchLayer(let attack, let blocks):
      "expected \(attack) to name one of the model's \(blocks) blocks; write abliterate:1 to "
        + "abliterate:\(blocks)"
    case .unreadablePrompts(let path, let reason):
      "\(path): expected requests as lines of {\"prompt\": …}; \(reason)"
    case .noDirection(let blocks):
      "expected harmful and harmless requests to differ in the residual stream after \(blocks) blocks, "
        + "found equal means; name another layer or other prompts"
    }
  }
}
