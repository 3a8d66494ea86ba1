import Foundation
import Inference
import ModelAccess
import Support

/// A server that is started for a run, watched, and started again a few times when it crashes.
actor ManagedServer {
  private let command: String
  private let log: URL
  private let probe: ServerProbe
  private let startSeconds: Double
  private let maxRestarts: Int
  /// Told that requests must wait, may go on, or will never be answered.
  private let pool: EndpointPool
  private let index: Int
  private let afterRestart: @Sendable () async throws(ChatFailure) -> Void
  private let events: @Sendable (StudyEvent) -> Void
  private var process: SupervisedCommand?
  private var watch: Task<Void, Never>?
  private var restarts = 0
  private var isStopping = false
  /// Whether the last start failed because the server ended, and not because it was not ready in time.
  private var hasCrashed = false

  /// - Parameters:
  ///   - command: for the shell.
  ///   - log: where its output goes, appended.
  ///   - index: the server's place in the pool.
  ///   - afterRestart: gives a server that was started again what it lost.
  init(
    command: String, log: URL, probe: ServerProbe, startSeconds: Double, maxRestarts: Int,
    pool: EndpointPool, index: Int = 0,
    afterRestart: @escaping @Sendable () async throws(ChatFailure) -> Void,
    events: @escaping @Sendable (StudyEvent) -> Void
  ) {
    self.command = command
    self.log = log
    self.probe = probe
    self.startSeconds = startSeconds
    self.maxRestarts = maxRestarts
    self.pool = pool
    self.index = index
    self.afterRestart = afterRestart
    self.events = events
  }

  /// The command for messages.
  private var shown: String { Secrets.withoutCredentials(command) }

  /// Starts the server and waits until it is ready. One that a signal ends meanwhile is started again.
  func start() async throws(StudyError) {
    while true {
      do throws(StudyError) {
        try await startOnce()
        break
      } catch {
        guard hasCrashed, let status = process?.endStatus, status > 128, restarts < maxRestarts,
          !isStopping
        else { throw error }
        restarts += 1
      }
    }
    watch = Task { await self.keepUp() }
  }

  private func startOnce() async throws(StudyError) {
    events(.step("starting: \(shown)"))
    let process: SupervisedCommand
    do {
      try FileManager.default.createDirectory(
        at: log.deletingLastPathComponent(), withIntermediateDirectories: true)
      process = try SupervisedCommand(command, log: log)
    } catch {
      throw .serverFailed(command: shown, reason: error.plainReason, log: log.path)
    }
    self.process = process
    do {
      try await probe.waitUntilReady(seconds: startSeconds) { process.isRunning }
    } catch {
      hasCrashed = !process.isRunning
      await process.stop()
      let end = hasCrashed ? "it ended with status \(process.waitUntilExit())" : error.message
      throw .serverFailed(
        command: shown, reason: "\(end)\n\(process.logTail(1_000))", log: log.path)
    }
    guard process.isRunning else {
      throw .serverFailed(
        command: shown,
        reason: "it ended, and another server answers at \(probe.endpoint)", log: log.path)
    }
  }

  private func keepUp() async {
    while let process, !isStopping {
      let status = await process.exitStatus()
      if isStopping { return }
      pool.suspend(index)
      guard await startAgain(after: status) else { return }
      pool.resume(index)
    }
  }

  /// Starts a server that ended again; a start that fails counts as one of those that are allowed.
  ///
  /// - Returns: whether it may be asked; else nobody waits for it any longer.
  private func startAgain(after status: Int32) async -> Bool {
    var reason = "the server ended with status \(status)"
    var last: StudyError?
    var failures = 0
    while !isStopping {
      restarts += 1
      guard restarts <= maxRestarts else {
        let end =
          last.map { "\($0)" }
          ?? "the server ended \(restarts) times, the last with status \(status); its output is in "
          + log.path
        pool.close(.fatal("server-gone", end))
        return false
      }
      events(.step("\(reason); start \(restarts) of \(maxRestarts)"))
      do throws(StudyError) {
        try await startOnce()
      } catch {
        guard !isStopping else { return false }
        last = error
        reason = "the server did not start again (\(Self.outline(error)))"
        try? await pool.time.sleep(for: .seconds(RetryPolicy().delay(retry: failures, asked: nil)))
        failures += 1
        continue
      }
      do throws(ChatFailure) {
        try await afterRestart()
        return true
      } catch {
        if !isStopping { pool.close(.fatal("server-gone", "\(error)")) }
        return false
      }
    }
    return false
  }

  /// Without what the server printed.
  private static func outline(_ error: StudyError) -> String {
    guard case .serverFailed(_, let reason, _) = error else { return "\(error)" }
    return String(reason.prefix { $0 != "\n" })
  }

  func stop() async {
    isStopping = true
    watch?.cancel()
    await process?.stop()
  }
}
