import Attacks
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
    let key = Digest.sha256(
      Data(
        [
          attack.method.rawValue, try attack.recipe(on: model), modelKey,
          "\(context.threads) threads",
        ]
        .joined(separator: "\n").utf8))
    let place = folder.appending(path: "\(name)-\(key.dropFirst("sha256:".count).prefix(12))")
    // Runs of the first releases keep their attacks by name alone.
    for place in [place, folder.appending(path: name.text)] where Self.holds(key, at: place) {
      return try LowRankUpdate(peftFolder: place, checkpoint: model.checkpoint)
    }
    willMake()
    let result = try attack.make(from: model, context)
    let record = Record(
      name: attack.name, method: attack.method.rawValue, remark: attack.remark, key: key,
      training: result.training)
    do {
      try result.update.writePEFT(
        to: place, scale: result.scale, tiesHead: model.checkpoint.hasTiedHead,
        baseModel: model.checkpoint.folder.lastPathComponent,
        additionalFiles: [Self.recordFileName: try StableJSON.encodePretty(record)],
        replaceExisting: false)
    } catch  where Self.holds(key, at: place) {
      // Another process made the same meanwhile: its weights are these.
    }
    // Read back, so that a run that goes on has the same update to the bit.
    return try LowRankUpdate(peftFolder: place, checkpoint: model.checkpoint)
  }

  private static func holds(_ key: String, at place: URL) -> Bool {
    guard let data = try? InputFile(place.appending(path: recordFileName), .records).body,
      let record = try? JSONDecoder().decode(Record.self, from: data)
    else { return false }
    return record.key == key
  }
}
