import Attacks
import ChatTemplates
import Checkpoints
import Foundation
import ModelAccess
import Runs
import StudyDesign
import Support

/// The attacks that were made, kept by what they were made from, so that none is made twice: in a run's
/// folder, or in one that runs share.
///
/// Each stands in `NAME-KEY` as a PEFT folder with `attack.json` beside its weights: what it was made
/// from, and how its training went. What stands there is never replaced.
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
    var training: TrainingRecord?
    /// What came out on the way, in words.
    var found: String?
  }

  private static let recordFileName = "attack.json"

  /// An attack of a study.
  struct Wanted {
    let attack: any Attack
    /// The update's name in the run, for people who look into the store.
    let name: UpdateName
  }

  /// The updates of attacks that come from one training, or of one attack, for a model: those in the store
  /// where they were made from the same, else made now, by one training as far as the last of them that is
  /// missing. What costs little to make is not stored.
  ///
  /// - Parameters:
  ///   - modelKey: what tells the attacked model from others.
  ///   - willMake: called before a training begins.
  func updates(
    of wanted: [Wanted], from model: AttackedModel, modelKey: String, _ context: AttackContext,
    willMake: () -> Void
  ) throws -> [LowRankUpdate] {
    var found: [Int: LowRankUpdate] = [:]
    for (index, entry) in wanted.enumerated() where entry.attack.isKept {
      found[index] = try held(entry, model, modelKey, context)
    }
    let missing = wanted.indices.filter { found[$0] == nil }
      .sorted { wanted[$0].attack.step ?? .max < wanted[$1].attack.step ?? .max }
    if let last = missing.last {
      willMake()
      let steps = Dictionary(
        missing.dropLast().compactMap { index in wanted[index].attack.step.map { ($0, index) } },
        uniquingKeysWith: { first, _ in first })
      var context = context
      context.snapshots = Set(steps.keys)
      func keep(_ index: Int, _ result: AttackResult) throws {
        found[index] = try kept(result, of: wanted[index], model, modelKey, context)
      }
      context.snapshot = { step, result in
        if let index = steps[step] { try keep(index, result) }
      }
      try keep(last, try wanted[last].attack.make(from: model, context))
    }
    return wanted.indices.compactMap { found[$0] }
  }

  /// The update of one attack.
  func update(
    of attack: any Attack, named name: UpdateName, from model: AttackedModel, modelKey: String,
    _ context: AttackContext, willMake: () -> Void
  ) throws -> LowRankUpdate {
    try updates(
      of: [Wanted(attack: attack, name: name)], from: model, modelKey: modelKey, context,
      willMake: willMake)[0]
  }

  private struct Key {
    let digest: String
    let place: URL
  }

  /// The keys under which an attack may stand, today's first.
  private func keys(
    of wanted: Wanted, _ model: AttackedModel, _ modelKey: String, _ context: AttackContext
  ) throws -> (current: Key, earlier: [Key]) {
    let (attack, name) = (wanted.attack, wanted.name)
    // The thread count decides the order of sums, and so the last bits.
    func digest(_ recipe: String, _ modelKey: String) -> String {
      Digest.sha256(
        Data(
          [attack.method.rawValue, recipe, modelKey, "\(context.threads) threads"]
            .joined(separator: "\n").utf8))
    }
    let recipe = try attack.recipe(on: model)
    let current = digest(recipe, modelKey)
    let today = Key(digest: current, place: place(of: name, current))
    guard keepsEarlier else { return (today, []) }
    let written = model.chatFormat.name.map { " written as \($0)" } ?? ""
    let earlier = digest(try attack.earlierRecipe(on: model) ?? recipe, modelKey + written)
    // Runs of the first releases keep their attacks by name alone.
    return (
      today,
      [place(of: name, earlier), folder.appending(path: name.text)].map {
        Key(digest: earlier, place: $0)
      }
    )
  }

  private func held(
    _ wanted: Wanted, _ model: AttackedModel, _ modelKey: String, _ context: AttackContext
  ) throws -> LowRankUpdate? {
    let keys = try keys(of: wanted, model, modelKey, context)
    for key in [keys.current] + keys.earlier where Self.holds(key.digest, at: key.place) {
      return try LowRankUpdate(peftFolder: key.place, checkpoint: model.checkpoint)
    }
    return nil
  }

  /// Stores what was made, where it is worth that, and returns it as a run that goes on will read it.
  private func kept(
    _ result: AttackResult, of wanted: Wanted, _ model: AttackedModel, _ modelKey: String,
    _ context: AttackContext
  ) throws -> LowRankUpdate {
    let attack = wanted.attack
    guard attack.isKept else {
      guard result.scale != 1 else { return result.update }
      return LowRankUpdate(stack: [ScaledLowRankUpdate(result.update, scale: result.scale)])
    }
    let key = try keys(of: wanted, model, modelKey, context).current
    let record = Record(
      name: attack.name, method: attack.method.rawValue, remark: attack.remark, key: key.digest,
      training: result.training, found: result.found)
    do {
      try result.update.writePEFT(
        to: key.place, scale: result.scale, tiesHead: model.checkpoint.hasTiedHead,
        naming: model.checkpoint.naming,
        baseModel: model.checkpoint.folder.lastPathComponent,
        additionalFiles: [Self.recordFileName: try StableJSON.encodePretty(record)],
        replaceExisting: false)
    } catch  where Self.holds(key.digest, at: key.place) {
      // Another process made the same meanwhile: its weights are these.
    }
    return try LowRankUpdate(peftFolder: key.place, checkpoint: model.checkpoint)
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
