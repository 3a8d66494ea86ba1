import Foundation

/// Runs blocking work, or work that keeps a processor busy for long, on a thread of its own.
///
/// Tasks share as many threads as there are processors. A training that ran on one of them would keep
/// a client's requests, timers and progress from going on. The work stays part of the calling task:
/// `Task.isCancelled`, `Task.checkCancellation()` and task-local values mean in it what they mean
/// around it. The call returns when the work does, also where the task was cancelled meanwhile; the
/// work should look now and then.
///
/// - Parameter name: the thread's, for debuggers.
package func runOnOwnThread<Value>(
  named name: String, _ work: () throws -> Value
) async throws -> Value {
  try await withTaskExecutorPreference(OwnThread(name: name)) { try await call(work) }
}

/// Nonisolated, and so called where the task prefers to run.
private func call<Value>(_ work: () throws -> Value) async throws -> Value { try work() }

/// An executor that starts a thread for each piece of a task that it is given.
private final class OwnThread: TaskExecutor {
  private let name: String

  init(name: String) { self.name = name }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    // The thread holds the executor for as long as the job runs.
    let thread = Thread {
      // On Linux a name that is set before the start has no effect.
      Thread.current.name = self.name
      unsafe job.runSynchronously(on: self.asUnownedTaskExecutor())
    }
    thread.stackSize = threadStackBytes
    thread.start()
  }
}

/// Calls `work` on so many threads at a time, the calling one among them, and returns when all have returned.
///
/// For plain computing in functions that return when it is done; each call takes what there is to do from
/// something that all share.
///
/// - Parameter work: gets the thread's number; the calling one is the first, 0.
package func runOnThreads(_ count: Int, _ work: @escaping @Sendable (Int) -> Void) {
  let group = DispatchGroup()
  for number in 1..<max(1, count) {
    group.enter()
    let thread = Thread {
      work(number)
      group.leave()
    }
    thread.stackSize = threadStackBytes
    thread.start()
  }
  work(0)
  group.wait()
}

/// As a process's first thread has: a decoder's or a parser's recursion may need it, and LAPACK does.
private let threadStackBytes = 8 << 20
