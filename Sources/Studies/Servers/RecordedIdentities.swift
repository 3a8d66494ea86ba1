import Checkpoints
import Foundation
import Inference
import ModelAccess
import Runs
import Support

/// `identity.json` of a run folder: what each model of the study answered to the probe when it was
/// first asked, so that a run that goes on notices another model behind the same address.
struct RecordedIdentities {
  private let file: URL

  init(run: URL) { file = run.appending(path: "identity.json") }

  /// Signatures by the models' ids; none where the run has just begun.
  func read() throws(RunError) -> [String: IdentityCheck.Signature] {
    do {
      guard let data = try InputFile.ifPresent(file, .records)?.body else { return [:] }
      return try JSONDecoder().decode([String: IdentityCheck.Signature].self, from: data)
    } catch {
      throw .unreadable(
        path: file.path, reason: "expected signatures of models: \(error.plainReason)")
    }
  }

  func write(_ signatures: [String: IdentityCheck.Signature]) throws {
    try AtomicFile.write(try StableJSON.encodePretty(signatures), to: file)
  }

  /// The same of servers of one model, without updates.
  ///
  /// - Parameter id: what it is kept by.
  func check(_ client: OpenAIClient, servedAs id: String) throws(RunError) -> IdentityCheck {
    let known = try read()[id]
    return IdentityCheck(
      client: client, known: known.map { [[]: $0] } ?? [:],
      record: { signatures in try write(signatures[[]].map { [id: $0] } ?? [:]) })
  }

  /// The proof that each model is the one it was when the run began, and another than the others.
  func check(_ client: OpenAIClient, _ models: ModelsToServe) throws(RunError) -> IdentityCheck {
    let stacks = Dictionary(
      models.variants.map { ($0.id, $0.stack) }, uniquingKeysWith: { first, _ in first })
    let known = try read()
    let zeros = Set(models.updates.all.filter { $0.update.lowRank?.isZero ?? false }.map(\.name))
    return IdentityCheck(
      client: client,
      known: Dictionary(
        known.compactMap { entry in stacks[entry.key].map { ($0, entry.value) } },
        uniquingKeysWith: { first, _ in first }),
      isEffective: { $0.scale != 0 && !zeros.contains($0.name) },
      record: { signatures in
        let answered = Dictionary(
          signatures.map { (models.id(of: $0.key), $0.value) },
          uniquingKeysWith: { first, _ in first })
        // Those of models that are asked at another time stay.
        try write(known.filter { stacks[$0.key] == nil }.merging(answered) { $1 })
      })
  }
}
