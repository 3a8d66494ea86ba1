import Analysis
import ArgumentParser
import Foundation
import Runs
import Studies
import Support

struct LandscapeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "landscape",
    abstract: "Draws how safe a pair is over LoX's direction × an attack's.",
    discussion: """
      The models are W_aligned + α L + t T⊥: L is LoX's direction, T⊥ the part of a fine-tuning attack \
      that is orthogonal to it. Both are adapters, so one server start serves the whole grid. The report \
      has maps of the attack success rate and of the loss on short refusals, and for each α how far along \
      the attack the rate reaches half. The run folder gets landscape.csv beside the files of a sweep. \
      Without --dataset harmful requests alone are asked.
      """)

  @OptionGroup(title: "Landscape") var landscape: LandscapeOptions

  @OptionGroup(title: "Landscape") var planning: PlanOptions

  @OptionGroup(title: "Servers") var servers: StudyServerOptions
  @OptionGroup(title: "Measurement") var measurement: MeasurementOptions
  @OptionGroup(title: "General") var common: CommonOptions
  @OptionGroup(title: "General") var file: StudyFileOptions

  func run() async throws {
    let console = common.start()
    let secrets = try measurement.secrets(servers.servers)
    let writing = try measurement.writing.choice
    let folders = ModelFolders(console, run: measurement.folder)
    let (pair, attack) = try await folders.wait { folders in
      (
        try landscape.models.pair(folders),
        try landscape.attack(
          seed: measurement.seed, arithmetic: measurement.arithmetic, folders)
      )
    }
    // Harmless requests are no part of the picture unless they are named.
    var standard = landscape.models.standardSets
    standard.names = Array(standard.names.prefix(1))
    var study = Landscape(
      pair: pair, rank: landscape.direction, alphas: try landscape.alphas,
      strengths: try landscape.strengths,
      attack: attack,
      measurement: try measurement.measurement(
        threads: common.threadCount, standard: standard,
        judges: planning.plan
          ? [] : await measurement.judges(servers.servers) { console.note($0) }, secrets: secrets),
      server: try servers.source(
        hiding: secrets, continuing: measurement.continued, writing: writing),
      chatFormat: writing, attackStore: landscape.attackStore.map { URL(filePath: $0) })
    study.measurement.sources = folders.sources
    study.measurement.refusals = landscape.models.isMicro ? .micro : .standard
    if !servers.isExternal { try study.requireReadArguments() }
    if planning.plan {
      guard planning.format == .json else {
        return PlannedCells(study.plan.cells, of: study.measurement).show(console)
      }
      return try PlannedCells(study.plan.cells, of: study.measurement).showJSON(
        command: Self.self, hiding: secrets)
    }
    if servers.isExternal {
      console.note(
        "the loss on refusals is measured by the embedded server alone, and left out here")
    }
    let folder = try await study.run { console.show($0) }
    try folder.finish(console)
    for surface in try folder.run.summary.landscape ?? [] {
      for reach in surface.reaches {
        Screen.shared.print(
          "on \(surface.dataset) the ASR reaches \(Wording.percent(surface.limit)) at α = "
            + "\(Number.text(reach.alpha)): \(reach.outcome) (95 %: \(reach.range))")
      }
    }
  }
}
