import Foundation
import Support
import Synchronization
import TestSupport
import Testing

@Suite struct OwnThreadTests {
  private struct Broken: Error, Equatable { var number: Int }

  @TaskLocal static var mark = "outside"

  private static func thread() -> UInt { UInt(pthread_self()) }

  @Test func resultsAndErrorsComeBack() async throws {
    #expect(try await runOnOwnThread(named: "sum") { (1...100).reduce(0, +) } == 5_050)
    await #expect(throws: Broken(number: 7)) {
      try await runOnOwnThread(named: "broken") { throw Broken(number: 7) }
    }
  }

  @Test func theThreadIsTheWorksOwnAndTheTaskIsStillTheCallers() async throws {
    let caller = Self.thread()
    let (thread, mark) = try await Self.$mark.withValue("inside") {
      try await runOnOwnThread(named: "training") { (Self.thread(), Self.mark) }
    }
    #expect(thread != caller)
    #expect(mark == "inside")
  }

  @Test func cancellationReachesTheWork() async throws {
    let hasBegun = Mutex(false)
    let task = Task {
      try await runOnOwnThread(named: "endless") {
        hasBegun.withLock { $0 = true }
        while true {
          try Task.checkCancellation()
          Thread.sleep(forTimeInterval: 0.001)
        }
      }
    }
    while !hasBegun.withLock({ $0 }) { await Task.yield() }
    task.cancel()
    await #expect(throws: CancellationError.self) { try await task.value }
  }

  /// A command that an attack waits for is stopped when its task is.
  @Test func commandsThatAreWaitedForEndWithTheTask() async throws {
    let folder = try TemporaryFolder()
    let log = folder.url.appending(path: "log")
    let task = Task {
      try await runOnOwnThread(named: "command") {
        try SupervisedCommand("echo begun; sleep 60", log: log).waitUntilExit()
      }
    }
    while (try? String(contentsOf: log, encoding: .utf8))?.contains("begun") != true {
      try await Task.sleep(for: .milliseconds(5))
    }
    let start = ContinuousClock.now
    task.cancel()
    #expect(try await task.value != 0)
    #expect(ContinuousClock.now - start < .seconds(30))
  }

  /// More blocking pieces at a time than there are processors, and tasks go on.
  @Test func noTaskWaitsForAThread() async throws {
    let count = 4 * ProcessInfo.processInfo.activeProcessorCount
    let gate = DispatchSemaphore(value: 0)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for _ in 0..<count {
        group.addTask { try await runOnOwnThread(named: "blocked") { gate.wait() } }
      }
      // Were the tasks' own threads blocked, this one would never run.
      group.addTask { for _ in 0..<count { gate.signal() } }
      try await group.waitForAll()
    }
  }
}
