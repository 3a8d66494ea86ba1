import Attacks
import ChatTemplates
import Checkpoints
import Decoder
import Foundation
import LoX
import ModelAccess
import Runs
import StudyDesign
import Support

/// The attacks that were made, kept by what they were made from, so that none is made twice: in a run's
/// folder, or in one that runs share.
///
/// Each stands in `NAME-KEY` as a PEFT folder, or as the whole model where its change is of full rank, with
/// `attack.json` beside its weights: what it was made from, and how its training went. It gets its name when
/// it is whole, and what stands there is never replaced.
///
/// Processes on one machine or many use a store at once: who makes an attack holds `NAME-KEY.lock`, and the
/// others wait or do something else. The kernel releases the lock of a maker that dies. Where a file system
/// does not pass locks on to other machines, an attack may be made twice, and the first one counts for all.
struct AttackStore {
  let folder: URL
  /// Whether attacks that earlier releases made stand for those that would be made now, though their
  /// dialogues were read a little otherwise.
  let keepsEarlier: Bool

  /// Where a run keeps its own.
  static func folder(ofRun run: URL) -> URL { run.appending(path: "attacks") }

  private struct Record: Codable {
    var name: String
    var method: String
    var remark: String?
    /// Digest of all that decides the weights.
    var key: String
    /// What tells the model that was attacked from others: the checkpoint's digest, then those of its updates;
    /// nil of earlier releases.
    var start: String?
    var training: TrainingRecord?
    /// What came out on the way, in words.
    var found: String?
  }

  private static let recordFileName = "attack.json"

  /// What is attacked.
  struct Start {
    /// As it is trained on.
    let model: AttackedModel
    /// As the study makes it: of its checkpoint and a stack of updates.
    let origin: Checkpoint
    let stack: [ScaledWeightUpdate]
    /// What tells it from other models.
    let key: String
  }

  /// An attack of a study.
  struct Wanted {
    let attack: any Attack
    /// The update's name in the run, for people who look into the store.
    let name: UpdateName
  }

  /// What a store says of attacks that are wanted.
  enum Found {
    case updates([NamedUpdate])
    /// Another process makes one of them now.
    case beingMade(by: String)
  }

  /// As ``find(_:from:_:willMake:)``; waits where another process makes one of them.
  ///
  /// - Parameters:
  ///   - willWait: told whom it waits for, once.
  ///   - waiting: called now and then while it waits; what it throws ends that.
  func updates(
    of wanted: [Wanted], from start: Start, _ context: AttackContext,
    willWait: (String) -> Void = { _ in }, waiting: () throws -> Void = {}, willMake: () -> Void
  ) throws -> [NamedUpdate] {
    var isFirst = true
    while true {
      switch try find(wanted, from: start, context, willMake: willMake) {
      case .updates(let updates): return updates
      case .beingMade(let maker):
        if isFirst { willWait(maker) }
        isFirst = false
        try Self.pause(waiting)
      }
    }
  }

  /// Lets some time pass before one looks again.
  static func pause(_ waiting: () throws -> Void) throws {
    try Task.checkCancellation()
    try waiting()
    Thread.sleep(forTimeInterval: 0.2)
  }

  /// The updates of attacks that come from one training, or of one attack, for a model: those in the store
  /// where they were made from the same, else made now, by one training as far as the last of them that is
  /// missing. What costs little to make is not stored.
  ///
  /// - Parameter willMake: called before a training begins.
  func find(
    _ wanted: [Wanted], from start: Start, _ context: AttackContext, willMake: () -> Void
  ) throws -> Found {
    var found: [Int: NamedUpdate] = [:]
    func look() throws {
      for (index, entry) in wanted.enumerated() where entry.attack.isKept && found[index] == nil {
        found[index] = try held(entry, start, context)
      }
    }
    func missing() -> [Int] {
      wanted.indices.filter { found[$0] == nil }
        .sorted { wanted[$0].attack.step ?? .max < wanted[$1].attack.step ?? .max }
    }
    try look()
    let places = try missing().filter { wanted[$0].attack.isKept }
      .map { try keys(of: wanted[$0], start, context).current.place }
    let locks: [FileLock]
    do throws(InUse) {
      locks = try lock(places)
    } catch {
      return .beingMade(by: error.maker)
    }
    defer { withExtendedLifetime(locks) {} }
    // Whoever held them may have made it before they were free.
    if !locks.isEmpty { try look() }
    return .updates(
      try make(missing(), of: wanted, from: start, context, found, willMake: willMake))
  }

