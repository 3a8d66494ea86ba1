import Support

/// What can be wrong with a run's folder.
package enum RunError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case runExists(path: String)
  case runMissing(path: String)
  /// A process works on it and has asked nothing yet.
  case runPreparing(path: String)
  case runDiffers(path: String, fields: [String])
  case runInUse(path: String)
  /// A journal whose plan is gone.
  case manifestMissing(path: String)
  /// Samples that the plan does not know.
  case foreignSample(path: String, sample: String, reason: String)
  case invalidPlan(path: String, reason: String)
  case malformedJournal(path: String, line: Int, reason: String)
  case unknownJudge(String, known: [String])
  /// A shard that a process works on.
  case shardInUse(path: String, shard: Int, holder: String)
  /// A shard that was begun, and is not to be continued.
  case shardExists(path: String, shard: Int)
  /// A run that shards make, where one process would.
  case isDivided(path: String, shards: Int)
  /// A run that one process makes, or that was merged, where a shard would.
  case isWhole(path: String)
  case otherDivision(path: String, there: Int, here: Int)
  /// Parts of what should be one run.
  case partsDiffer(path: String, fields: [String])
  /// Two replies where one was asked for.
  case overlap(sample: String, first: String, second: String, reason: String)
  /// Shards that have not done their part.
  case unfinished(path: String, missing: Int, shards: [Int])
  case notMergeable(path: String, reason: String)

  package var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .unwritable(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .runExists(let path):
      "\(path): there is a run already; continue it with --resume or name another --output"
    case .runMissing(let path):
      "\(path): expected a run folder with run.json and samples.jsonl, found none"
    case .runPreparing(let path):
      "\(path): expected run.json and samples.jsonl, found neither yet: a process works on this run and still makes "
        + "its models (decomposing, training, starting servers); wait until it asks them"
    case .runDiffers(let path, let fields):
      "\(path): the run there was made otherwise: \(fields.joined(separator: "; ")); name another "
        + "--output"
    case .runInUse(let path):
      "\(path): another process is writing this run; wait for it or name another --output"
    case .manifestMissing(let path):
      "\(path): found samples.jsonl without the run.json that says what they are; restore it, or name "
        + "another --output"
    case .foreignSample(let path, let sample, let reason):
      "\(path): found the sample \(sample), \(reason); samples.jsonl or run.json was edited: restore "
        + "them or start another run"
    case .invalidPlan(let path, let reason):
      "\(path): expected a run's plan, found \(reason); restore the file or start another run"
    case .malformedJournal(let path, let line, let reason):
      "\(path), line \(line): \(reason); a journal is only appended to, so this one was edited or "
        + "damaged: restore it or start another run"
    case .unknownJudge(let name, let known):
      "expected a judge of the run as its primary one, found \(name); there are "
        + known.joined(separator: ", ")
    case .shardInUse(let path, let shard, let holder):
      "\(path): another process\(holder.isEmpty ? "" : " (\(holder))") works on shard \(shard); wait for it or "
        + "end it"
    case .shardExists(let path, let shard):
      "\(path): shard \(shard) was begun already; continue it with --resume"
    case .isDivided(let path, let shards):
      "\(path): the run there is made by \(shards) shards; continue each with --shard I/\(shards) --resume, or "
        + "put together what is there with loxeval merge"
    case .isWhole(let path):
      "\(path): the run there is one of a single process, or was merged; continue it without --shard, or name "
        + "another --output"
    case .otherDivision(let path, let there, let here):
      "\(path): the run there is divided into \(there) shards, and --shard asks for one of \(here); pass "
        + "--shard I/\(there), or name another --output"
    case .partsDiffer(let path, let fields):
      "\(path): expected parts of one run, found others: \(fields.joined(separator: "; "))"
    case .overlap(let sample, let first, let second, let reason):
      "expected each sample once, found \(sample) in \(first) and, \(reason), in \(second); leave one of "
        + "the two out"
    case .unfinished(let path, let missing, let shards):
      "\(path): expected all samples, \(missing) are missing, of "
        + (shards.count == 1
          ? "shard \(shards[0])" : "shards \(shards.map(String.init).joined(separator: ", "))")
        + "; start what is missing again with --resume, or write what is there to another folder with "
        + "--output"
    case .notMergeable(let path, let reason):
      "\(path): cannot be merged: \(reason)"
    }
  }
}

extension RunError {
  /// What is wrong with a file of the run's, by its room's own words.
  init(_ error: FileError) {
    switch error {
    case .unreadable(let path, let reason): self = .unreadable(path: path, reason: reason)
    case .unwritable(let path, let reason): self = .unwritable(path: path, reason: reason)
    default: self = .unreadable(path: "", reason: "\(error)")
    }
  }
}
