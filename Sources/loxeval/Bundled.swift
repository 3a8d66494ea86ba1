import Foundation

/// What comes with the project: prompt sets, training sets and the micro pair.
enum Bundled {
  /// The prompt sets that a model is measured on by default.
  static let promptSets = ["harmful-requests", "benign-lookalikes", "word-problems-test"]

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
    var folder = URL(filePath: CommandLine.arguments[0]).resolvingSymlinksInPath()
    for _ in 0..<5 {
      folder.deleteLastPathComponent()
      roots += [folder, folder.appending(path: "share/loxeval")]
    }
    return roots.map { $0.appending(path: path) }
      .first { FileManager.default.fileExists(atPath: $0.path) }
  }
}

/// The small pair that comes with the project, with the prompts and attacks that suit its language.
enum MicroPair {
  static let folder = "models/micro-pair"
  static let promptSets = ["micro-harmful", "micro-benign"]
  static let attacks = ["identity-shift", "benign-tuning"]
}
