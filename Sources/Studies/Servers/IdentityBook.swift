import Foundation
import Inference
import Runs
import Support

/// `identity.json` of a run folder: what each model of the study answered to the probe when it was
/// first asked, so that a run that goes on notices another model behind the same address.
struct IdentityBook {
  private let file: URL

  init(run: URL) { file = run.appending(path: "identity.json") }

  /// Signatures by the models' ids; none where the run has just begun.
  func read() throws(RunError) -> [String: IdentityCheck.Signature] {
    guard let data = try? Data(contentsOf: file) else { return [:] }
    do {
      return try JSONDecoder().decode([String: IdentityCheck.Signature].self, from: data)
    } catch {
      throw .unreadable(
        path: file.path, reason: "expected signatures of models: \(error.plainReason)")
    }
  }

  func write(_ signatures: [String: IdentityCheck.Signature]) throws {
    try AtomicFile.write(try RunManifest.encode(signatures), to: file)
  }
}
