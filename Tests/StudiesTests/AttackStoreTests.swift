import Attacks
import Checkpoints
import Decoder
import Dispatch
import Foundation
import LinearAlgebra
import ModelAccess
import StudyDesign
import Support
import Synchronization
import TestSupport
import Testing
import TinyModel

@testable import Studies

/// An attack whose making waits for something.
private final class SlowAttack: Attack {
  let labels = ["attack"]
  let recipe = "slow"
  let isKept = true
  let seed: UInt64? = nil
  let remark: String? = nil
  let method = AttackID.Method.lora
  private let update: LowRankUpdate
  private let wait: @Sendable () -> Void
  private let made = Mutex(0)

  init(update: LowRankUpdate, wait: @escaping @Sendable () -> Void) {
    self.update = update
    self.wait = wait
  }

  var count: Int { made.withLock { $0 } }

  func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    made.withLock { $0 += 1 }
    wait()
    return AttackResult(update: update)
  }
}

@Suite struct AttackStoreTests {
  private static let name: UpdateName = "attack@a0"

  private static func model(
    _ folder: TemporaryFolder, _ key: String = "m"
  ) throws -> AttackStore.Start {
    let place = folder.url.appending(path: "model")
    if !FileManager.default.fileExists(atPath: place.path) {
      try TinyModel.write(to: place, seed: 1)
    }
    let checkpoint = try Checkpoint(folder: place)
    return AttackStore.Start(
      model: AttackedModel(checkpoint: checkpoint), origin: checkpoint, stack: [], key: key)
  }

  /// A change of one projection by a constant.
  private static func update(_ value: Float, of start: AttackStore.Start) throws -> LowRankUpdate {
    let tensor = "model.layers.0.self_attn.q_proj.weight"
    let shape = try #require(start.origin.tensor(named: tensor)).shape
    var update = LowRankUpdate()
    update.tensors[tensor] = LowRankUpdate.Factors(
      left: Matrix(
        rows: shape[0], columns: 1, elements: [Float](repeating: value, count: shape[0])),
      right: Matrix(rows: 1, columns: shape[1], elements: [Float](repeating: 1, count: shape[1])))
    return update
  }

  @Test func whatWasMadeFromTheSameIsNotMadeAgain() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let attack = FixedAttack(["attack"], update: try Self.update(1, of: model))
    let store = AttackStore(
      folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let context = AttackContext(threads: 1)
    let first = try store.update(
      of: attack, named: Self.name, from: model, context
    ) {}
    let second = try store.update(
      of: attack, named: Self.name, from: model, context
    ) {}
    #expect(attack.count == 1 && first.digest == second.digest)
    // Another model, another thread count: other weights.
    _ = try store.update(of: attack, named: Self.name, from: Self.model(folder, "n"), context) {}
    _ = try store.update(
      of: attack, named: Self.name, from: model, AttackContext(threads: 2)
    ) {}
    #expect(attack.count == 3)
  }

