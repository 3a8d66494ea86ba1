import Support
import Synchronization
import Testing

@Suite struct IdentifiedContinuationTests {
  /// Those who wait, by their ids.
  final class Room: Sendable {
    private let waiting = Mutex<[ContinuationID: CheckedContinuation<Bool, Never>]>([:])

    var count: Int { waiting.withLock { $0.count } }

    /// True where somebody opened the door, false where the task was cancelled.
    func wait() async -> Bool {
      await withIdentifiedContinuation { id, continuation in
        waiting.withLock { $0[id] = continuation }
      } onCancel: { id in
        waiting.withLock { $0.removeValue(forKey: id) }?.resume(returning: false)
      }
    }

    func open() {
      let all = waiting.withLock { waiting in
        defer { waiting = [:] }
        return waiting
      }
      for continuation in all.values { continuation.resume(returning: true) }
    }
  }

  @Test func aTaskThatWasCancelledBeforeIsFoundToo() async {
    let room = Room()
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await room.wait()
    }
    task.cancel()
    #expect(await task.value == false)
    #expect(room.count == 0)
  }

  @Test func eachEndsOnceHoweverCancellationsFall() async {
    let room = Room()
    let tasks = (0..<400).map { number in (number, Task { await room.wait() }) }
    for (number, task) in tasks where number % 2 == 0 {
      if number % 4 == 0 { await Task.yield() }
      task.cancel()
    }
    for (number, task) in tasks where number % 2 == 0 { #expect(await task.value == false) }
    while room.count < 200 { await Task.yield() }
    room.open()
    for (number, task) in tasks where number % 2 == 1 { #expect(await task.value) }
  }
}
