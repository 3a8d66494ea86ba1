import Foundation

/// What a command's exit code says. A gate's stand in `GateResult`.
enum ExitStatus: Int32 {
  case done = 0
  case error = 2
  case usage = 64
  /// The time that was given is up, or the cost that was allowed; the run is kept and asks to be started again.
  case stoppedInTime = 75
  /// By Ctrl-C.
  case interrupted = 130
  /// By SIGTERM, or because the terminal has gone.
  case terminated = 143

  static func interrupted(by signal: Int32) -> ExitStatus {
    signal == SIGINT ? .interrupted : .terminated
  }

  /// For the help text.
  static let summary = """
    Exit codes: 0 done; 1 gate breached; 2 error; 3 gate inconclusive; 4 undecided at the cap of \
    --until-decided; 64 usage; 75 stopped in time (--max-time, or SIGTERM of a shard), before \
    its cost passed --max-cost or with no server of a list left, start again; 130 interrupted; 143 ended by \
    SIGTERM or SIGHUP.
    """
}
