import Foundation
import StudyDesign
import Support
import TestSupport
import Testing

@testable import Runs

/// What other machines are told to do.
@Suite struct MachinePlanTests {
  private static func command(
    _ arguments: [String], run: String = "reports/run", shards: Int = 2
  ) -> ShardedCommand {
    ShardedCommand(
      program: "/opt/loxeval", arguments: arguments, directory: "/data/my study", run: run,
      shards: shards)
  }

  /// Planning and dividing is not for the shards; whatever else there is stays, quoted.
  @Test func theCommandIsThatOfTheStudy() {
    let command = Self.command([
      "sweep", "--alpha", "0..2", "--plan", "--format=slurm", "--shards", "2", "--sbatch-options",
      "--time=1:00:00 --mem=4G", "--output", "reports/run", "--submit", "slurm", "--attack",
      "train:it's.json", "--resume",
    ])
    #expect(
      command.arguments == [
        "sweep", "--alpha", "0..2", "--output", "reports/run", "--attack", "train:it's.json",
      ])
    #expect(
      command.lines == """
        cd '/data/my study' && /opt/loxeval sweep --alpha 0..2 --output reports/run --attack \
        'train:it'\\''s.json' --resume --shard 1/2
        cd '/data/my study' && /opt/loxeval sweep --alpha 0..2 --output reports/run --attack \
        'train:it'\\''s.json' --resume --shard 2/2
        # when all are done: cd '/data/my study' && /opt/loxeval merge reports/run

        """)
  }

  /// The scripts are ones that a shell reads, with Slurm's own lines before the first command.
  @Test func slurmsScriptsAreShells() throws {
    let folder = try TemporaryFolder()
    let run = folder.url.appending(path: "run")
    let jobs = SlurmJobs(
      Self.command(["sweep", "--output", run.path], run: run.path, shards: 8),
      options: ["--partition", "gpu", "--gres=gpu:1"])
    let files = try jobs.write()
    #expect(files.map(\.lastPathComponent) == ["shards.sbatch", "merge.sbatch"])
    for file in files {
      let process = Process()
      process.executableURL = URL(filePath: "/bin/bash")
      process.arguments = ["-n", file.path]
      try process.run()
      process.waitUntilExit()
      #expect(process.terminationStatus == 0)
      let lines = try String(contentsOf: file, encoding: .utf8).split(separator: "\n")
      let settings = lines.prefix { $0.hasPrefix("#") }
      #expect(lines.count { $0.hasPrefix("#SBATCH") } == settings.count { $0.hasPrefix("#SBATCH") })
    }
    for line in [
      "#SBATCH --array=1-8", "#SBATCH --requeue", "#SBATCH --signal=B:TERM@120",
      "#SBATCH --partition gpu", "#SBATCH --gres=gpu:1",
      "#SBATCH --output=\(run.path)/jobs/shard-%a.log",
    ] {
      #expect(jobs.array.contains("\n\(line)\n"), "\(line)")
    }
    #expect(jobs.array.contains(#"--resume --shard "$SLURM_ARRAY_TASK_ID"/8 "${limit[@]}" &"#))
    #expect(jobs.merge.contains("exec /opt/loxeval merge \(run.path)\n"))
    // A limit of the user's own stays the only one.
    let limited = SlurmJobs(Self.command(["sweep", "--max-time", "2h"]))
    #expect(!limited.array.contains(#""${limit[@]}""#))
  }

  @Test func kubernetesJobsAreIndexed() throws {
    let job = KubernetesJob(
      Self.command(["sweep", "--header", "a=\"b\""], run: "reports/Run_1", shards: 3),
      image: "registry/loxeval:1")
    let text = job.manifest
    for line in [
      "  name: loxeval-run-1", "  completionMode: Indexed", "  completions: 3",
      #"          image: "registry/loxeval:1""#, "          values: [75]",
    ] {
      #expect(text.contains("\(line)\n"), "\(line)")
    }
    // The command is one text of YAML, and so of JSON.
    let argument = try #require(text.split(separator: "\n").first { $0.contains("JOB_COMPLETION") })
    let value = String(argument.drop { $0 != "\"" })
    let read = try JSONDecoder().decode([String].self, from: Data("[\(value)]".utf8))[0]
    #expect(
      read
        == "cd '/data/my study' && exec /opt/loxeval sweep --header 'a=\"b\"' --resume --shard "
        + "\"$((JOB_COMPLETION_INDEX + 1))\"/3")
  }
}
