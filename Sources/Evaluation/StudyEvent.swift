public import LanguageModel

/// What a study tells while it works; the command line shows it on stderr.
public enum StudyEvent: Sendable {
  /// A step begins.
  case step(String)
  /// A counted step goes on.
  case count(what: String, done: Int, total: Int)
  /// A training goes on.
  case training(Trainer.Progress)
  case samples(Runner.Progress)
}
