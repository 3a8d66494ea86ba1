package import ModelAccess
package import Runs
import Support

/// What can be wrong with a study: what is asked for, or what answers.
package enum StudyError: Error, Equatable, CustomStringConvertible {
  case duplicateDataset(name: String)
  /// Two updates of one study with one name.
  case duplicateUpdate(UpdateName)
  /// A stack names an update that the study does not have.
  case unknownUpdate(UpdateName, known: [UpdateName])
  case invalidAlphas(text: String, reason: String)
  case invalidStrengths(text: String, reason: String)
  /// An attack without anything orthogonal to LoX's direction.
  case noDirection(attack: String, reason: String)
  /// An attack of full rank, which is no adapter.
  case denseDirection(attack: String)
  case tooManyErrors(count: Int, last: String)
  case fatal(String)
  case judgeSilent(judge: String, reason: String)
  /// Of stored replies.
  case judgingStopped(reason: String)
  /// No set of the run has replies that the judge can judge.
  case nothingToJudge(judge: String)
  /// Of a run in which judges are to be compared.
  case oneJudge(run: String)
  case servedModelDiffers(expected: String, found: [String])
  case modelUnnamed(server: String, found: String)
  case unservedUpdate(server: String, update: String, tensor: String)
  /// A change of full rank is no adapter.
  case denseUpdate(server: String, update: String)
  case serverFailed(command: String, reason: String, log: String)
  case serverOptions(String)
  case invalidCells(path: String, reason: String)
  /// The time that was given is up; the run is kept.
  case stoppedInTime(reason: String)
  /// Another request could pass what the run may cost; the run is kept.
  case costReached(reason: String)
  /// Servers that answer a turn instead of going on from it.
  case cannotContinue(server: String, attack: String)
  /// A limit that none of the run's cells measures.
  case nothingMeasures(GateRule)

  /// The error as a stop that keeps the run, to be continued later; nil where it is none.
  package static func stop(_ error: any Error) -> StudyError? {
    switch error {
    case let stop as StudyError:
      switch stop {
      case .stoppedInTime, .costReached: return stop
      default: return nil
      }
    // Before anything is measured servers are tried out.
    case let failure as ChatFailure where failure.code == .costLimit:
      return .costReached(reason: failure.message)
    default: return nil
    }
  }

  package var description: String {
    switch self {
    case .duplicateDataset(let name):
      "two datasets are named \(name); rename one of the files"
    case .duplicateUpdate(let name):
      "expected the updates of a study to have names of their own, found \(name) twice"
    case .unknownUpdate(let name, let known):
      "expected an update of the study, found \(name); there are "
        + known.map(\.text).joined(separator: ", ")
    case .invalidAlphas(let text, let reason):
      "expected --alpha as FIRST..LAST, FIRST..LAST:STEP or a list such as 0,0.5,1.25; \(reason) "
        + "in \"\(text)\""
    case .invalidStrengths(let text, let reason):
      "expected --strength as FIRST..LAST, FIRST..LAST:STEP or a list such as 0,0.5,1, each "
        + "\(StrengthList.range.phrase); \(reason) in \"\(text)\""
    case .noDirection(let attack, let reason):
      "expected an attack with a part orthogonal to LoX's direction, found none in \(attack): \(reason); name "
        + "another, such as a training (identity-shift, train:FILE) or import:DIR"
    case .denseDirection(let attack):
      "a landscape scales its attack as an adapter, and \(attack) is a change of full rank; train it with "
        + "LoRA (--attack-method lora, or \"method\": \"lora\" in its file), or import an adapter"
    case .tooManyErrors(let count, let last):
      "stopped after \(count) failed requests, the last: \(last); repair the cause and continue "
        + "with --resume, or raise --max-errors"
    case .fatal(let reason):
      "stopped: \(reason); repair the cause and continue with --resume"
    case .judgeSilent(let judge, let reason):
      "\(judge): expected a verdict on at least one reply, found none: \(reason)"
    case .judgingStopped(let reason):
      "stopped: \(reason); what was judged is kept, and the run is as it was: repair the cause and "
        + "start rejudge again"
    case .nothingToJudge(let judge):
      "expected replies that \(judge) can judge, found none in the run's sets; name another judge"
    case .oneJudge(let run):
      "\(run): expected a run of several judges, found one of one for each set; add others with "
        + "loxeval rejudge"
    case .servedModelDiffers(let expected, let found):
      "expected the server to serve \(expected), found \(found.joined(separator: ", "))"
    case .modelUnnamed(let server, let found):
      "\(server): expected a list of models, found \(found); pass --model-name (of a judge: "
        + "--judge-model)"
    case .unservedUpdate(let server, let update, let tensor):
      "\(server) applies adapters to the linear layers of the blocks only, and \(update) changes "
        + "\(tensor); pass --targets linear (and attacks on linear layers), or use the embedded "
        + "server or --dialect plain"
    case .denseUpdate(let server, let update):
      "\(server) takes adapters, and \(update) is a change of full rank, which none holds; leave it out, or "
        + "use the embedded server or --dialect plain"
    case .serverFailed(let command, let reason, let log):
      "expected `\(command)` to start a server, found: \(reason); its whole output is in \(log)"
    case .serverOptions(let reason):
      reason
    case .invalidCells(let path, let reason):
      "\(path): \(reason)"
    case .stoppedInTime(let reason):
      "stopped in time, \(reason); start again with --resume"
    case .costReached(let reason):
      "stopped before the cost passes --max-cost: \(reason); go on with --resume and a higher --max-cost"
    case .cannotContinue(let server, let attack):
      "\(server): expected a server that goes on from an open turn of the model's, as \(attack) needs; the "
        + "embedded server, llama-server and vLLM do: use one of these, or leave the attack out"
    case .nothingMeasures(let rule):
      "--\(rule.rawValue): nothing measures it; \(rule.remedy)"
    }
  }
}
