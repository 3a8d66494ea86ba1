package import Foundation
import Synchronization

/// A shell command that lives no longer than this process.
///
/// It runs in a process group of its own, under a shell that holds one end of a pipe. This process
/// holds the other and never writes: when it ends, in whatever way, the shell reads the end of the
/// pipe and kills the group. (The kernel's parent-death signal would reach only the command itself,
/// not what it starts, and would fire when the starting thread ends.)
package final class SupervisedCommand: Sendable {
  private static let supervision = """
    exec 3<&0 </dev/null
    trap : TERM INT
    /bin/sh -c "$1" 3<&- &
    child=$!
    { read -r _ <&3; kill -KILL 0; } &
    watch=$!
    wait $child; status=$?
    while kill -0 $child 2>/dev/null; do wait $child; status=$?; done
    kill -KILL $watch 2>/dev/null
    exit $status
    """

  package let command: String
  /// What the command prints, both streams.
  package let log: URL
  /// Of the supervising shell and its group.
  private let process: ShellProcess
  private let lifeline: Pipe
  private let status = Mutex<Int32?>(nil)
  private let waiters = Mutex<[CheckedContinuation<Int32, Never>]>([])

  /// Starts the command.
  ///
  /// - Parameters:
  ///   - command: for `/bin/sh -c`.
  ///   - log: appended to; created where there is none.
  package init(_ command: String, log: URL) throws {
    self.command = command
    self.log = log
    let files = FileManager.default
    if !files.fileExists(atPath: log.path) { try Data().write(to: log) }
    let output = try FileHandle(forWritingTo: log)
    try output.seekToEnd()
    defer { try? output.close() }
    let lifeline = Pipe()
    self.lifeline = lifeline
    process = try ShellProcess(
      Self.supervision, name: "loxeval-supervisor", argument: command,
      input: lifeline.fileHandleForReading.fileDescriptor, output: output.fileDescriptor)
    try lifeline.fileHandleForReading.close()
    let process = process
    Thread { [weak self] in
      let code = process.waitUntilExit()
      // What the command left running in its group.
      kill(-process.identifier, SIGKILL)
      self?.end(code)
    }.start()
  }

  deinit { if isRunning { signalGroup(SIGKILL) } }

  package var isRunning: Bool { endStatus == nil }

  /// The exit status, once there is one.
  package var endStatus: Int32? { status.withLock { $0 } }

  /// The supervisor's id, which is the process group's too.
  package var groupIdentifier: Int32 { process.identifier }

  private func end(_ code: Int32) {
    status.withLock { $0 = code }
    let resumed = waiters.withLock { waiters in
      defer { waiters = [] }
      return waiters
    }
    for waiter in resumed { waiter.resume(returning: code) }
  }

  private func signalGroup(_ signal: Int32) { kill(-process.identifier, signal) }

  /// Waits for the end and returns the exit status; above 128 it is 128 + the signal that ended it.
  package func exitStatus() async -> Int32 {
    await withCheckedContinuation { continuation in
      waiters.withLock { $0.append(continuation) }
      guard let code = status.withLock({ $0 }) else { return }
      // It ended before the waiter stood in the list, or its end took the list before.
      let resumed = waiters.withLock { waiters in
        defer { waiters = [] }
        return waiters
      }
      for waiter in resumed { waiter.resume(returning: code) }
    }
  }

  /// As `exitStatus`, for threads that may block; cancelling the task stops the command.
  package func waitUntilExit() -> Int32 {
    while true {
      if let code = status.withLock({ $0 }) { return code }
      if Task.isCancelled { signalGroup(SIGTERM) }
      Thread.sleep(forTimeInterval: 0.02)
    }
  }

  /// Asks the group to end, and ends it after some seconds.
  package func stop(graceSeconds: Double = 10) async {
    // The group's number may be another's by now.
    guard isRunning else { return }
    signalGroup(SIGTERM)
    let deadline = ContinuousClock.now + .seconds(graceSeconds)
    while isRunning && ContinuousClock.now < deadline {
      // Also when the task was cancelled: a server is not left behind.
      await Task { try? await Task.sleep(for: .milliseconds(20)) }.value
    }
    if isRunning { signalGroup(SIGKILL) }
  }

  /// The last characters of what it printed.
  package func logTail(_ count: Int = 2_000) -> String {
    String(decoding: ((try? Data(contentsOf: log)) ?? Data()).suffix(count), as: UTF8.self)
  }
}
