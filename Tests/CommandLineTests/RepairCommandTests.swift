import Foundation
import TestSupport
import Testing

/// `repair`, run as a user runs it: what it writes are models and adapters that other commands take.
@Suite(.serialized) struct RepairCommandTests {
  /// A pair, and an adapter on its aligned model: LoX's own.
  private static func tuned() throws -> (folder: TemporaryFolder, models: [String]) {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let models = ["--base", "\(path)/base", "--aligned", "\(path)/aligned", "-q"]
    let made = try TrainingCommandTests.run(
      ["extrapolate", "--as", "adapter", "--output", "\(path)/tuned"] + models)
    try #require(made.status == 0, "\(made.errors)")
    return (folder, models)
  }

  /// How much a model differs from another: the Frobenius norm over all matrices.
  private static func change(from base: String, to aligned: String) throws -> Double {
    let table = try TrainingCommandTests.run(
      ["spectrum", "--format", "csv", "--base", base, "--aligned", aligned, "-q"])
    try #require(table.status == 0, "\(table.errors)")
    let norms = table.output.split(separator: "\n").dropFirst().compactMap {
      Double($0.split(separator: ",")[3])
    }
    return norms.reduce(0) { $0 + $1 * $1 }.squareRoot()
  }

  /// WiSE-FT at α keeps 1 − α of what fine-tuning changed, as a checkpoint and as an adapter, which can be
  /// repaired again.
  @Test func whatIsKeptIsAShare() throws {
    let (folder, models) = try Self.tuned()
    let path = folder.url.path
    func repair(_ tuned: String, _ alpha: Double, as form: String, to output: String) throws {
      let done = try TrainingCommandTests.run(
        [
          "repair", "--tuned", "\(path)/\(tuned)", "--method", "wise-ft:alpha=\(alpha)", "--as",
          form,
          "--output", "\(path)/\(output)",
        ] + models)
      try #require(done.status == 0, "\(done.errors)")
      #expect(done.output == "\(path)/\(output)\n")
    }
    try repair("tuned", 0.75, as: "checkpoint", to: "quarter")
    try repair("tuned", 0.5, as: "checkpoint", to: "half")
    try repair("tuned", 0.5, as: "adapter", to: "half-adapter")
    try repair("half-adapter", 0.5, as: "checkpoint", to: "half-of-half")
    let quarter = try Self.change(from: "\(path)/aligned", to: "\(path)/quarter")
    #expect(quarter > 0)
    for (name, times) in [("half", 2.0), ("half-of-half", 1)] {
      let change = try Self.change(from: "\(path)/aligned", to: "\(path)/\(name)")
      expectClose(change / quarter, times, tolerance: 1e-2)
    }
  }

  @Test(arguments: ["task-vector", "safe-lora:number=1", "safe-merge", "lssf"])
  func eachRepairWritesAModel(method: String) throws {
    let (folder, models) = try Self.tuned()
    let path = folder.url.path
    let done = try TrainingCommandTests.run(
      ["repair", "--tuned", "\(path)/tuned", "--method", method, "--output", "\(path)/out"] + models
    )
    #expect(done.status == 0, "\(done.errors)")
    #expect(FileManager.default.fileExists(atPath: "\(path)/out/model.safetensors"))
    #expect(FileManager.default.fileExists(atPath: "\(path)/out/config.json"))
  }

  /// ΔW added whole is of full rank: no adapter holds it, and nothing is written.
  @Test func whatNoAdapterHoldsIsSaid() throws {
    let (folder, models) = try Self.tuned()
    let path = folder.url.path
    let refused = try TrainingCommandTests.run(
      [
        "repair", "--tuned", "\(path)/tuned", "--method", "task-vector", "--as", "adapter",
        "--output", "\(path)/out",
      ] + models)
    #expect(refused.status == 64)
    #expect(refused.errors.contains("expected --as checkpoint"))
    #expect(!FileManager.default.fileExists(atPath: "\(path)/out"))
  }
}
