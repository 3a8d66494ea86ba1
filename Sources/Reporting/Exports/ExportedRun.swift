import Foundation
import ModelAccess
import Runs
import StudyDesign
import Support

/// A run as other tools see it: models, each asked tasks.
struct ExportedRun {
  let manifest: RunManifest
  private let run: StoredRun
  /// What the model of a cell is called: `aligned:r6-a1.25-identity-shift`; no two models share a name.
  let models: [CellID: String]
  /// When it was begun, to the second, as names of files have it: `2026-01-02T03-04-05`.
  let stamp: String
  /// When its last sample was written, in ISO 8601; empty where that is not known.
  let completedAt: String

  init(_ run: StoredRun) {
    manifest = run.manifest
    self.run = run
    models = Self.names(of: run.manifest.plan.cells)
    let begun = String(run.manifest.environment.createdAt.prefix(19))
    stamp =
      begun.count == 19 ? begun.replacing(":", with: "-") : "1970-01-01T00-00-00"
    let written = Journal.lastWritten(run.manifest.division, in: run.url)?.formatted(.iso8601) ?? ""
    // A clock that was set back, or a copy that kept no times.
    completedAt = written >= run.manifest.environment.createdAt ? written : ""
  }

  private struct Model: Hashable {
    let name: String
    let treatment: Treatment
    let attack: AttackID
  }

  private static func names(of cells: [Cell]) -> [CellID: String] {
    var names: [Model: String] = [:]
    var taken: Set<String> = []
    var result: [CellID: String] = [:]
    for cell in cells {
      let model = Model(name: cell.model, treatment: cell.treatment, attack: cell.attack)
      let label = "\(cell.model):\(cell.modelLabel)"
      var name = names[model] ?? label
      if names[model] == nil {
        var number = 2
        while taken.contains(name) {
          name = "\(label)-\(number)"
          number += 1
        }
        taken.insert(name)
        names[model] = name
      }
      result[cell.id] = name
    }
    return result
  }

  /// What a cell's prompts are called: the set, and what is done to its prompts.
  func task(_ cell: Cell) -> String {
    cell.promptAttack.isNone ? cell.dataset : "\(cell.dataset), \(cell.promptAttack.text)"
  }

  /// What a cell's samples came to.
  func outcomes(_ cell: Cell) -> CellOutcomes { run.outcomes[cell.id] }

  /// A cell's samples, with their texts; those of one cell are held at a time.
  func samples(_ cell: Cell) throws(RunError) -> [Sample] {
    var samples: [Sample] = []
    for outcome in outcomes(cell) { samples.append(try run.sample(outcome)) }
    return samples
  }

  /// How many samples a cell is to have.
  func planned(_ cell: Cell) -> Int {
    (manifest.plan.datasets[cell.dataset]?.prompts ?? 0) * manifest.plan.samples
  }

  /// A text as a part of a file's name: letters, digits, points and hyphens.
  static func fileName(_ text: String) -> String {
    let kept = text.map { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == ".") ? $0 : "-" }
    return String(kept.prefix(100))
  }

  /// Twelve digits that tell cells apart.
  static func key(_ text: String) -> String {
    String(Digest.sha256(Data(text.utf8)).dropFirst("sha256:".count).prefix(12))
  }
}

extension JSONNode {
  static func decimal(_ number: Double?) -> JSONNode {
    number.flatMap { $0.isFinite ? .number("\($0)") : nil } ?? .null
  }

  static func of(_ value: some Encodable) throws -> JSONNode {
    try JSONNode(parsing: [UInt8](StableJSON.encode(value)))
  }
}
