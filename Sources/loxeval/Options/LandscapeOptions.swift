import ArgumentParser
import Attacks
import Decoder
import Foundation
import LinearAlgebra
import LoX
import Studies
import Support

/// Which models a landscape is of: the pair, LoX's direction, and an attack's.
struct LandscapeOptions: ParsableArguments {
  @OptionGroup var models: StudyPairOptions

  @Option(
    help: ArgumentHelp(
      "How far along LoX's direction: 0..2 (in steps of \(AlphaList.standardStep)), 0..2:0.5, or a list; α "
        + "below 0 as --alpha=-1..2. α = 0 is always added. (\(AlphaList.range.span); default: "
        + "\(AlphaList.standard))",
      valueName: "range|list"),
    transform: { try AlphaList(parsing: $0) })
  var alpha: AlphaList?

  @Option(
    help: ArgumentHelp(
      "How far along the attack's part orthogonal to it, in multiples of the attack, in the same form. 0, no "
        + "attack, is always added. (\(StrengthList.range.span); default: \(StrengthList.standard))",
      valueName: "range|list"),
    transform: { try StrengthList(parsing: $0) })
  var strength: StrengthList?

  @Option(
    help: ArgumentHelp(
      "So many α and so many t, such as 7x7, evenly between the ends of --alpha and --strength in place of "
        + "their own steps. (\(GridSize.range.span) of each)", valueName: "αxt"),
    transform: { text in
      guard let size = GridSize(parsing: text) else {
        throw ValidationError(
          "expected two whole numbers, each \(GridSize.range.phrase), such as 7x7, found \"\(text)\""
        )
      }
      return size
    })
  var grid: GridSize?

  @Option(
    help: ArgumentHelp(
      "The rank of LoX's direction, such as 6, full, or auto[:SHARE]. (default: \(Rank.standard))",
      valueName: "rank"),
    transform: { try Rank(parsing: $0) })
  var rank: Rank?

  @Option(
    help: ArgumentHelp(
      "The attack, made once, on the aligned model: \(AttackKind.help). One that changes weights by low-rank "
        + "updates. (default: identity-shift, on the micro pair its own)", valueName: "attack"))
  var attack: String?

  @Option(help: "How a preset trains: lora or full; a result of full rank is refused.")
  var attackMethod = TrainingRecipe.Method.lora

  @Option(
    help: ArgumentHelp(
      "Where trained attacks are kept by what they are made from; runs and sweeps may share it. By default "
        + "the run's folder.", valueName: "dir"))
  var attackStore: String?

  var direction: Rank { rank ?? .standard }

  var alphas: [Double] {
    get throws {
      let values = try (alpha ?? AlphaList(parsing: AlphaList.standard)).values
      return grid.map { GridSize.spread(values, count: $0.alphas) } ?? values
    }
  }

  var strengths: [Double] {
    get throws {
      let values = try (strength ?? StrengthList(parsing: StrengthList.standard)).values
      // The attack itself begins at 0, whether the list says so or not.
      return grid.map { GridSize.spread([0] + values, count: $0.strengths) } ?? values
    }
  }

  func validate() throws {
    guard try alphas.contains(where: { $0 != 0 }) else {
      throw ValidationError("--alpha: expected a value other than 0, found none")
    }
    // What a file or data set holds is looked at when the study runs.
    do {
      _ = try attack(seed: 0)
    } catch let error as AttackError where error.isUsage {
      throw ValidationError("--attack: \(error)")
    } catch let error as ValidationError {
      throw error
    } catch {}
  }

  /// - Parameter folders: finds what was trained elsewhere; nil takes it for a path.
  func attack(
    seed: UInt64, arithmetic: Arithmetic = .float32, _ folders: ModelFolders? = nil
  ) throws -> any Attack {
    let specification = AttackSpecification(
      seed: seed, method: attackMethod, origin: .aligned, arithmetic: arithmetic,
      folder: folders.attackFolder, bundled: models.trainingSet)
    let standard = models.isMicro ? MicroPair.attack("identity-shift") : "identity-shift"
    let list = attack ?? standard ?? "identity-shift"
    let attacks = try specification.parse(list)
    if !AttackSpecification.namesPreset(list) {
      try StudyOptions.refuse("--attack-method", where: attackMethod != .lora)
    }
    guard let first = attacks.first, attacks.count == 1 else {
      throw ValidationError(
        "--attack: expected one attack, found \(attacks.count); a landscape is of one, and a sweep of several"
      )
    }
    return first
  }
}
