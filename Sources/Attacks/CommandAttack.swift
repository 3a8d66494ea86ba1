import Checkpoints
public import Foundation
import LanguageModel

/// Fine-tuning by a program of the user's own, whose PEFT folder is then imported.
///
/// The template's `{model}`, `{data}`, `{output}` and `{seed}` stand for the attacked model's folder,
/// the training set's file, the folder that the program must write, and the seed. It is run by
/// `/bin/sh -c`, with its output in `command.log` beside the result.
public struct CommandAttack: Attack {
  public let name: String
  public let template: String
  public let data: URL
  public let dataDigest: String
  public let seed: UInt64
  public let origin: AttackOrigin

  /// - Throws: `AttackError` where the template lacks `{model}` or `{output}`; `TrainingError` where
  ///   the data cannot be read.
  public init(
    name: String, template: String, data: URL, seed: UInt64, origin: AttackOrigin = .each
  ) throws {
    for placeholder in ["{model}", "{output}"] where !template.contains(placeholder) {
      throw AttackError.command(
        attack: name,
        reason: "expected \(placeholder) in the template, found none in: \(template)")
    }
    self.name = name
    self.template = template
    self.data = data
    do {
      dataDigest = Digest.sha256(try Data(contentsOf: data))
    } catch {
      throw TrainingError.unreadable(
        source: data.path, reason: (error as NSError).localizedDescription)
    }
    self.seed = seed
    self.origin = origin
  }

  public var method: String { "command" }
  public var isMadeFromEachModel: Bool { origin == .each }
  public var remark: String? {
    "trained by `\(template)` on \(data.lastPathComponent), seed \(seed); \(origin.remark)"
  }
  public var fingerprint: String? { "\(template) \(dataDigest) \(seed)" }

  public func make(from model: AttackedModel, _ context: AttackContext) throws -> AttackResult {
    let files = FileManager.default
    let work = context.scratch.appending(
      path: "\(name)-\(String(UInt64.random(in: .min ... .max), radix: 36))")
    do {
      try files.createDirectory(at: work, withIntermediateDirectories: true)
    } catch {
      throw AttackError.command(attack: name, reason: "cannot create \(work.path): \(error)")
    }
    defer { try? files.removeItem(at: work) }
    var folder = model.checkpoint.folder
    if !model.stack.isEmpty {
      folder = work.appending(path: "model")
      try model.checkpoint.writeMerged(model.stack, to: folder)
    }
    let output = work.appending(path: "adapter")
    try run(model: folder, output: output, log: work.appending(path: "command.log"))
    return AttackResult(
      update: try LowRankUpdate(peftFolder: output, checkpoint: model.checkpoint),
      training: TrainingRecord(
        recipe: nil, dataset: data.lastPathComponent, datasetDigest: dataDigest, dialogues: 0,
        steps: []))
  }

  private func run(model: URL, output: URL, log: URL) throws {
    var command = template
    for (placeholder, value) in [
      ("{model}", model.path), ("{data}", data.path), ("{output}", output.path),
      ("{seed}", "\(seed)"),
    ] {
      command = command.replacing(placeholder, with: Self.quoted(value))
    }
    try Data().write(to: log)
    let handle = try FileHandle(forWritingTo: log)
    defer { try? handle.close() }
    let process = Process()
    process.executableURL = URL(filePath: "/bin/sh")
    process.arguments = ["-c", command]
    process.standardOutput = handle
    process.standardError = handle
    process.standardInput = FileHandle.nullDevice
    try process.run()
    while process.isRunning {
      if Task.isCancelled { process.terminate() }
      Thread.sleep(forTimeInterval: 0.05)
    }
    try Task.checkCancellation()
    guard process.terminationStatus == 0 else {
      let text = (try? String(contentsOf: log, encoding: .utf8)) ?? ""
      throw AttackError.command(
        attack: name,
        reason: "expected exit status 0, found \(process.terminationStatus) from: \(command)\n"
          + text.suffix(2000))
    }
    guard FileManager.default.fileExists(atPath: output.path) else {
      throw AttackError.command(
        attack: name, reason: "it ended without writing a PEFT folder to {output}")
    }
  }

  /// As one word of a shell command.
  private static func quoted(_ text: String) -> String {
    "'\(text.replacing("'", with: "'\\''"))'"
  }
}
