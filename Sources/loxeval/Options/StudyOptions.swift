import Analysis
import ArgumentParser
import Attacks
import Decoder
import Defences
import Foundation
import LinearAlgebra
import LoX
import Studies
import Support

/// Which models a sweep measures: the pair, the extrapolations and the attacks.
struct StudyOptions: ParsableArguments {
  @OptionGroup var models: StudyPairOptions

  @Option(
    help: ArgumentHelp(
      "How strong defences are: 0..2 (in steps of \(AlphaList.standardStep)), 0..2:0.5, or a list such as "
        + "0,0.5,1.25; α below 0 as --alpha=-1. α = 0 is always added. (\(AlphaList.range.span), at most "
        + "\(AlphaList.mostValues) values; default: \(AlphaList.standard))",
      valueName: "range|list"),
    transform: { try AlphaList(parsing: $0) })
  var alpha: AlphaList?

  @Option(
    help: ArgumentHelp(
      "Ranks of the extrapolation, such as 3,6,100, full, or auto[:SHARE] (see extrapolate). "
        + "(\(Rank.range.span); default: \(Rank.standard))", valueName: "list"),
    transform: { try Rank.list(parsing: $0) })
  var rank: [Rank]?

  @Option(
    help: ArgumentHelp(
      "Defences by name, with their settings where wanted, or as JSON files. The untreated model is always "
        + "measured. What an item leaves out, --rank and --alpha say. Before the attack:"
        + DefenceKind.lines(DefenceKind.preventions) + "\nRepairs after it:"
        + DefenceKind.lines(DefenceKind.repairs)
        + "\nrandom to negative are LoX's controls.",
      valueName: "list"))
  var defence = "lox"

  @Flag(
    help: ArgumentHelp(
      "Measure LoX's controls too, at its ranks and strengths: "
        + "\(DefenceKind.controls.joined(separator: ", ")). The report says whether LoX beats them."
    ))
  var controls = false

  @Option(
    help: ArgumentHelp(
      "Attacks: \(AttackKind.help). none is always measured. "
        + "By default the synthetic ones; on the micro pair its own identity-shift and "
        + "benign-tuning. May be repeated; a path with commas stands in quotation marks, or is taken "
        + "whole where it is there.", valueName: "list"))
  var attack: [String] = []

  @Option(help: "How presets train: lora or full.")
  var attackMethod = TrainingRecipe.Method.lora

  @Option(help: "What presets train from: each α's model, or the aligned model once (transferred).")
  var attackFrom = AttackOrigin.each

  @Option(
    in: AttackSpecification.seedRange,
    help:
      "With how many seeds each attack is made that has any: its own and those after it. Reports count them "
      + "together; three at the least tell something of what a training's seed changes.")
  var attackSeeds = 1

  @Option(
    help: ArgumentHelp(
      "Measure trainings after these steps, such as 5,10,20,40, all kept along one training, in place of its "
        + "end. (\(AttackSpecification.stepRange.span))", valueName: "list"),
    transform: { try StepList(parsing: $0) })
  var attackSteps: StepList?

  @Option(
    help: ArgumentHelp(
      "Where trained attacks are kept by what they are made from; runs may share it. By default the "
        + "run's folder.", valueName: "dir"))
  var attackStore: String?

  /// Where the effective rank is sought, if nobody says it.
  private static let effectiveRanks = [1, 2, 4, 8, 16]

  @Flag(
    help: ArgumentHelp(
      "Find the effective rank instead: the least r of --rank (by default "
        + Self.effectiveRanks.map(String.init).joined(separator: ",")
        + ") at which W_base + Proj_r(ΔW) is as safe as the aligned model, within "
        + "\(EffectiveRank.tolerance) of its ASR. No attacks, no α."))
  var effectiveRank = false

  private var isMicro: Bool { models.isMicro }

  var alphas: [Double] {
    get throws { try (alpha ?? AlphaList(parsing: AlphaList.standard)).values }
  }

  var ranks: [Rank] {
    get throws {
      guard effectiveRank else { return rank ?? [.standard] }
      let named = rank ?? Self.effectiveRanks.map { .leading($0) }
      guard named.contains(where: { $0 != .full }) else {
        throw ValidationError("--rank: expected a number with --effective-rank, found full")
      }
      return named.contains(.full) ? named : named + [.full]
    }
  }

  func defences() throws -> [any Defence] {
    if effectiveRank { return try ranks.map { AlignmentProjection(rank: $0) } }
    let defaults = DefenceKind.Defaults(ranks: try ranks, strengths: try alphas)
    do {
      return try DefenceKind.parse(defence, with: controls, defaults)
    } catch {
      throw ValidationError("--defence: \(error)")
    }
  }

  /// The prompt sets where none is named.
  var standardSets: StandardSets { models.standardSets }

  func validate() throws {
    _ = try defences()
    guard !effectiveRank || attack.isEmpty else {
      throw ValidationError("--attack: --effective-rank measures models before any attack")
    }
    guard !effectiveRank || (defence == "lox" && !controls) else {
      throw ValidationError("--defence: --effective-rank measures the alignment itself")
    }
    guard !effectiveRank || alpha == nil else {
      throw ValidationError("--alpha: --effective-rank has no α")
    }
    // What a file or data set holds is looked at when the sweep runs.
    do {
      _ = try attacks(seed: 0)
    } catch let error as AttackError where error.isUsage {
      throw ValidationError("--attack: \(error)")
    } catch let error as ValidationError {
      throw error
    } catch {}
  }

  /// - Parameter folders: finds what was trained elsewhere; nil takes it for paths.
  func attacks(
    seed: UInt64, arithmetic: Arithmetic = .float32, _ folders: ModelFolders? = nil
  ) throws -> [any Attack] {
    guard !effectiveRank else { return [] }
    let specification = AttackSpecification(
      seed: seed, method: attackMethod, origin: attackFrom, seeds: attackSeeds,
      steps: attackSteps?.steps ?? [], arithmetic: arithmetic,
      folder: folders.attackFolder, bundled: models.trainingSet)
    let lists = attack.isEmpty ? standardAttacks : attack
    let attacks = try lists.flatMap { try specification.parse($0) }
    if !lists.contains(where: AttackSpecification.namesPreset) {
      try Self.refuse("--attack-method", where: attackMethod != .lora)
      try Self.refuse("--attack-from", where: attackFrom != .each)
    }
    guard attackSteps == nil || attacks.contains(where: { $0.step != nil }) else {
      throw ValidationError(
        "--attack-steps: expected a training among the attacks, such as identity-shift or train:FILE"
      )
    }
    return attacks
  }

  /// Refuses what would be passed over.
  static func refuse(_ option: String, where isGiven: Bool) throws {
    guard isGiven else { return }
    throw ValidationError(
      "\(option): expected a preset among the attacks, found none; a training of train:FILE says it in its file "
        + "(method, from)")
  }

  private var standardAttacks: [String] {
    isMicro
      ? MicroPair.attacks.compactMap(MicroPair.attack) : ["synthetic-harmful", "synthetic-benign"]
  }

  func pair(_ folders: ModelFolders) throws -> AlignmentPair { try models.pair(folders) }
}
