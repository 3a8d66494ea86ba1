import Support

/// What can be wrong with a run's folder.
package enum RunError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case unwritable(path: String, reason: String)
  case runExists(path: String)
  case runMissing(path: String)
  case runDiffers(path: String, fields: [String])
  case runInUse(path: String)
  /// A journal whose plan is gone.
  case manifestMissing(path: String)
  /// Samples that the plan does not know.
  case foreignSample(path: String, sample: String, reason: String)
  case invalidPlan(path: String, reason: String)
  case malformedJournal(path: String, line: Int, reason: String)
  case unknownJudge(String, known: [String])

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
