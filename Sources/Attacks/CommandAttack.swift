import Checkpoints
import Decoder
package import Foundation
package import StudyDesign
import Support

/// Fine-tuning by a program of the user's own; the PEFT folder or the whole model that it writes is imported.
///
/// The template's `{model}`, `{data}`, `{output}` and `{seed}` stand for the attacked model's folder,
/// the training set's file, the folder that the program must write, and the seed. It is run by
/// `/bin/sh -c`, with its output in `command.log` beside the result.
package struct CommandAttack: Attack {
  package private(set) var labels: [String]
  package let template: String
  package let data: URL
  package let dataDigest: String
  private var trainingSeed: UInt64
  package let origin: AttackOrigin

  /// - Throws: `AttackError` where the template lacks `{model}` or `{output}`; `TrainingError` where
  ///   the data cannot be read.
  package init(
    labels: [String], template: String, data: URL, seed: UInt64, origin: AttackOrigin = .each
  ) throws {
    for placeholder in ["{model}", "{output}"] where !template.contains(placeholder) {
      throw AttackError.command(
        attack: labels.first ?? "",
        reason: "expected \(placeholder) in the template, found none in: \(template)")
    }
    self.labels = labels
    self.template = template
    self.data = data
    do throws(InputFile.Fault) {
      dataDigest = try InputFile.digest(of: data)
    } catch {
      throw TrainingError.unreadable(source: data.path, reason: error.reason)
    }
    trainingSeed = seed
    self.origin = origin
  }

  package var method: AttackID.Method { .command }
  package var isMadeFromEachModel: Bool { origin == .each }
  package var remark: String? {
    "trained by `\(template)` on \(data.lastPathComponent), seed \(trainingSeed); \(origin.remark)"
  }
  package var recipe: String { "\(template) \(dataDigest) \(trainingSeed)" }
  package var seed: UInt64? { trainingSeed }
  /// A program that is not told the seed draws as it likes.
  package var recipeOfAnySeed: String? { "\(template) \(dataDigest) from \(origin.rawValue)" }
  package var isKept: Bool { true }

  package func seeded(_ seed: UInt64) -> (any Attack)? {
    guard template.contains("{seed}") else { return nil }
    var other = self
    other.trainingSeed = seed
    other.labels = Self.labels(labels, ofSeed: seed)
    return other
  }

  /// A folder that goes with whoever holds it.
  private final class Scratch {
    let folder: URL

    init(in place: URL, of attack: String) throws(AttackError) {
      folder = place.appending(
        path: "attack-\(String(UInt64.random(in: .min ... .max), radix: 36))")
      do {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
      } catch {
        throw .command(
          attack: attack, reason: "cannot create \(folder.path): \(error.plainReason)")
      }
    }

    deinit { try? FileManager.default.removeItem(at: folder) }
  }

  package func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    let scratch = try Scratch(in: context.scratch, of: name)
    var folder = model.checkpoint.folder
    if !model.stack.isEmpty {
      folder = scratch.folder.appending(path: "model")
      try model.checkpoint.writeMerged(
        model.stack.map(ScaledWeightUpdate.init), to: folder)
    }
    let output = scratch.folder.appending(path: "output")
    try run(model: folder, output: output, log: scratch.folder.appending(path: "command.log"))
    var result = try AttackResult(of: model.checkpoint, in: output)
    result.training = TrainingRecord(
      recipe: nil, dataset: data.lastPathComponent, datasetDigest: dataDigest, dialogues: 0,
      steps: [])
    if case .model = result.change {
      // Read only while its folder is there.
      let tuned = result
      result.change = .checkpoint { place, files in
        try withExtendedLifetime(scratch) {
          try tuned.write(to: place, as: model.checkpoint, additionalFiles: files)
        }
      }
    }
    return result
  }

  private func run(model: URL, output: URL, log: URL) throws {
    let command = CommandTemplate(template).filled([
      "model": [model.path], "data": [data.path], "output": [output.path],
      "seed": ["\(trainingSeed)"],
    ])
    let process = try SupervisedCommand(command, log: log)
    let status = process.waitUntilExit()
    try Task.checkCancellation()
    guard status == 0 else {
      throw AttackError.command(
        attack: name,
        reason: "expected exit status 0, found \(status) from: \(command)\n"
          + process.logTail())
    }
    guard FileManager.default.fileExists(atPath: output.path) else {
      throw AttackError.command(
        attack: name, reason: "it ended without writing a PEFT folder or a whole model to {output}")
    }
  }
}
