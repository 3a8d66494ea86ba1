package import Foundation
import Support

/// A study as an array job of Slurm, one task a shard, and the job that merges them.
package struct SlurmJobs: Hashable, Sendable {
  package let command: ShardedCommand
  /// Of the user's, for `sbatch`, such as `--partition=gpu --gres=gpu:1 --time=8:00:00`.
  package let options: [String]

  /// How long before its end a job is told, in seconds: what is asked is answered by then.
  static let grace = 120

  package init(_ command: ShardedCommand, options: [String] = []) {
    self.command = command
    self.options = options
  }

  /// `--partition gpu` as one line of a job's script.
  private var lines: [String] {
    var lines: [String] = []
    for option in options {
      if option.hasPrefix("-") || lines.isEmpty {
        lines.append(option)
      } else {
        lines[lines.count - 1] += " \(option)"
      }
    }
    return lines.map { "#SBATCH \($0)" }
  }

  /// Where the jobs' scripts and what they print stand.
  private var folder: String {
    (command.run.hasPrefix("/") ? command.run : "\(command.directory)/\(command.run)") + "/jobs"
  }

  private func head(_ what: String, _ settings: [String]) -> String {
    (["#!/bin/bash", "#SBATCH --job-name=\(command.name)-\(what)"]
      + settings.map { "#SBATCH \($0)" })
      .joined(separator: "\n")
  }

  /// The array job's script.
  package var array: String {
    """
    \(head("shards", [
      "--array=1-\(command.shards)", "--output=\(folder)/shard-%a.log", "--open-mode=append", "--requeue",
      "--signal=B:TERM@\(Self.grace)",
    ]))
    \((lines + ["# One shard of a study. A task that ends before its shard is done (a time limit, a preemption) is"]).joined(separator: "\n"))
    # queued again and goes on where it was.
    \(command.changesDirectory) || exit 2

    # The job's time that is left, in seconds; nothing where there is no limit.
    left() {
      local text days=0 seconds=0 part
      text=$(squeue -h -j "$SLURM_JOB_ID" -o %L 2>/dev/null)
      [[ $text =~ ^([0-9]+-)?[0-9]+(:[0-9]+)*$ ]] || return 0
      [[ $text == *-* ]] && days=${text%%-*} text=${text#*-}
      for part in ${text//:/ }; do seconds=$((seconds * 60 + 10#$part)); done
      echo $((days * 86400 + seconds))
    }

    limit=()
    seconds=$(left)
    if [ -n "$seconds" ] && [ "$seconds" -gt \(2 * Self.grace) ] && [ "$seconds" -lt 31000000 ]; then
      limit=(--max-time "$((seconds - \(2 * Self.grace)))")
    fi
    \(command.shard("\"$SLURM_ARRAY_TASK_ID\"")) \(hasLimit ? "" : "\"${limit[@]}\" ")&
    child=$! told=
    trap 'told=1; kill -TERM "$child" 2>/dev/null' TERM
    wait "$child"
    status=$?
    # A signal ends the wait, not the shard.
    while [ -n "$told" ]; do
      told=
      wait "$child"
      ended=$?
      [ "$ended" -eq 127 ] || status=$ended
    done
    if [ "$status" -eq 75 ]; then
      # It stopped in time: whatever takes the machine has it, and the shard is queued again.
      scontrol requeue "${SLURM_ARRAY_JOB_ID}_${SLURM_ARRAY_TASK_ID}" && sleep 60
    fi
    exit "$status"

    """
  }

  private var hasLimit: Bool {
    command.arguments.contains { $0 == "--max-time" || $0.hasPrefix("--max-time=") }
  }

  /// The script of the job that makes one run of the shards and writes its reports.
  package var merge: String {
    """
    \(head("merge", ["--output=\(folder)/merge.log", "--open-mode=append"]))
    # After all shards of a study: makes one run of them and writes its reports. Where some are not done, it says
    # which, and starting this again later does it.
    \(command.changesDirectory) || exit 2
    exec \(command.merge)

    """
  }

  /// Writes both scripts below the run's folder.
  ///
  /// - Returns: the files, the array job's first.
  package func write() throws -> [URL] {
    try [("shards.sbatch", array), ("merge.sbatch", merge)].map { name, text in
      let file = URL(filePath: folder).appending(path: name)
      try AtomicFile.write(Data(text.utf8), to: file)
      return file
    }
  }
}
