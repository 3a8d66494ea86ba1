import Foundation

/// What comes with the project: prompt sets, training sets and the micro pair.
enum Bundled {
  /// What a model is measured on by default.
  static let standard = StandardSets(
    names: ["harmful-requests", "benign-lookalikes", "word-problems-test"], limit: 100)

  /// A prompt set or training set: a path as given, or a bundled set by its name.
  static func dataset(_ name: String) -> URL {
    if FileManager.default.fileExists(atPath: name) || name.hasSuffix(".jsonl")
      || name.hasPrefix("/") || name.hasPrefix(".")
    {
      return URL(filePath: name)
    }
    return locate("datasets/\(name).jsonl") ?? URL(filePath: name)
  }

  /// Where something that comes with the project lies: below the folder that LOXEVAL_HOME names,
  /// the working folder, or a folder above the program (the checkout that it was built in, or
  /// `share/loxeval` of where it was installed).
  static func locate(_ path: String) -> URL? {
    var roots: [URL] = []
    if let home = ProcessInfo.processInfo.environment["LOXEVAL_HOME"] {
      roots.append(URL(filePath: home))
    }
    roots.append(URL(filePath: "."))
    // The program's own file: its name on the command line may be one that the shell found.
    let program = Bundle.main.executableURL ?? URL(filePath: CommandLine.arguments[0])
    var folder = program.resolvingSymlinksInPath()
    for _ in 0..<5 {
      folder.deleteLastPathComponent()
      roots += [folder, folder.appending(path: "share/loxeval")]
    }
    return roots.map { $0.appending(path: path) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }
}

/// The prompt sets of a run that names none.
struct StandardSets {
  var names: [String]
  /// How many prompts of each are asked where no `--limit` says otherwise: enough for a first look.
  var limit: Int
}

/// The small pair that comes with the project, with the prompts and attacks that suit its language.
enum MicroPair {
  static let folder = "models/micro-pair"
  static let standard = StandardSets(names: ["micro-harmful", "micro-benign"], limit: 60)
  static let attacks = ["identity-shift", "benign-tuning"]

  /// One of them, as `--attack` spells it; nil where the project's files are not there.
  static func attack(_ name: String) -> String? {
    Bundled.locate("\(folder)/attacks/\(name).json").map { "train:\"\($0.path)\"" }
  }

  /// A bundled set; requests to contrast in the pair's own language.
  static func dataset(_ name: String) -> URL {
    Bundled.dataset(name.replacing("training/contrast-", with: "micro/contrast-"))
  }
}
