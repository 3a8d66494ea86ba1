import Foundation
import TestSupport
import Testing

/// A study as an array job on a real Slurm, whose nodes all are this machine: a node fails, a task is taken
/// from its machine, and what is merged is what one process finds.
@Suite(.serialized) struct SlurmTests {
  private static let programs = ["slurmctld", "slurmd", "sbatch", "munged", "python3"]

  /// slurmd runs jobs as root.
  static let isPossible =
    geteuid() == 0
    && programs.allSatisfy { name in
      (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        .contains { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }
    }

  static let project = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  /// Runs a program with the cluster's configuration.
  private static func run(
    _ program: String, _ arguments: [String], conf: String? = nil
  ) throws -> CommandLineTests.Result {
    let process = Process()
    process.executableURL = URL(filePath: "/usr/bin/env")
    process.arguments = [program] + arguments
    var environment = ProcessInfo.processInfo.environment
    environment["SLURM_CONF"] = conf
    process.environment = environment
    // Into files: a daemon that inherits a pipe keeps it open.
    let folder = try TemporaryFolder()
    let (output, errors) = (
      folder.url.appending(path: "output"), folder.url.appending(path: "errors")
    )
    for file in [output, errors] {
      _ = FileManager.default.createFile(atPath: file.path, contents: nil)
    }
    process.standardOutput = try FileHandle(forWritingTo: output)
    process.standardError = try FileHandle(forWritingTo: errors)
    try process.run()
    process.waitUntilExit()
    return CommandLineTests.Result(
      status: process.terminationStatus, output: try String(contentsOf: output, encoding: .utf8),
      errors: try String(contentsOf: errors, encoding: .utf8))
  }

  @Test(.enabled(if: isPossible, "needs root, Slurm and munge: apt-get install slurm-wlm munge"))
  func aStudyOutlivesItsMachines() throws {
    let (folder, arguments) = try ShardCommandTests.study()
    let path = folder.url.path
    let single = try ShardCommandTests.run(arguments + ["--output", "\(path)/single"])
    #expect(single.status == 0, "\(single.errors)")

    let cluster = "\(path)/cluster"
    let script = project("Scripts/slurm-cluster")
    defer { _ = try? Self.run(script, ["stop", cluster]) }
    let started = try Self.run(script, ["start", cluster, "3"])
    try #require(started.status == 0 && started.output.contains("idle"), "\(started)")
    let conf = "\(cluster)/slurm.conf"
    let submitted = try Self.run(
      CommandLineTests.program.path,
      arguments + ["--output", "\(path)/run", "--shards", "6", "--submit", "slurm"], conf: conf)
    try #require(
      submitted.status == 0 && submitted.output.contains("submitted"), "\(submitted)")

    let deadline = Date.now + 900
    func wait(_ holds: () throws -> Bool) rethrows -> Bool {
      while Date.now < deadline {
        if try holds() { return true }
        Thread.sleep(forTimeInterval: 0.2)
      }
      return false
    }
    func tasks(_ state: String) throws -> [(task: String, node: String)] {
      try Self.run("squeue", ["-h", "-t", state, "-o", "%i %N"], conf: conf).output
        .split(separator: "\n").map { $0.split(separator: " ").map(String.init) }
        .filter { $0.count == 2 && $0[0].contains("_") }.map { ($0[0], $0[1]) }
    }
    // Where the machine is fast, some are done before anything happens to them.
    #expect(try wait { try tasks("RUNNING").count == 3 })
    if let victim = try tasks("RUNNING").last {
      #expect(try Self.run(script, ["kill", cluster, victim.node]).status == 0)
      #expect(try Self.run(script, ["boot", cluster, victim.node]).status == 0)
    }
    if let taken = try tasks("RUNNING").first {
      _ = try Self.run("scontrol", ["requeue", taken.task], conf: conf)
    }
    if let asked = try tasks("RUNNING").first {
      // A preemption: the batch script is told, ends in time, and is queued again.
      let urgent = try Self.run(
        "sbatch",
        [
          "--partition=urgent", "--nodelist=\(asked.node)", "--output=\(path)/urgent.log",
          "--wrap=sleep 2",
        ], conf: conf)
      #expect(urgent.status == 0, "\(urgent)")
    }
    // Slurm lets two minutes pass before it starts again what was queued again.
    func hurry() throws {
      for line in try Self.run("squeue", ["-h", "-t", "PENDING", "-r", "-o", "%A %r"], conf: conf)
        .output.split(separator: "\n") where line.hasSuffix(" BeginTime")
      {
        let job = line.split(separator: " ")[0]
        _ = try Self.run("scontrol", ["update", "JobId=\(job)", "StartTime=now"], conf: conf)
      }
    }
    let log = "run/jobs/merge.log"
    #expect(
      wait {
        try? hurry()
        return (try? ShardCommandTests.text(folder, log))?.contains("report") ?? false
      },
      "\((try? Self.run("squeue", [], conf: conf).output) ?? "")")
    _ = try wait { try Self.run("squeue", ["-h"], conf: conf).output.isEmpty }
    let logs = (1...6).map {
      (try? ShardCommandTests.text(folder, "run/jobs/shard-\($0).log")) ?? ""
    }
    for file in ["summary.csv", "summary.json"] {
      let merged = (try? ShardCommandTests.text(folder, "run/\(file)")) ?? "none"
      #expect(try merged == ShardCommandTests.text(folder, "single/\(file)"), "\(logs)")
    }
    #expect(
      try ShardCommandTests.report(folder, "run") == ShardCommandTests.report(folder, "single"))
  }

  private func project(_ file: String) -> String { Self.project.appending(path: file).path }
}
