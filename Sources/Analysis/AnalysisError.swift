/// What can be wrong with a run's results.
package enum AnalysisError: Error, Equatable, CustomStringConvertible {
  case nothingMeasured(models: Int, of: Int, cause: String, said: String? = nil)

  package var description: String {
    switch self {
    case .nothingMeasured(let models, let all, let cause, let said):
      "no reply of \(models) of \(all) cells got a verdict, mostly because of \(cause) (see error in "
        + "samples.jsonl); repair the cause and continue with --resume"
        + (said.map { "; for example: \($0)" } ?? "")
    }
  }
}
