import Foundation
import Synchronization
import Testing

@testable import Checkpoints

@Suite(.timeLimit(.minutes(1))) struct TensorQueueTests {
  /// What the threads did.
  private final class Record: Sendable {
    struct State {
      var started: [String] = []
      var finished: [String] = []
      var inHand: [String: Int] = [:]
      var mostInHand = 0
      var mostMemory = 0
      /// Tensors that were in hand together with one that is larger than the bound.
      var besideALargeOne = 0
    }
    let state = Mutex(State())

    func start(_ name: String, size: Int, bound: Int) {
      state.withLock { state in
        state.started.append(name)
        state.inHand[name] = size
        state.mostInHand = max(state.mostInHand, state.inHand.count)
        if state.inHand.values.contains(where: { $0 > bound }) {
          state.besideALargeOne += state.inHand.count - 1
        } else {
          state.mostMemory = max(state.mostMemory, state.inHand.values.reduce(0, +))
        }
      }
    }

    func finish(_ name: String) {
      state.withLock { state in
        state.inHand[name] = nil
        state.finished.append(name)
      }
    }
  }

  private struct Failed: Error, Equatable { var name: String }

  private static let names = (0..<24).map { "t\($0)" }

  /// Runs all tensors; each takes a moment, so that threads meet.
  private static func run(
    _ sizes: [Int], memory: Int, threads: Int
  ) throws -> Record.State {
    let record = Record()
    let names = sizes.indices.map { "t\($0)" }
    let size = Dictionary(uniqueKeysWithValues: zip(names, sizes))
    let queue = TensorQueue(names: names, memory: memory) { size[$0] ?? 0 }
    try queue.run(threads: threads) { name in
      record.start(name, size: size[name] ?? 0, bound: memory)
      Thread.sleep(forTimeInterval: 0.002)
      record.finish(name)
    }
    return record.state.withLock { $0 }
  }

  @Test func oneThreadKeepsTheOrder() throws {
    let state = try Self.run([Int](repeating: 1, count: 24), memory: 100, threads: 1)
    #expect(state.started == Self.names)
    #expect(state.finished == Self.names)
    #expect(state.mostInHand == 1)
  }

  @Test(arguments: [2, 5, 40]) func everyTensorIsDoneOnce(threads: Int) throws {
    let state = try Self.run([Int](repeating: 1, count: 24), memory: 100, threads: threads)
    #expect(state.started.count == 24)
    #expect(state.finished.sorted() == Self.names.sorted())
    #expect(state.mostInHand <= threads)
    #expect(state.inHand.isEmpty)
  }

  @Test func nothingToDoEndsAtOnce() throws {
    #expect(try Self.run([], memory: 1, threads: 3).started.isEmpty)
  }

  /// Sizes that would fit later do not overtake: the order of the tensors is that of the files.
  @Test func tensorsAreHandedOutInOrder() throws {
    let handed = Mutex<[String]>([])
    let sizes = [50, 60, 1, 1, 70, 1, 40, 1]
    let names = sizes.indices.map { "t\($0)" }
    // Asked for once more each time there is no room; the first time counts.
    let queue = TensorQueue(names: names, memory: 100) { name in
      handed.withLock { if $0.last != name { $0.append(name) } }
      return sizes[names.firstIndex(of: name) ?? 0]
    }
    try queue.run(threads: 3) { _ in Thread.sleep(forTimeInterval: 0.002) }
    #expect(handed.withLock { $0 } == names)
  }

  @Test(arguments: [2, 6]) func workingSetsStayWithinTheBound(threads: Int) throws {
    let sizes = [40, 30, 30, 60, 10, 90, 20, 20, 20, 20, 20, 100, 5, 5, 50, 50, 51]
    let state = try Self.run(sizes, memory: 100, threads: threads)
    #expect(state.finished.count == sizes.count)
    #expect(state.mostMemory <= 100)
  }

  @Test func whatIsLargerThanTheBoundGoesAlone() throws {
    let sizes = [1, 1, 500, 1, 1, 300, 700, 1]
    let state = try Self.run(sizes, memory: 100, threads: 4)
    #expect(state.finished.count == sizes.count)
    #expect(state.besideALargeOne == 0)
  }

  /// Small ones run together: the bound is no lock.
  @Test func whatFitsRunsTogether() throws {
    let waiting = Mutex(0)
    let queue = TensorQueue(names: ["a", "b"], memory: 10) { _ in 5 }
    try queue.run(threads: 2) { _ in
      waiting.withLock { $0 += 1 }
      let end = Date(timeIntervalSinceNow: 30)
      while waiting.withLock({ $0 }) < 2, Date.now < end { Thread.sleep(forTimeInterval: 0.001) }
    }
    #expect(waiting.withLock { $0 } == 2)
  }

  /// Each is read ahead at most once, in order, and none long before it is worked on.
  @Test(arguments: [1, 3]) func tensorsAreReadAheadInOrder(threads: Int) throws {
    let begun = Mutex(0)
    let ahead = Mutex<[String]>([])
    let queue = TensorQueue(
      names: Self.names, memory: 1_000,
      readAhead: { name in
        let waiting = begun.withLock { $0 }
        ahead.withLock { $0.append(name) }
        // One that is begun meanwhile is nearer still.
        #expect((Self.names.firstIndex(of: name) ?? 0) < waiting + 4 + threads)
      }, workingSet: { _ in 1 })
    try queue.run(threads: threads) { _ in
      begun.withLock { $0 += 1 }
      Thread.sleep(forTimeInterval: 0.002)
    }
    let order = ahead.withLock { $0 }.compactMap { Self.names.firstIndex(of: $0) }
    #expect(order == Array(Set(order)).sorted())
    #expect(order.count > Self.names.count / 2)
    #expect(begun.withLock { $0 } == Self.names.count)
  }

  @Test(arguments: [1, 3]) func theFirstErrorEndsTheWork(threads: Int) throws {
    let record = Record()
    let queue = TensorQueue(names: Self.names, memory: 1_000) { _ in 1 }
    #expect(throws: Failed(name: "t5")) {
      try queue.run(threads: threads) { name in
        record.start(name, size: 1, bound: 1_000)
        if name == "t5" { throw Failed(name: name) }
        record.finish(name)
      }
    }
    let state = record.state.withLock { $0 }
    #expect(state.started.contains("t5"))
    // What was in hand is finished, what was not is not begun.
    #expect(state.inHand.keys.sorted() == ["t5"])
    if threads == 1 { #expect(state.started == Array(Self.names.prefix(6))) }
  }

  /// A failing large tensor wakes those that wait for its room.
  @Test func anErrorReleasesThoseWhoWait() {
    let done = Mutex<[String]>([])
    let queue = TensorQueue(names: ["large", "next", "last"], memory: 10) { name in
      name == "large" ? 100 : 1
    }
    #expect(throws: Failed(name: "large")) {
      try queue.run(threads: 3) { name in
        done.withLock { $0.append(name) }
        Thread.sleep(forTimeInterval: 0.02)
        throw Failed(name: name)
      }
    }
    #expect(done.withLock { $0 } == ["large"])
  }

  /// A cancelled task stops the work between two tensors.
  @Test func cancellationEndsTheWork() async throws {
    let begun = Mutex(0)
    let task = Task.detached {
      let queue = TensorQueue(names: Self.names, memory: 1_000) { _ in 1 }
      let counter = TensorCounter(done: 0)
      try queue.run(threads: 1) { _ in
        begun.withLock { $0 += 1 }
        // As commands do it: whoever reports progress asks whether to go on.
        try counter.countOne { done in
          if done == 3 { unsafe withUnsafeCurrentTask { unsafe $0?.cancel() } }
          try Task.checkCancellation()
        }
      }
    }
    await #expect(throws: CancellationError.self) { try await task.value }
    #expect(begun.withLock { $0 } == 3)
  }

  @Test func theCounterReportsEveryNumberOnce() throws {
    let counter = TensorCounter(done: 4)
    let reports = Mutex<[Int]>([])
    let queue = TensorQueue(names: Self.names, memory: 1_000) { _ in 1 }
    try queue.run(threads: 4) { _ in
      counter.countOne { done in reports.withLock { $0.append(done) } }
    }
    #expect(reports.withLock { $0 } == Array(5...28))
  }
}
