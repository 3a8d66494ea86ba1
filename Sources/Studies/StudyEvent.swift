package import Decoder
import Foundation
import Inference
package import Runs

/// What a study tells while it works; the command line shows it on stderr.
package enum StudyEvent: Sendable {
  /// A step begins.
  case step(String)
  /// A counted step goes on.
  case count(what: String, done: Int, total: Int)
  /// A training goes on.
  case training(Trainer.Progress)
  case samples(Runner.Progress)
  /// What is left of all trainings and replies, by what was measured so far.
  case left(StudyPace.Left)
  /// A run that goes on until it is decided was looked at.
  case look(SequentialRun.State)
}

extension StudyEvent {
  /// Tells that an overloaded server is left alone for a while.
  static func pause(
    _ events: @escaping @Sendable (StudyEvent) -> Void
  ) -> @Sendable (Endpoint, Double) -> Void {
    { endpoint, seconds in
      events(
        .step("\(endpoint) says that it is overloaded; asking again in \(Int(seconds.rounded())) s")
      )
    }
  }
}
