import ArgumentParser
import Foundation
import ModelAccess
import Runs
import Studies
import StudyDesign
import Support

/// What `--plan` prints.
struct PlannedCells {
  let cells: [Cell]
  let measurement: Studies.Measurement
  /// Which shard does which cell, where the study is divided.
  var division: Division?
  /// Of a sweep, what is made for it.
  var cost: StudyCost?
  /// What it can cost at servers that are paid for.
  var bound: CostBound?
  /// How long it takes, where that was measured.
  var estimate: StudyEstimate?

  init(_ cells: [Cell], of measurement: Studies.Measurement) {
    self.cells = cells
    self.measurement = measurement
  }

  /// Each cell's id, its model's id as `--cells` wants it, and the updates that make it, by tabs; before them
  /// the shard that does it, where the study is divided. What it all comes to is said on stderr.
  func show(_ console: Console) {
    console.note("\(measurement.size(of: cells))")
    if let cost { console.note("\(cost)") }
    if let bound { console.note("\(bound)") }
    for line in estimate?.lines ?? [] { console.note(line) }
    let models = models
    for (place, cell) in cells.enumerated() {
      let stack = cell.variant.map { "\($0.name) × \(Number.text($0.scale))" }
      let shard = division.map { ["\($0.cells[place])"] } ?? []
      Screen.shared.print(
        (shard + [cell.id.rawValue, models[cell.variant] ?? ""] + stack).map(PrintableText.line)
          .joined(separator: "\t"))
    }
  }

  private var models: [[ScaledUpdate]: String] {
    Dictionary(
      ModelsToServe.variants(of: cells).map { ($0.stack, $0.id) },
      uniquingKeysWith: { first, _ in first })
  }

  /// The plan for programs.
  private struct Plan: Encodable {
    struct PlannedCell: Encodable {
      var cell: String
      var model: String
      var updates: [ScaledUpdate]
      var samples: Int
      var shard: Int?
    }

    /// The study, as `--config` reads it.
    var command: String
    var options: [String: StudyOption]
    var models: Int
    var prompts: Int
    var samples: Int
    /// New tokens of a reply, at most.
    var tokensEach: Int
    /// Of a sweep.
    var decompositions: Int?
    var trainings: Int?
    var trainingDialogues: Int?
    /// Of what is paid for.
    var requests: Int?
    var promptTokens: Int?
    var completionTokens: Int?
    var costAtMost: Double?
    var estimate: StudyEstimate?
    var shards: Int?
    var cells: [PlannedCell]

    enum CodingKeys: String, CodingKey {
      case command, options, models, prompts, samples, decompositions, trainings, shards, cells,
        requests, estimate
      case tokensEach = "tokens_each"
      case trainingDialogues = "training_dialogues"
      case promptTokens = "prompt_tokens"
      case completionTokens = "completion_tokens"
      case costAtMost = "cost_at_most"
    }
  }

  /// - Parameters:
  ///   - command: whose study it is.
  ///   - secrets: of the command, which are left out.
  func showJSON(command: any ParsableCommand.Type, hiding secrets: Secrets) throws {
    let table = try OptionTable(command)
    let size = measurement.size(of: cells)
    let models = models
    let plan = Plan(
      command: table.command,
      options: StudyFile.options(CommandArguments.all.dropFirst(), table, hiding: secrets),
      models: size.models, prompts: size.prompts, samples: size.samples,
      tokensEach: size.tokensEach, decompositions: cost?.decompositions,
      trainings: cost?.trainings, trainingDialogues: cost?.trainingDialogues,
      requests: bound?.requests, promptTokens: bound?.promptTokens,
      completionTokens: bound?.completionTokens, costAtMost: bound?.cost, estimate: estimate,
      shards: division?.shards,
      cells: cells.enumerated().map { place, cell in
        Plan.PlannedCell(
          cell: cell.id.rawValue, model: models[cell.variant] ?? "", updates: cell.variant,
          samples: measurement.samples(of: cell), shard: division?.cells[place])
      })
    Screen.shared.print(
      String(decoding: try StableJSON.encodePretty(plan).dropLast(), as: UTF8.self))
  }
}
