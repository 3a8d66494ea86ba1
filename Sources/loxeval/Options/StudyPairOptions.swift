import ArgumentParser
import Foundation
import LoX

/// The pair that a study is of; without a word of it the one that comes with the project.
struct StudyPairOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "The model before alignment. Without --base and --aligned, the micro pair that comes with the "
        + "project is measured, with its own prompts and attacks. A Hugging Face folder, or a name on the hub such as "
        + "org/name[@revision].", valueName: "dir|name"))
  var base: String?

  @Option(
    help: ArgumentHelp("The aligned model: a folder or a name, as --base.", valueName: "dir|name"))
  var aligned: String?

  @OptionGroup var targets: TargetOptions

  var isMicro: Bool { base == nil && aligned == nil }

  /// The prompt sets where none is named.
  var standardSets: StandardSets { isMicro ? MicroPair.standard : Bundled.standard }

  /// Finds a bundled training set by its name, in the pair's own language.
  var trainingSet: @Sendable (String) -> URL {
    let isMicro = isMicro
    return { name in isMicro ? MicroPair.dataset(name) : Bundled.dataset(name) }
  }

  func validate() throws {
    guard (base == nil) == (aligned == nil) else {
      throw ValidationError("expected --base and --aligned together, or neither for the micro pair")
    }
  }

  func pair(_ folders: ModelFolders) throws -> AlignmentPair {
    if let base, let aligned {
      return try folders.pair(base: base, aligned: aligned, targets: targets.targets)
    }
    guard let folder = Bundled.locate(MicroPair.folder) else {
      throw ValidationError(
        "expected the micro pair in \(MicroPair.folder), found none; run this in the project's "
          + "folder, set LOXEVAL_HOME to it, or pass --base and --aligned")
    }
    return try folders.pair(
      base: "\(folder.path)/base", aligned: "\(folder.path)/aligned", targets: targets.targets)
  }
}
