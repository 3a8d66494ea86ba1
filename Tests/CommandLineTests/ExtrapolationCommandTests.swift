import Foundation
import TestSupport
import Testing
import TinyModel

/// `extrapolate` and `spectrum`, run as a user runs them.
@Suite(.serialized) struct ExtrapolationCommandTests {
  /// A pair of forty matrices, large enough to be killed in the middle of.
  static func pair() throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    var base: [String: (shape: [Int], values: [Float])] = [:]
    var aligned = base
    for layer in 0..<40 {
      let name = "model.layers.\(layer).mlp.up_proj.weight"
      let values = (0..<250 * 220).map { Float(($0 * 7919 + layer * 31) % 1013) / 1013 - 0.5 }
      base[name] = ([250, 220], values)
      let change = values.indices.map { Float(($0 * 104_729 + layer) % 997) / 99_700 }
      aligned[name] = ([250, 220], zip(values, change).map { $0 + $1 })
    }
    for (name, tensors) in [("base", base), ("aligned", aligned)] {
      let target = folder.url.appending(path: name)
      try FileManager.default.createDirectory(at: target, withIntermediateDirectories: true)
      try writeSafetensors(tensors, to: target.appending(path: "model.safetensors"))
      try folder.write("{}", "\(name)/config.json")
    }
    return folder
  }

  static func models(_ folder: TemporaryFolder) -> [String] {
    ["--base", "\(folder.url.path)/base", "--aligned", "\(folder.url.path)/aligned", "-q"]
  }

  /// kill -9 at several moments: no folder that looks finished, and the same bytes in the end.
  @Test func aKilledExtrapolationIsContinued() throws {
    let folder = try Self.pair()
    let path = folder.url.path
    let arguments = ["extrapolate"] + Self.models(folder) + ["--threads", "1", "--output"]
    let (whole, pipe, _) = try CommandLineTests.start(arguments + ["\(path)/whole"])
    _ = pipe.fileHandleForReading.readDataToEndOfFile()
    whole.waitUntilExit()
    try #require(whole.terminationStatus == 0)
    var kills = 0
    for attempt in 0..<60 {
      let (process, _, _) = try CommandLineTests.start(arguments + ["\(path)/killed", "--resume"])
      Thread.sleep(forTimeInterval: 0.1 + Double(attempt % 5) * 0.05)
      if process.isRunning {
        kill(process.processIdentifier, SIGKILL)
        kills += 1
      }
      process.waitUntilExit()
      if process.terminationReason == .exit, process.terminationStatus == 0 { break }
      // Killed between the end of its work and its own: then what looks finished must be.
      if FileManager.default.fileExists(atPath: "\(path)/killed") { break }
    }
    if !FileManager.default.fileExists(atPath: "\(path)/killed") {
      let (last, pipe, _) = try CommandLineTests.start(arguments + ["\(path)/killed", "--resume"])
      _ = pipe.fileHandleForReading.readDataToEndOfFile()
      last.waitUntilExit()
      #expect(last.terminationStatus == 0)
    }
    #expect(kills > 0)
    func bytes(_ name: String) throws -> Data {
      try Data(contentsOf: folder.url.appending(path: "\(name)/model.safetensors"))
    }
    #expect(try bytes("killed") == bytes("whole"))
    #expect(
      try FileManager.default.contentsOfDirectory(atPath: path).sorted()
        == ["aligned", "base", "killed", "whole"])
  }

  @Test func spectraAreSortedAndSummed() throws {
    let folder = try Self.pair()
    let table = try TrainingCommandTests.run(["spectrum"] + Self.models(folder))
    #expect(table.status == 0)
    let lines = table.output.split(separator: "\n").map(String.init)
    #expect(lines.first?.hasPrefix("tensor") == true)
    #expect(lines.contains { $0.hasPrefix("up_proj") && $0.contains(" 40 ") })
    #expect(lines.last?.hasPrefix("all") == true)
    let csv = try TrainingCommandTests.run(
      ["spectrum", "--format", "csv"] + Self.models(folder))
    let norms = csv.output.split(separator: "\n").dropFirst().compactMap {
      Double($0.split(separator: ",")[3])
    }
    #expect(norms.count == 40)
    #expect(norms == norms.sorted(by: >))
    let json = try TrainingCommandTests.run(
      ["spectrum", "--format", "json"] + Self.models(folder))
    let parsed = try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [[String: Any]]
    #expect(parsed?.count == 40)
  }

  @Test(
    arguments: [
      (["--memory", "lots"], "--memory"), (["--memory", "0"], "--memory"),
      (["--resume", "--as", "adapter"], "--resume"), (["--rank", "auto:2"], "auto:SHARE"),
      (["--adapter-format", "gguf"], "--adapter-format"),
    ])
  func optionsThatMakeNoSenseAreRefused(options: [String], naming: String) throws {
    let result = try TrainingCommandTests.run(
      ["extrapolate", "--base", "a", "--aligned", "b", "--output", "c"] + options)
    #expect(result.status == 64)
    #expect(result.errors.contains(naming))
  }

  /// W_base + Proj_r(ΔW) at the model's full rank is the aligned model.
  @Test func effectiveRankComparesWithTheAlignedModel() throws {
    let folder = try CommandLineTests.pair()
    let path = folder.url.path
    let models = ["--base", "\(path)/base", "--aligned", "\(path)/aligned", "-q"]
    let set = ["--dataset", "\(path)/prompts.jsonl", "--max-tokens", "8"]
    let sweep = try TrainingCommandTests.run(
      ["sweep", "--effective-rank", "--rank", "1,100", "--output", "\(path)/run"] + models + set)
    #expect(sweep.status == 0, "\(sweep.errors)")
    #expect(sweep.output.contains("effective rank"))
    let plain = try TrainingCommandTests.run(
      ["evaluate", "--model", "\(path)/aligned", "--output", "\(path)/aligned-run", "-q"] + set)
    #expect(plain.status == 0, "\(plain.errors)")
    let aligned = try CommandLineTests.responses(folder, "aligned-run")
    let found = try CommandLineTests.responses(folder, "run")
    for rank in ["100", "full"] {
      let same = aligned.filter { entry in
        let id = entry.key.split(separator: " ").last ?? ""
        return found.first { $0.key.hasPrefix("r\(rank)-") && $0.key.hasSuffix(" \(id)") }?.value
          == entry.value
      }
      // Equal but for the rounding of the factors.
      #expect(same.count >= 10)
    }
    let refused = try TrainingCommandTests.run(
      ["sweep", "--effective-rank", "--attack", "none"] + models)
    #expect(refused.status == 64)
  }
}