  /// A run that is continued goes on with what an earlier release made for it; others make it anew.
  @Test func whatAnEarlierReleaseMadeIsARunsOwn() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let place = folder.url.appending(path: "store")
    let context = AttackContext(threads: 1)
    func update(_ attack: FixedAttack, keepsEarlier: Bool) throws -> String {
      try AttackStore(folder: place, keepsEarlier: keepsEarlier).update(
        of: attack, named: Self.name, from: model, context
      ) {}.digest
    }
    let first = try update(
      FixedAttack(["attack"], recipe: "a", update: Self.update(1, of: model)), keepsEarlier: false)
    let today = FixedAttack(
      ["attack"], recipe: "a written", update: try Self.update(2, of: model), earlier: "a")
    #expect(try update(today, keepsEarlier: true) == first)
    #expect(today.count == 0)
    #expect(try update(today, keepsEarlier: false) != first)
    #expect(today.count == 1)
    // Of both, today's own counts.
    #expect(try update(today, keepsEarlier: true) != first)
  }

  /// Whoever asks for an attack that another makes is told so, and finds it when it is there.
  @Test func oneMakesAnAttackForAll() async throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let place = folder.url.appending(path: "store")
    let update = try Self.update(1, of: model)
    let (begun, mayEnd) = (DispatchSemaphore(value: 0), DispatchSemaphore(value: 0))
    let slow = SlowAttack(update: update) {
      begun.signal()
      #expect(mayEnd.wait(timeout: .now() + 600) == .success)
    }
    let wanted = AttackStore.Wanted(attack: slow, name: Self.name)
    let context = AttackContext(threads: 1)
    func store() -> AttackStore { AttackStore(folder: place, keepsEarlier: false) }
    async let made = runOnOwnThread(named: "maker") {
      try store().updates(of: [wanted], from: model, AttackContext(threads: 1)) {}[0].digest
    }
    try await runOnOwnThread(named: "other") {
      #expect(begun.wait(timeout: .now() + 600) == .success)
      guard
        case .beingMade(let maker) = try store().find([wanted], from: model, context, willMake: {})
      else {
        Issue.record("it was made twice")
        return
      }
      #expect(maker.hasPrefix("process \(ProcessInfo.processInfo.processIdentifier) on "))
      mayEnd.signal()
      // From here on it is there, or comes while one waits.
      let found = try store().updates(of: [wanted], from: model, context) {}
      #expect(found.count == 1)
    }
    #expect(try await made == NamedUpdate(name: Self.name, update: update).digest)
    #expect(slow.count == 1)
    #expect(try FileManager.default.contentsOfDirectory(atPath: place.path).count == 1)
  }

  /// A maker that died leaves what locks nothing, and half of an attack that nobody takes for one.
  @Test func whatADeadMakerLeftIsMadeAnew() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let attack = FixedAttack(["attack"], update: try Self.update(1, of: model))
    let store = AttackStore(folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let context = AttackContext(threads: 1)
    let first = try store.update(of: attack, named: Self.name, from: model, context) {}
    let files = FileManager.default
    let whole = try #require(try files.contentsOfDirectory(atPath: store.folder.path).first)
    // As a kill between the weights and the folder's name leaves it.
    try files.moveItem(
      at: store.folder.appending(path: whole),
      to: store.folder.appending(path: "\(whole).partial-1"))
    try folder.write("process 1 on nowhere\n", "store/\(whole).lock")
    let other = "\(whole)0.partial-1"
    try folder.write("of another attack", "store/\(other)/x")
    let again = try store.update(of: attack, named: Self.name, from: model, context) {}
    #expect(attack.count == 2 && again.digest == first.digest)
    #expect(files.fileExists(atPath: store.folder.appending(path: "\(whole)/attack.json").path))
    // Nothing is left of the half, where locks tell that nobody writes it.
    let left = try files.contentsOfDirectory(atPath: store.folder.path)
    if CheckpointWriter.knowsLeftovers(in: store.folder) { #expect(Set(left) == [whole, other]) }
  }

  /// What another process writes now is not touched.
  @Test func whatALiveMakerWritesStays() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let attack = FixedAttack(["attack"], update: try Self.update(1, of: model))
    let store = AttackStore(folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let context = AttackContext(threads: 1)
    _ = try store.update(of: attack, named: Self.name, from: model, context) {}
    let files = FileManager.default
    let whole = try #require(try files.contentsOfDirectory(atPath: store.folder.path).first)
    let place = store.folder.appending(path: whole)
    let half = store.folder.appending(path: "\(whole).partial-1")
    try files.moveItem(at: place, to: half)
    let lock = try FileLock(of: place)
    let wanted = AttackStore.Wanted(attack: attack, name: Self.name)
    guard
      case .beingMade = try store.find([wanted], from: model, context, willMake: {})
    else {
      Issue.record("it was made twice")
      return
    }
    #expect(files.fileExists(atPath: half.path))
    withExtendedLifetime(lock) {}
  }

  /// Two attacks of one name stand side by side, and neither replaces the other.
  @Test func nothingThatIsHeldIsReplaced() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let store = AttackStore(
      folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let context = AttackContext(threads: 1)
    func make(_ recipe: String, _ value: Float) throws -> String {
      try store.update(
        of: FixedAttack(["attack"], recipe: recipe, update: Self.update(value, of: model)),
        named: Self.name, from: model, context
      ) {}.digest
    }
    let one = try make("one", 1)
    let two = try make("two", 2)
    #expect(one != two)
    #expect(try make("one", 9) == one)
    #expect(try make("two", 9) == two)
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.path).count == 2)
  }

  /// A folder that was cut short, or is of something else, is not taken for the attack, and not removed.
  @Test func whatIsNotAnAttackIsLeftAlone() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let attack = FixedAttack(["attack"], update: try Self.update(1, of: model))
    let store = AttackStore(
      folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let context = AttackContext(threads: 1)
    _ = try store.update(of: attack, named: Self.name, from: model, context) {}
    let place = try #require(
      try FileManager.default.contentsOfDirectory(atPath: store.folder.path).first)
    try folder.write("mine", "store/\(place)/attack.json")
    #expect(throws: (any Error).self) {
      _ = try store.update(of: attack, named: Self.name, from: model, context) {}
    }
    #expect(
      try String(
        contentsOf: folder.url.appending(path: "store/\(place)/attack.json"), encoding: .utf8)
        == "mine")
  }

  /// Points along a training come from one training, as far as the last that is missing, and those that are
  /// there are not made again.
  @Test func pointsAlongATrainingAreMadeTogether() throws {
    let folder = try TemporaryFolder()
    let model = try Self.model(folder)
    let line = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
    var recipe = TrainingRecipe()
    (recipe.rank, recipe.batchSize, recipe.epochs) = (2, 1, 6)
    let attack = TrainedAttack(
      labels: ["mine"], recipe: recipe, set: try TrainingSet(file: folder.write(line, "set.jsonl")))
    let store = AttackStore(
      folder: folder.url.appending(path: "store"), keepsEarlier: false)
    var steps = 0
    let context = AttackContext(threads: 1, progress: { _ in steps += 1 })
    func updates(_ points: [Int]) throws -> [String] {
      let taken = try #require(try attack.taken(after: points))
      return try store.updates(
        of: taken.map {
          AttackStore.Wanted(attack: $0, name: UpdateName(resembling: "\($0.name)@a0"))
        }, from: model, context
      ) {}.map(\.digest)
    }
    let first = try updates([1, 3, 5])
    #expect(steps == 5 && Set(first).count == 3)
    #expect(try updates([1, 3, 5]) == first && steps == 5)
    // The later points stand already: the training goes no further than the one that is missing.
    let second = try updates([1, 2, 5])
    #expect(steps == 7 && second[0] == first[0] && second[2] == first[2])
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.path).count == 4)
  }

  /// A full fine-tuning is kept as the model that came out, and with the updates that it began from it gives that
  /// model to the bit.
  @Test func aFullTrainingIsKeptWhole() throws {
    let folder = try TemporaryFolder()
    let bare = try Self.model(folder)
    let lox = ScaledLowRankUpdate(try Self.update(0.01, of: bare), scale: 0.5)
    let other = folder.url.appending(path: "other")
    try TinyModel.write(to: other, seed: 9, from: (seed: 1, scale: 0.3))
    let expo = try DenseUpdate(
      from: bare.origin, to: try Checkpoint(folder: other), identity: "expo")
    let below = try StudyUpdates([
      NamedUpdate(name: "expo", update: .dense(expo)), NamedUpdate(name: "lox", update: lox.update),
    ])
    let stack = [ScaledUpdate(name: "expo", scale: 0.5), ScaledUpdate(name: "lox", scale: 0.5)]
    let merged = folder.url.appending(path: "merged")
    try bare.origin.writeMerged(try below.stack([stack[0]]), to: merged)
    let start = AttackStore.Start(
      model: AttackedModel(checkpoint: try Checkpoint(folder: merged), stack: [lox]),
      origin: bare.origin, stack: try below.stack(stack), key: try below.key(of: stack, on: "m"))

    let line = #"{"messages":[{"role":"user","content":"q"},{"role":"assistant","content":"a"}]}"#
    var recipe = TrainingRecipe()
    (recipe.method, recipe.batchSize, recipe.epochs, recipe.learningRate) = (.full, 1, 2, 0.01)
    let attack = TrainedAttack(
      labels: ["mine"], recipe: recipe, set: try TrainingSet(file: folder.write(line, "set.jsonl")))
    let store = AttackStore(folder: folder.url.appending(path: "store"), keepsEarlier: false)
    var steps = 0
    let context = AttackContext(threads: 1, progress: { _ in steps += 1 })
    let made = try store.update(of: attack, named: Self.name, from: start, context) {}
    let again = try store.update(of: attack, named: Self.name, from: start, context) {}
    #expect(steps == 2 && made.digest == again.digest)
    #expect(made.update.lowRank == nil && made.update.tensorNames.contains("model.norm.weight"))

    let all = try StudyUpdates(below.all + [again])
    let attacked = stack + [ScaledUpdate(name: Self.name, scale: 1)]
    let outcome = try #require(try all.outcome(of: attacked, on: "m"))
    let written = folder.url.appending(path: "written")
    try bare.origin.writeMerged(try all.stack(attacked), to: written)
    #expect(try Checkpoint(folder: written).digest() == outcome.digest())
    #expect(outcome.digest() != start.model.checkpoint.digest())
    // Of another model, at another scale, or with more on top it is no model that stands already.
    let alone = [ScaledUpdate(name: Self.name, scale: 1)]
    let half = stack + [ScaledUpdate(name: Self.name, scale: 0.5)]
    for other in [alone, half, attacked + [stack[1]], stack, []] {
      #expect(try all.outcome(of: other, on: "m") == nil)
    }
    #expect(try all.outcome(of: attacked, on: "n") == nil)

    // Where servers take adapters alone it is another attack, of low rank.
    let narrow = try #require(attack.asLowRank)
    #expect(narrow.asLowRank == nil && narrow.id(label: "a").recipe != attack.id(label: "a").recipe)
    let factors = try store.update(of: narrow, named: Self.name, from: start, context) {}
    #expect(steps == 4 && factors.update.lowRank != nil && factors.outcome == nil)
  }

  /// Whole models that others trained: imported where they stand, and copied from where a command wrote them.
  @Test func wholeModelsOfOthersAreTakenAsChanges() throws {
    let folder = try TemporaryFolder()
    let start = try Self.model(folder)
    let other = folder.url.appending(path: "it's other")
    try TinyModel.write(to: other, seed: 9, from: (seed: 1, scale: 0.3))
    let tuned = try Checkpoint(folder: other)
    let store = AttackStore(folder: folder.url.appending(path: "store"), keepsEarlier: false)
    let scratch = folder.url.appending(path: "scratch")
    let context = AttackContext(threads: 1, scratch: scratch)
    let data = try folder.write("x", "data.jsonl")
    let imported = try ImportedAttack(folder: other)
    try imported.check(on: start.origin)
    let command = try CommandAttack(
      labels: ["mine"],
      template: "cp -r \(CommandTemplate.quoted(other.path)) {output} && : {model}",
      data: data, seed: 1)
    for attack in [imported, command] as [any Attack] {
      let made = try store.update(of: attack, named: Self.name, from: start, context) {}
      #expect(made.update.isDense && made.outcome == nil)
      let written = folder.url.appending(path: "written-\(attack.method.rawValue)")
      try start.origin.writeMerged(
        [ScaledWeightUpdate(made.update, scale: 1)], to: written)
      #expect(try Checkpoint(folder: written).digest() == tuned.digest())
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: scratch.path).isEmpty)
    #expect(try FileManager.default.contentsOfDirectory(atPath: store.folder.path).count == 1)
  }

  /// Another configuration is no training, and a model that diverged is no attack.
  @Test func wholeModelsOfTheSameWeightsOrOfNoNumbersAreRefused() throws {
    let folder = try TemporaryFolder()
    let start = try Self.model(folder)
    let same = folder.url.appending(path: "same")
    try TinyModel.write(to: same, seed: 1)
    let settings = same.appending(path: "config.json")
    let text = try String(contentsOf: settings, encoding: .utf8)
    try Data(
      text.replacing("{", with: "{\"transformers_version\": \"5.0\", ", maxReplacements: 1).utf8
    )
    .write(to: settings)
    let renamed = try ImportedAttack(folder: same)
    #expect(throws: AttackError.changesNothing(path: same.path)) {
      try renamed.check(on: start.origin)
    }
    let diverged = folder.url.appending(path: "diverged")
    try TinyModel.write(to: diverged, seed: 2, from: (seed: 1, scale: .nan))
    let broken = try ImportedAttack(folder: diverged)
    let error = #expect(throws: CheckpointError.self) { try broken.check(on: start.origin) }
    #expect(error?.description.contains("no numbers") == true)
  }
}
