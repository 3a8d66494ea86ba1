import CSpawn
import Foundation

/// A shell in a process group of its own, with default signal handling and nothing inherited but
/// its three streams.
///
/// Foundation's `Process` passes on the starting thread's signal mask, which blocks nearly
/// everything on the threads that tasks run on, and ignored signals: a shell could then neither be
/// asked to end nor notice that its child has.
struct ShellProcess {
  /// Also the group's.
  let identifier: pid_t

  /// Starts `/bin/sh -c SCRIPT NAME ARGUMENT`.
  ///
  /// - Parameters:
  ///   - input: the descriptor that becomes its standard input.
  ///   - output: the descriptor that becomes its standard output and standard error.
  init(_ script: String, name: String, argument: String, input: Int32, output: Int32) throws {
    var child = pid_t()
    let code = unsafe loxeval_spawn_shell(script, name, argument, input, output, &child)
    guard code == 0 else { throw POSIXError(POSIXErrorCode(rawValue: code) ?? .EIO) }
    identifier = child
  }

  /// Waits, blocking the thread, and returns the exit status; 128 + the signal that ended it.
  func waitUntilExit() -> Int32 {
    var status: Int32 = 0
    while unsafe waitpid(identifier, &status, 0) < 0 && errno == EINTR {}
    let signal = status & 0x7F
    return signal == 0 ? (status >> 8) & 0xFF : 128 + signal
  }
}
