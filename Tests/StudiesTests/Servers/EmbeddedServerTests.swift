import Foundation
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// A study served in this process, from its opening to its end.
@Suite struct EmbeddedServerTests {
  @Test func everyModelOfAStudyAnswersFromOneServer() async throws {
    let study = try TinyStudy(hasEmbedding: true)
    var answers: [[String]] = []
    for _ in 0..<2 {
      let (texts, description) = try await RunningServersTests.answers(EmbeddedServer(), study)
      #expect(description == "embedded")
      answers.append(texts)
    }
    #expect(Set(answers[0]).count == 3)
    // Served again, they say the same to the bit.
    #expect(answers[0] == answers[1])
  }

  @Test func theServerIsGoneAfterTheWork() async throws {
    struct Stop: Error {}
    let study = try TinyStudy()
    let ended = Mutex<(any ChatCompleting)?>(nil)
    await #expect(throws: Stop.self) {
      try await EmbeddedServer().withServers(of: study.models, events: ignoreEvents) { servers in
        _ = try await servers.model.complete(TinyStudy.request([]))
        ended.withLock { $0 = servers.model }
        throw Stop()
      }
    }
    let model = try #require(ended.withLock { $0 })
    let failure = await #expect(throws: ChatFailure.self) {
      try await model.complete(TinyStudy.request([]))
    }
    #expect(failure?.code == "shut-down")
  }

  @Test func anUpdateThatTheStudyDoesNotHaveIsAnError() async throws {
    let study = try TinyStudy()
    try await EmbeddedServer().withServers(of: study.models, events: ignoreEvents) { servers in
      let failure = await #expect(throws: ChatFailure.self) {
        try await servers.model.complete(
          TinyStudy.request([ScaledUpdate(name: "missing", scale: 1)]))
      }
      #expect(failure?.code == "adapter-missing")
    }
  }
}

/// What was opened is closed once, in the reverse order, whatever happens.
@Suite struct ServerScopeTests {
  struct Stop: Error {}

  @Test(arguments: [false, true]) func everythingIsClosedInTheReverseOrder(fails: Bool) async {
    let closed = Mutex<[Int]>([])
    do {
      try await ServerScope.with { scope in
        for number in 0..<3 { await scope.onClose { closed.withLock { $0.append(number) } } }
        #expect(closed.withLock { $0 }.isEmpty)
        if fails { throw Stop() }
      }
      #expect(!fails)
    } catch {
      #expect(fails)
    }
    #expect(closed.withLock { $0 } == [2, 1, 0])
  }

  @Test func whatIsOpenedTooLateIsClosedAtOnce() async throws {
    let closed = Mutex(0)
    let scope = try await ServerScope.with { $0 }
    await scope.onClose { closed.withLock { $0 += 1 } }
    #expect(closed.withLock { $0 } == 1)
  }

  /// A run that is interrupted closes its servers too: closing is no part of what was cancelled.
  @Test func aCancelledTaskClosesToo() async {
    let closed = Mutex(0)
    let task = Task {
      try await ServerScope.with { scope in
        await scope.onClose { closed.withLock { $0 += 1 } }
        try await Task.sleep(for: .seconds(100))
      }
    }
    task.cancel()
    _ = await task.result
    #expect(closed.withLock { $0 } == 1)
  }
}
