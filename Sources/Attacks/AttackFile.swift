import Decoder
import Foundation
import LinearAlgebra
import LoX
import ModelAccess
import StudyDesign
import Support

/// An attack written down as JSON, for `train:FILE` and `command:FILE`.
///
/// Keys of a training: `name`, `preset`, `dataset` (a path, relative to the file), `mix` (`dataset` and `share`
/// of harmful dialogues among the others), `from` (`each` or `aligned`), `energy` and `maximum_rank` (a full training as a low-rank update), and every setting of
/// `TrainingRecipe` in snake case, such as `method`, `learning_rate` and `epochs`. Keys of a command:
/// `name`, `command`, `dataset`, `seed`, `from`.
package enum AttackFile {
  private struct Header: Decodable {
    var name: String?
    var preset: String?
    var dataset: String?
    var from: AttackOrigin?
    var energy: Double?
    var maximumRank: Int?
    var command: String?
    var seed: UInt64?
    var mix: Mix?
  }

  /// What is mixed into the dialogues.
  private struct Mix: Decodable {
    /// A path, relative to the file; nil is the project's own affirmative replies.
    var dataset: String?
    var share: Double
  }

  /// What the file calls the attack, else what the file is called.
  static func labels(_ name: String?, _ file: URL) throws(AttackError) -> [String] {
    guard let name else {
      return [file.deletingPathExtension().lastPathComponent, file.lastPathComponent] + file.labels
    }
    let isLine = !name.unicodeScalars.contains { $0.properties.generalCategory == .control }
    guard (1...100).contains(name.count), isLine, name != AttackID.none.label else {
      throw .invalidName(name)
    }
    return [name]
  }

  private static func decoder() -> JSONDecoder {
    let decoder = JSONDecoder()
    decoder.keyDecodingStrategy = .convertFromSnakeCase
    return decoder
  }

  private static func read(_ file: URL) throws -> (Header, [String: Any]) {
    let object = try object(of: file)
    return (try header(of: object, file), object)
  }

  private static func header(of object: [String: Any], _ file: URL) throws(AttackError) -> Header {
    if let reason = fault(of: object) { throw .unreadableFile(path: file.path, reason: reason) }
    do {
      return try decoder().decode(
        Header.self, from: JSONSerialization.data(withJSONObject: object))
    } catch {
      throw .unreadableFile(path: file.path, reason: error.plainReason(keys: key(of:)))
    }
  }

  /// The settings that are one of some words.
  private static let words: [String: [String]] = [
    "method": TrainingRecipe.Method.allCases.map(\.rawValue),
    "objective": TrainingRecipe.Objective.allCases.map(\.rawValue),
    "schedule": TrainingRecipe.Schedule.allCases.map(\.rawValue),
    "optimizer": TrainingRecipe.Optimizer.allCases.map(\.rawValue),
    "arithmetic": Arithmetic.allCases.map(\.rawValue),
    "from": AttackOrigin.allCases.map(\.rawValue),
  ]

  /// The settings that are whole numbers.
  private static let wholeNumbers: [String: NumberRange<Int>] = [
    "rank": TrainingRecipe.Ranges.rank, "warmup_steps": TrainingRecipe.Ranges.warmupSteps,
    "epochs": TrainingRecipe.Ranges.epochs, "max_steps": TrainingRecipe.Ranges.maxSteps,
    "batch_size": TrainingRecipe.Ranges.batchSize,
    "gradient_accumulation": TrainingRecipe.Ranges.accumulation,
    "max_length": TrainingRecipe.Ranges.maxLength, "maximum_rank": Rank.range,
  ]

  /// What Foundation would refuse without saying what may stand there; nil where there is nothing of the kind.
  private static func fault(of object: [String: Any]) -> String? {
    for (key, value) in object.sorted(by: { $0.key < $1.key }) {
      if let words = words[key], let found = value as? String, !words.contains(found) {
        let expected = words.dropLast().joined(separator: ", ") + " or " + (words.last ?? "")
        return "\(key): expected \(expected), found \(found)"
      }
      guard let number = value as? Double else { continue }
      if let range = wholeNumbers[key], value as? Int == nil {
        return "\(key): expected \(range.phrase), found \(number)"
      }
      if key == "seed", value as? UInt64 == nil {
        let found = (value as? Int).map { "\($0)" } ?? "\(number)"
        return "seed: expected \(NumberRange(0...UInt64.max).phrase), found \(found)"
      }
    }
    return nil
  }

  /// The key of a setting that is called as people call it.
  private static func key(ofSetting name: String) -> String {
    switch name {
    case "warm-up steps": "warmup_steps"
    case "accumulation": "gradient_accumulation"
    default: name.replacing(" ", with: "_")
    }
  }

  /// A key as the file has it.
  private static func key(of property: String) -> String {
    property.replacing(#/[A-Z]/#) { "_\($0.output.lowercased())" }
  }

  /// The file's settings.
  static func object(of file: URL) throws -> [String: Any] {
    do {
      let data = try InputFile(file, .settings).body
      // Says where it is not JSON, as Foundation does not.
      _ = try JSONNode(parsing: [UInt8](data))
      guard let object = try JSONSerialization.jsonObject(with: data) as? [String: Any] else {
        throw AttackError.unreadableFile(path: file.path, reason: "it is not a JSON object")
      }
      return object
    } catch let error as AttackError {
      throw error
    } catch let error as JSONNode.SyntaxError {
      throw AttackError.unreadableFile(
        path: file.path, reason: "it is not JSON at byte \(error.offset): \(error.reason)")
    } catch {
      throw AttackError.unreadableFile(path: file.path, reason: error.plainReason)
    }
  }

  /// - Parameters:
  ///   - seed: where the file names none.
  ///   - bundled: finds a bundled training set by name.
  static func training(
    _ file: URL, seed: UInt64, bundled: (String) -> URL
  ) throws -> TrainedAttack {
    try training(try object(of: file), file, seed: seed, bundled: bundled)
  }

  /// - Parameter object: the settings, of the file or one of its grid.
  static func training(
    _ object: [String: Any], _ file: URL, seed: UInt64, bundled: (String) -> URL
  ) throws -> TrainedAttack {
    let header = try header(of: object, file)
    let preset = try header.preset.map { try AttackPreset(name: $0) }
    let method = (object["method"] as? String).flatMap(TrainingRecipe.Method.init) ?? .lora
    var start = TrainingRecipe()
    start.seed = seed
    let recipe = try merge(
      object, into: preset?.recipe(method: method, seed: seed) ?? start, file: file)
    do throws(TrainingError) {
      try recipe.validate()
    } catch .invalidSetting(let name, let expected, let found) {
      throw AttackError.unreadableFile(
        path: file.path, reason: "\(key(ofSetting: name)): expected \(expected), found \(found)")
    } catch {
      throw AttackError.unreadableFile(path: file.path, reason: "\(error)")
    }
    let dataset: URL
    if let path = header.dataset {
      dataset = URL(filePath: path, relativeTo: file.deletingLastPathComponent())
    } else if let preset {
      dataset = bundled(preset.bundledDataset)
    } else {
      throw AttackError.unreadableFile(
        path: file.path, reason: "it names neither dataset nor preset")
    }
    func check<Value>(
      _ value: Value?, _ range: NumberRange<Value>, _ key: String
    ) throws(AttackError) {
      guard let value, !range.contains(value) else { return }
      throw .unreadableFile(
        path: file.path, reason: "\(key): expected \(range.phrase), found \(value)")
    }
    try check(header.energy, TrainedAttack.TruncationLimits.energyRange, "energy")
    try check(header.maximumRank, Rank.range, "maximum_rank")
    if recipe.method != .full, header.energy != nil || header.maximumRank != nil {
      throw AttackError.unreadableFile(
        path: file.path, reason: "energy and maximum_rank belong to the method full")
    }
    let limits = TrainedAttack.TruncationLimits(
      energy: header.energy, maximumRank: header.maximumRank)
    var set = try TrainingSet(file: dataset)
    if let mix = header.mix {
      try check(mix.share, TrainingSet.mixtureRange, "share")
      let other = mix.dataset.map {
        URL(filePath: $0, relativeTo: file.deletingLastPathComponent())
      }
      set = try set.mixed(
        with: try TrainingSet(
          file: other ?? bundled(AttackPreset.harmfulCompliance.bundledDataset)),
        share: mix.share)
    }
    return TrainedAttack(
      labels: try labels(header.name, file), recipe: recipe, set: set, origin: header.from ?? .each,
      limits: limits)
  }

  static func command(_ file: URL, seed: UInt64) throws -> CommandAttack {
    let (header, object) = try read(file)
    let known: Set = ["name", "command", "dataset", "from", "seed"]
    if let key = object.keys.sorted().first(where: { !known.contains($0) }) {
      throw AttackError.unreadableFile(path: file.path, reason: "there is no setting \(key)")
    }
    guard let template = header.command, let path = header.dataset else {
      throw AttackError.unreadableFile(path: file.path, reason: "it needs command and dataset")
    }
    return try CommandAttack(
      labels: try labels(header.name, file), template: template,
      data: URL(filePath: path, relativeTo: file.deletingLastPathComponent()).absoluteURL,
      seed: header.seed ?? seed, origin: header.from ?? .each)
  }

  /// The recipe with the file's settings in place of its own; unknown ones are refused.
  private static func merge(
    _ object: [String: Any], into recipe: TrainingRecipe, file: URL
  ) throws -> TrainingRecipe {
    let encoder = JSONEncoder()
    encoder.keyEncodingStrategy = .convertToSnakeCase
    // Optional settings that are nil have no key of their own.
    var merged: [String: Any] = [
      "max_steps": NSNull(), "max_length": NSNull(), "decays_norms_and_biases": NSNull(),
      "arithmetic": NSNull(), "optimizer": NSNull(),
      "gradient_checkpointing": NSNull(),
    ]
    if let own = try JSONSerialization.jsonObject(with: encoder.encode(recipe)) as? [String: Any] {
      merged.merge(own) { $1 }
    }
    let others: Set = ["name", "preset", "dataset", "from", "energy", "maximum_rank", "mix"]
    for (key, value) in object where !others.contains(key) {
      guard merged[key] != nil else {
        throw AttackError.unreadableFile(
          path: file.path,
          reason: "there is no setting \(key); there are "
            + others.union(merged.keys).sorted().joined(separator: ", "))
      }
      merged[key] = value
    }
    do {
      return try decoder().decode(
        TrainingRecipe.self, from: JSONSerialization.data(withJSONObject: merged))
    } catch {
      throw AttackError.unreadableFile(path: file.path, reason: error.plainReason(keys: key(of:)))
    }
  }
}

extension AttackFile {
  static let trainingKind = AttackKind("train", form: ":FILE", summary: "JSON", takesPath: true) {
    try training($0.path(), seed: $1.seed, bundled: $1.bundled)
  }
  static let commandKind = AttackKind(
    "command", form: ":FILE", summary: "JSON", takesPath: true
  ) {
    try command($0.path(), seed: $1.seed)
  }
}
