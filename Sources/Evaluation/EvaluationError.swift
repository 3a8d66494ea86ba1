/// What can be wrong with a study's input or its run folder.
public enum EvaluationError: Error, Equatable, CustomStringConvertible {
  case unreadable(path: String, reason: String)
  case emptyDataset(path: String)
  case unrecognisedDataset(path: String, found: String)
  case malformedLine(path: String, line: Int, expected: String, found: String)
  case duplicateID(path: String, id: String, line: Int)
  case missingColumn(path: String, column: String, found: [String])
  case duplicateDataset(name: String)
  case invalidAlphas(text: String, reason: String)
  case runExists(path: String)
  case runMissing(path: String)
  case runDiffers(path: String, fields: [String])
  case runInUse(path: String)
  /// A journal whose plan is gone.
  case manifestMissing(path: String)
  /// Samples that the plan does not know.
  case foreignSample(path: String, sample: String, reason: String)
  case invalidPlan(path: String, reason: String)
  case nothingMeasured(models: Int, of: Int, cause: String)
  case malformedJournal(path: String, line: Int, reason: String)
  case unwritable(path: String, reason: String)
  case tooManyErrors(count: Int, last: String)
  case fatal(String)
  case qualityOfOtherJudges(expected: [String], found: [String])
  case qualityOfAnotherConfiguration(judge: String, expected: String, found: String)
  case judgeSilent(judge: String, reason: String)
  case servedModelDiffers(expected: String, found: [String])
  case unservedUpdate(server: String, update: String, tensor: String)
  case serverFailed(command: String, reason: String, log: String)
  case serverOptions(String)
  case invalidCells(path: String, reason: String)

  public var description: String {
    switch self {
    case .unreadable(let path, let reason):
      "\(path): cannot be read: \(reason)"
    case .emptyDataset(let path):
      "\(path): expected at least one prompt, found none"
    case .unrecognisedDataset(let path, let found):
      "\(path): expected JSONL with id, category and prompt, a public prompt set (AdvBench, "
        + "HarmBench, JailbreakBench, StrongREJECT or XSTest CSV, Alpaca JSON, Dolly or GSM8K "
        + "JSONL); found \(found)"
    case .malformedLine(let path, let line, let expected, let found):
      "\(path), line \(line): expected \(expected), found \(found)"
    case .duplicateID(let path, let id, let line):
      "\(path), line \(line): expected ids to be unique, found \(id) again"
    case .missingColumn(let path, let column, let found):
      "\(path): expected a column \(column), found \(found.joined(separator: ", "))"
    case .duplicateDataset(let name):
      "two datasets are named \(name); rename one of the files"
    case .invalidAlphas(let text, let reason):
      "expected --alpha as FIRST..LAST, FIRST..LAST:STEP or a list such as 0,0.5,1.25; \(reason) "
        + "in \"\(text)\""
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
    case .nothingMeasured(let models, let all, let cause):
      "no reply of \(models) of \(all) cells got a verdict, mostly because of \(cause) (see error in "
        + "samples.jsonl); repair the cause and continue with --resume"
    case .malformedJournal(let path, let line, let reason):
      "\(path), line \(line): \(reason); a journal is only appended to, so this one was edited or "
        + "damaged: restore it or start another run"
    case .unwritable(let path, let reason):
      "\(path): cannot be written: \(reason)"
    case .tooManyErrors(let count, let last):
      "stopped after \(count) failed requests, the last: \(last); repair the cause and continue "
        + "with --resume, or raise --max-errors"
    case .fatal(let reason):
      "stopped: \(reason); repair the cause and continue with --resume"
    case .qualityOfOtherJudges(let expected, let found):
      "expected --correct to name a check of \(expected.joined(separator: " or ")), found one of "
        + "\(found.joined(separator: ", ")); run judge-check with the run's --judge"
    case .qualityOfAnotherConfiguration(let judge, let expected, let found):
      "expected --correct to name a check of \(judge) with \(expected), found one with \(found); "
        + "run judge-check with the run's judge"
    case .judgeSilent(let judge, let reason):
      "\(judge): expected a verdict on at least one reply, found none: \(reason)"
    case .servedModelDiffers(let expected, let found):
      "expected the server to serve \(expected), found \(found.joined(separator: ", "))"
    case .unservedUpdate(let server, let update, let tensor):
      "\(server) applies adapters to the linear layers of the blocks only, and \(update) changes "
        + "\(tensor); pass --targets linear (and attacks on linear layers), or use the embedded "
        + "server or --dialect plain"
    case .serverFailed(let command, let reason, let log):
      "expected `\(command)` to start a server, found: \(reason); its whole output is in \(log)"
    case .serverOptions(let reason):
      reason
    case .invalidCells(let path, let reason):
      "\(path): \(reason)"
    }
  }
}
