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
  }

  private static let recordFileName = "attack.json"

  /// The attack's update for a model: the one in the store where it was made from the same, else
  /// made now. What costs little to make is not stored.
  ///
  /// - Parameters:
  ///   - name: the update's name in the run, for people who look into the store.
  ///   - modelKey: what tells the attacked model from others.
  ///   - willMake: called before a training begins.
  func update(
    of attack: any Attack, named name: UpdateName, from model: AttackedModel, modelKey: String,
    _ context: AttackContext, willMake: () -> Void
  ) throws -> LowRankUpdate {
    guard attack.isKept else {
      willMake()
      let made = try attack.make(from: model, context)
      guard made.scale != 1 else { return made.update }
      return LowRankUpdate(stack: [ScaledLowRankUpdate(made.update, scale: made.scale)])
    }
    // The thread count decides the order of sums, and so the last bits.
    func key(_ recipe: String, _ modelKey: String) -> String {
      Digest.sha256(
        Data(
          [attack.method.rawValue, recipe, modelKey, "\(context.threads) threads"]
            .joined(separator: "\n").utf8))
    }
    let recipe = try attack.recipe(on: model)
    let currentKey = key(recipe, modelKey)
    let currentPlace = place(of: name, currentKey)
    var kept = [(currentPlace, currentKey)]
    if keepsEarlier {
      let written = model.chatFormat.name.map { " written as \($0)" } ?? ""
      let earlier = key(try attack.earlierRecipe(on: model) ?? recipe, modelKey + written)
      // Runs of the first releases keep their attacks by name alone.
      kept += [(place(of: name, earlier), earlier), (folder.appending(path: name.text), earlier)]
    }
    for (place, key) in kept where Self.holds(key, at: place) {
      return try LowRankUpdate(peftFolder: place, checkpoint: model.checkpoint)
    }
    willMake()
    let result = try attack.make(from: model, context)
    let record = Record(
      name: attack.name, method: attack.method.rawValue, remark: attack.remark, key: currentKey,
      training: result.training)
    do {
      try result.update.writePEFT(
        to: currentPlace, scale: result.scale, tiesHead: model.checkpoint.hasTiedHead,
        naming: model.checkpoint.naming,
        baseModel: model.checkpoint.folder.lastPathComponent,
        additionalFiles: [Self.recordFileName: try StableJSON.encodePretty(record)],
        replaceExisting: false)
    } catch  where Self.holds(currentKey, at: currentPlace) {
      // Another process made the same meanwhile: its weights are these.
    }
    // Read back, so that a run that goes on has the same update to the bit.
    return try LowRankUpdate(peftFolder: currentPlace, checkpoint: model.checkpoint)
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
