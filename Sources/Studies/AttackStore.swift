import Attacks
import Checkpoints
import Foundation
import Runs
import Support

/// The attacks that a run has made, kept in its folder so that a run that goes on does not train
/// them again.
///
/// Each stands in `attacks/NAME` as a PEFT folder with `attack.json` beside its weights: what it was
/// made from, and how its training went.
struct AttackStore {
  let folder: URL

  init(run: URL) { folder = run.appending(path: "attacks") }

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
  ///   - name: the update's name in the run.
  ///   - modelKey: what tells the attacked model from others.
  ///   - willMake: called before a training begins.
  func update(
    of attack: any Attack, named name: String, from model: AttackedModel, modelKey: String,
    _ context: AttackContext, willMake: () -> Void
  ) throws -> LowRankUpdate {
    guard let fingerprint = attack.fingerprint else {
      willMake()
      return try attack.make(from: model, context).update
    }
    // The thread count decides the order of sums, and so the last bits.
    let key = Digest.sha256(
      Data(
        [attack.method, fingerprint, modelKey, "\(context.threads) threads"]
          .joined(separator: "\n").utf8))
    let place = folder.appending(path: name)
    if let data = try? Data(contentsOf: place.appending(path: Self.recordFileName)),
      let record = try? JSONDecoder().decode(Record.self, from: data), record.key == key
    {
      return try LowRankUpdate(peftFolder: place, checkpoint: model.checkpoint)
    }
    willMake()
    let result = try attack.make(from: model, context)
    let record = Record(
      name: attack.name, method: attack.method, remark: attack.remark, key: key,
      training: result.training)
    try result.update.writePEFT(
      to: place, scale: result.scale, tiesHead: model.checkpoint.hasTiedHead,
      baseModel: model.checkpoint.folder.lastPathComponent,
      additionalFiles: [Self.recordFileName: try RunManifest.encode(record)],
      replaceExisting: true)
    // Read back, so that a run that goes on has the same update to the bit.
    return try LowRankUpdate(peftFolder: place, checkpoint: model.checkpoint)
  }
}