  private struct InUse: Error {
    let maker: String
  }

  /// Takes the places where attacks will stand, in an order that all processes keep, so that no two wait for
  /// each other.
  private func lock(_ places: [URL]) throws(InUse) -> [FileLock] {
    guard !places.isEmpty else { return [] }
    // What cannot be made here is told when it is written.
    try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
    let here = ProcessInfo.processInfo
    var locks: [FileLock] = []
    for place in places.sorted(by: { $0.path < $1.path }) {
      do throws(FolderLock.Failure) {
        locks.append(
          try FileLock(
            of: place, holder: "process \(here.processIdentifier) on \(here.hostName)", attempts: 2)
        )
        // Who else began it, and could not end it, is dead.
        CheckpointWriter.removeLeftovers(of: place)
      } catch .inUse {
        throw InUse(maker: FileLock.holder(of: place))
      } catch {
        // A file system without locks: whoever is first counts.
      }
    }
    return locks
  }

  private func make(
    _ missing: [Int], of wanted: [Wanted], from start: Start, _ context: AttackContext,
    _ held: [Int: NamedUpdate], willMake: () -> Void
  ) throws -> [NamedUpdate] {
    var found = held
    if let last = missing.last {
      willMake()
      let steps = Dictionary(
        missing.dropLast().compactMap { index in wanted[index].attack.step.map { ($0, index) } },
        uniquingKeysWith: { first, _ in first })
      var context = context
      context.snapshots = Set(steps.keys)
      func keep(_ index: Int, _ result: AttackResult) throws {
        found[index] = try kept(result, of: wanted[index], start, context)
      }
      context.snapshot = { step, result in
        if let index = steps[step] { try keep(index, result) }
      }
      try keep(last, try wanted[last].attack.make(from: start.model, context))
    }
    return wanted.indices.compactMap { found[$0] }
  }

  /// The update of one attack.
  func update(
    of attack: any Attack, named name: UpdateName, from start: Start, _ context: AttackContext,
    willMake: () -> Void
  ) throws -> NamedUpdate {
    try updates(
      of: [Wanted(attack: attack, name: name)], from: start, context, willMake: willMake)[0]
  }

  private struct Key {
    let digest: String
    let place: URL
  }

  /// The keys under which an attack may stand, today's first.
  private func keys(
    of wanted: Wanted, _ start: Start, _ context: AttackContext
  ) throws -> (current: Key, earlier: [Key]) {
    let (attack, name, model) = (wanted.attack, wanted.name, start.model)
    // The thread count decides the order of sums, and so the last bits.
    func digest(_ recipe: String, _ modelKey: String) -> String {
      Digest.sha256(
        Data(
          [attack.method.rawValue, recipe, modelKey, "\(context.threads) threads"]
            .joined(separator: "\n").utf8))
    }
    let recipe = try attack.recipe(on: model)
    let current = digest(recipe, start.key)
    let today = Key(digest: current, place: place(of: name, current))
    guard keepsEarlier else { return (today, []) }
    let written = model.chatFormat.name.map { " written as \($0)" } ?? ""
    let earlier = digest(try attack.earlierRecipe(on: model) ?? recipe, start.key + written)
    // Runs of the first releases keep their attacks by name alone.
    return (
      today,
      [place(of: name, earlier), folder.appending(path: name.text)].map {
        Key(digest: earlier, place: $0)
      }
    )
  }

  private func held(
    _ wanted: Wanted, _ start: Start, _ context: AttackContext
  ) throws -> NamedUpdate? {
    let keys = try keys(of: wanted, start, context)
    for key in [keys.current] + keys.earlier where Self.holds(key.digest, at: key.place) {
      return try read(wanted, at: key.place, start)
    }
    return nil
  }

