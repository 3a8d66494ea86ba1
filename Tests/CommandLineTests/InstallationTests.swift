import Foundation
import TestSupport
import Testing

/// What `make install` puts together, used from elsewhere, and the step of a workflow that gates.
@Suite struct InstallationTests {
  static let project = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs a program in a folder, with nothing in the environment but what is given and a path to find programs by.
  static func run(
    _ program: URL, _ arguments: [String], in folder: URL, environment: [String: String] = [:]
  ) throws -> CommandLineTests.Result {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"
    return try CommandLineTests.result(
      of: CommandLineTests.start(
        arguments, of: program, in: folder, environment: ["PATH": path].merging(environment) { $1 })
    )
  }

  /// The folder that holds nothing of the project, and the one that it was installed in.
  static func installed() throws -> (elsewhere: TemporaryFolder, prefix: URL) {
    let folder = try TemporaryFolder()
    let result = try run(
      project.appending(path: "Scripts/install"),
      [folder.url.appending(path: "prefix").path, CommandLineTests.program.path], in: folder.url)
    try #require(result.status == 0, "\(result.errors)")
    return (folder, folder.url.appending(path: "prefix"))
  }

  @Test func whatIsInstalledFindsItsDataFromAnywhere() throws {
    let (folder, prefix) = try Self.installed()
    // By its name alone, as a shell finds it: the name says nothing of where the program lies.
    let bin = prefix.appending(path: "bin").path
    let plan = try Self.run(
      URL(filePath: "/bin/sh"), ["-c", "loxeval sweep --alpha 0..2 --plan"], in: folder.url,
      environment: ["PATH": "\(bin):/usr/bin:/bin"])
    #expect(plan.status == 0, "\(plan.errors)")
    #expect(plan.output.contains("micro-harmful"))
    for file in [
      "bash-completion/completions/loxeval", "zsh/site-functions/_loxeval",
      "fish/vendor_completions.d/loxeval.fish", "loxeval/models/ngram-judge.json",
      "loxeval/datasets/training/identity-shift.jsonl", "doc/loxeval/LICENSE",
    ] {
      let path = prefix.appending(path: "share/\(file)").path
      #expect(FileManager.default.contents(atPath: path)?.isEmpty == false, "\(file)")
    }
  }

  /// Bash itself completes a command and an option by the installed file.
  @Test func bashCompletesCommandsAndOptions() throws {
    let (folder, prefix) = try Self.installed()
    let script = """
      export PATH="\(prefix.path)/bin:$PATH"
      . "\(prefix.path)/share/bash-completion/completions/loxeval"
      complete_line() {
        COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}; COMPREPLY=()
        _loxeval loxeval "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
        printf '%s\\n' "${COMPREPLY[@]}"
      }
      complete_line loxeval extr
      complete_line loxeval gate --max-over
      """
    let result = try Self.run(URL(filePath: "/bin/bash"), ["-c", script], in: folder.url)
    #expect(result.output.contains("extrapolate"), "\(result.errors)")
    #expect(result.output.contains("--max-over-refusal"), "\(result.errors)")
  }

  @Test func installingWithoutAProgramSaysWhatToDo() throws {
    let folder = try TemporaryFolder()
    let result = try Self.run(
      Self.project.appending(path: "Scripts/install"),
      [folder.url.appending(path: "prefix").path, folder.url.appending(path: "none").path],
      in: folder.url)
    #expect(result.status == 1)
    #expect(result.errors.contains("make build"))
    #expect(!FileManager.default.fileExists(atPath: folder.url.appending(path: "prefix").path))
  }

  /// `action.yml`'s step, as a runner calls it: words in quotes stay together, the verdict is told, replies are cut.
  @Test(arguments: [
    (limit: "20%", status: Int32(0), verdict: "passed"), ("0.1%", 3, "inconclusive"),
    ("many", 64, "error"),
  ])
  func theActionGates(limit: String, status: Int32, verdict: String) throws {
    let folder = try TemporaryFolder()
    let path = folder.url.path
    let result = try Self.run(
      Self.project.appending(path: "Scripts/gate-action"), [], in: folder.url,
      environment: [
        "LOXEVAL": CommandLineTests.program.path, "LOXEVAL_HOME": Self.project.path,
        "GITHUB_OUTPUT": "\(path)/outputs", "OUTPUT": "\(path)/run of an action",
        "MEASURE":
          "evaluate --model '\(Self.project.path)/models/micro-pair/aligned' --dataset \"micro-harmful\" --limit 40 -q",
        "GATE": "--max-asr \(limit)",
      ])
    #expect(result.status == status, "\(result.errors)")
    let outputs = try String(contentsOfFile: "\(path)/outputs", encoding: .utf8)
    #expect(outputs == "exit-code=\(status)\nverdict=\(verdict)\n")
    let report = try String(contentsOfFile: "\(path)/run of an action/report.md", encoding: .utf8)
    #expect(!report.isEmpty)
    #expect(
      FileManager.default.fileExists(atPath: "\(path)/run of an action/gate.xml")
        == (status != 64))
  }

  /// What it passes to other steps is what the script tells, and every input that it names is declared.
  @Test func theActionNamesItsInputs() throws {
    let action = try String(
      contentsOf: Self.project.appending(path: "action.yml"), encoding: .utf8)
    let used = Set(action.matches(of: /inputs\.([a-z-]+)/).map { String($0.1) })
    let declared = try #require(action.firstMatch(of: /inputs:\n([\s\S]*?)\noutputs:/)).1
    let names = Set(declared.matches(of: /(?m)^  ([a-z-]+):$/).map { String($0.1) })
    #expect(used == names)
    #expect(action.contains("Scripts/gate-action"))
  }
}
