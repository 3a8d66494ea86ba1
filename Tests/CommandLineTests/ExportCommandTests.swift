import Foundation
import TestSupport
import Testing

/// Runs as other tools read them.
@Suite(.serialized) struct ExportCommandTests {
  /// A study of nine cells, and what each format makes of it.
  private static func exported(_ format: String, _ more: [String] = []) throws -> (
    folder: TemporaryFolder, run: String, place: String
  ) {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let made = try TrainingCommandTests.run(
      CommandLineTests.sweep(folder, "run", ["-q", "--judge", "refusal,ngram"]))
    try #require(made.status == 0, "\(made.errors)")
    let place = "\(path)/\(format)"
    let result = try TrainingCommandTests.run(
      ["export", "\(path)/run", "--format", format, "--output", place] + more)
    try #require(result.status == 0, "\(result.errors)")
    #expect(result.output.contains(format))
    return (folder, "\(path)/run", place)
  }

  @Test(
    .enabled(
      if: PeerPython.executable(with: "inspect_ai") != nil,
      "needs Python with the package inspect-ai: pip install inspect-ai, or set LOXEVAL_PYTHON"))
  func inspectReadsTheLogs() throws {
    let (folder, run, place) = try Self.exported("inspect")
    defer { _ = folder }
    try PeerTests.run("inspect_read.py", with: "inspect_ai", [place, run])
  }

  @Test(
    .enabled(
      if: PeerPython.executable(with: "lm_eval") != nil,
      "needs Python with lm-eval: pip install 'lm-eval[api]', or set LOXEVAL_PYTHON"))
  func theHarnessMakesItsTable() throws {
    let (folder, run, place) = try Self.exported("lm-eval")
    defer { _ = folder }
    try PeerTests.run("lm_eval_table.py", with: "lm_eval", [place, run])
  }

  @Test(
    .enabled(
      if: PeerPython.executable(with: "pandas") != nil,
      "needs Python with the package pandas: pip install pandas, or set LOXEVAL_PYTHON"))
  func pandasReadsTheTable() throws {
    let (folder, run, place) = try Self.exported("tidy", ["--texts"])
    defer { _ = folder }
    try PeerTests.run("pandas_read.py", with: "pandas", [place, run])
  }

  @Test func whatIsNoRunIsRefused() throws {
    let folder = try TemporaryFolder()
    for format in ["tidy", "inspect", "lm-eval"] {
      let result = try TrainingCommandTests.run(["export", folder.url.path, "--format", format])
      #expect(result.status == 2)
      #expect(result.errors.contains("expected a run folder"))
    }
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder.url.path).isEmpty)
    let texts = try TrainingCommandTests.run([
      "export", folder.url.path, "--format", "inspect", "--texts",
    ])
    #expect(texts.status == 64)
  }
}