  private func read(_ wanted: Wanted, at place: URL, _ start: Start) throws -> NamedUpdate {
    switch try TunedModel(folder: place, aligned: start.model.checkpoint) {
    case .adapter(let update): return NamedUpdate(name: wanted.name, update: update)
    case .checkpoint(let tuned): return try Self.change(into: tuned, wanted, start)
    }
  }

  /// What makes a whole model of the one that was attacked.
  private static func change(
    into tuned: Checkpoint, _ wanted: Wanted, _ start: Start
  ) throws -> NamedUpdate {
    // A model that others wrote may lack the study's tokenizer, or have another.
    let isServedAsItIs = wanted.attack.method == .full
    return NamedUpdate(
      name: wanted.name,
      update: .dense(
        try DenseUpdate(
          from: start.origin, with: start.stack, to: tuned,
          identity: "\(start.key) becomes \(tuned.digest())")),
      outcome: isServedAsItIs ? NamedUpdate.Outcome(of: start.key, checkpoint: tuned) : nil)
  }

  /// Stores what was made, where it is worth that, and returns it as a run that goes on will read it.
  private func kept(
    _ result: AttackResult, of wanted: Wanted, _ start: Start, _ context: AttackContext
  ) throws -> NamedUpdate {
    let attack = wanted.attack
    if !attack.isKept {
      switch result.change {
      case .lowRank(let scaled):
        return NamedUpdate(
          name: wanted.name,
          update: scaled.scale == 1 ? scaled.update : LowRankUpdate(stack: [scaled]))
      case .model(let tuned): return try Self.change(into: tuned, wanted, start)
      case .checkpoint: break
      }
    }
    let key = try keys(of: wanted, start, context).current
    let record = Record(
      name: attack.name, method: attack.method.rawValue, remark: attack.remark, key: key.digest,
      start: start.key, training: result.training, found: result.found)
    do {
      try result.write(
        to: key.place, as: start.model.checkpoint,
        additionalFiles: [Self.recordFileName: try StableJSON.encodePretty(record)])
    } catch  where Self.holds(key.digest, at: key.place) {
      // Another process made the same meanwhile: its weights are these.
    }
    return try read(wanted, at: key.place, start)
  }

  /// Whether an attack of a name stands here that was made in the same way from a model of the same checkpoint,
  /// as far as is known before that model's own updates are made.
  ///
  /// - Parameters:
  ///   - recipe: as a training's record has it; nil for attacks that are no trainings of this program's.
  ///   - digest: the checkpoint's; computed where something of the name is here.
  func seemsToHold(
    _ attack: any Attack, named name: UpdateName, recipe: TrainingRecipe?, on digest: () -> String
  ) -> Bool {
    let files = FileManager.default
    let places = ((try? files.contentsOfDirectory(atPath: folder.path)) ?? []).filter {
      $0.hasPrefix("\(name)-") && $0.count == name.text.count + 13 || $0 == name.text
    }
    return places.contains { place in
      guard
        let data = try? InputFile(
          folder.appending(path: "\(place)/\(Self.recordFileName)"), .records
        ).body,
        let record = try? JSONDecoder().decode(Record.self, from: data),
        record.method == attack.method.rawValue
      else { return false }
      if let recipe {
        guard record.training?.recipe == recipe,
          record.training?.datasetDigest == (attack as? TrainedAttack)?.set.digest
        else { return false }
      }
      return record.start.map { $0 == digest() || $0.hasPrefix("\(digest()) ") } ?? keepsEarlier
    }
  }

  private func place(of name: UpdateName, _ key: String) -> URL {
    folder.appending(path: "\(name)-\(key.dropFirst("sha256:".count).prefix(12))")
  }

  private static func holds(_ key: String, at place: URL) -> Bool {
    guard let data = try? InputFile(place.appending(path: recordFileName), .records).body,
      let record = try? JSONDecoder().decode(Record.self, from: data)
    else { return false }
    return record.key == key
  }
}
