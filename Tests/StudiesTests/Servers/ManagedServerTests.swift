import Foundation
import HTTP
import ModelAccess
import Support
import Synchronization
import TestSupport
import Testing

@testable import Inference
@testable import Studies

/// Programs that are started, watched and started again. What answers on their port is the test's own
/// server; the program is a shell that only lives and dies.
@Suite struct ManagedServerTests {
  /// A managed server with its folder and its pool.
  final class Managed: Sendable {
    let pool: EndpointPool
    let server: ManagedServer
    /// How often a server that was started again got back what it lost.
    let restarts: Count
    private let folder: TemporaryFolder
    private let web: ScriptedHTTPServer
    private let transport = Transport()

    /// - Parameters:
    ///   - command: `MARKS` stands for a file that it may write to.
    ///   - isReady: by the number of the request, from 0.
    init(
      _ command: String, maxRestarts: Int = 2, afterRestart: ChatFailure? = nil,
      isReady: @escaping @Sendable (Int) -> Bool = { _ in true }
    ) throws {
      let count = Count()
      restarts = count
      folder = try TemporaryFolder()
      web = try ScriptedHTTPServer { exchange in
        exchange.reply(
          "{}", status: isReady(exchange.number) ? "200 OK" : "503 Service Unavailable")
      }
      let endpoint = try Endpoint(web.url, environment: [:])
      pool = EndpointPool([endpoint], limit: 4, retries: RetryPolicy())
      server = ManagedServer(
        command: command.replacing("MARKS", with: folder.url.appending(path: "marks").path),
        log: folder.url.appending(path: "logs/server.log"),
        probe: ServerProbe(endpoint: endpoint, transport: transport, time: HurriedTime()),
        startSeconds: 1_000_000, maxRestarts: maxRestarts, pool: pool,
        afterRestart: { () async throws(ChatFailure) in
          count.add()
          if let afterRestart { throw afterRestart }
        }, events: ignoreEvents)
    }

    deinit {
      transport.shutDown()
      web.stop()
    }

    /// The lines that the program wrote, once there are so many.
    func marks(_ count: Int) async throws -> [String] {
      while true {
        let file = folder.url.appending(path: "marks")
        let lines = ((try? String(contentsOf: file, encoding: .utf8)) ?? "").split(separator: "\n")
        if lines.count >= count { return lines.map(String.init) }
        try await Task.sleep(for: .milliseconds(5))
      }
    }

    var log: String {
      let file = folder.url.appending(path: "logs/server.log")
      return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    }
  }

  final class Count: Sendable {
    private let state = Mutex(0)

    var value: Int { state.withLock { $0 } }
    func add() { state.withLock { $0 += 1 } }
  }

  static func isRunning(_ process: String) -> Bool {
    Int32(process).map { kill($0, 0) == 0 } ?? false
  }

  @Test func itIsReadyWhenItSaysSoAndEndsWhenItIsStopped() async throws {
    let managed = try Managed("echo $$ >> MARKS; echo hello; exec sleep 1000") { $0 >= 3 }
    try await managed.server.start()
    let process = try await managed.marks(1)[0]
    #expect(Self.isRunning(process))
    #expect(managed.log == "hello\n")
    await managed.server.stop()
    #expect(!Self.isRunning(process))
    #expect(managed.restarts.value == 0)
  }

  @Test func aProgramThatCannotStartSaysWhyAndIsNotTriedAgain() async throws {
    let managed = try Managed("echo again >> MARKS; echo no GPU; exit 3") { _ in false }
    let error = await #expect(throws: StudyError.self) { try await managed.server.start() }
    #expect(error?.description.contains("it ended with status 3") == true)
    #expect(error?.description.contains("no GPU") == true)
    #expect(try await managed.marks(1).count == 1)
  }

  /// Killed while it loads, by the system's lack of memory for one: it may do better the next time.
  @Test func aProgramThatIsKilledWhileItStartsIsStartedAgain() async throws {
    let managed = try Managed("echo again >> MARKS; kill -9 $$") { _ in false }
    let error = await #expect(throws: StudyError.self) { try await managed.server.start() }
    #expect(error?.description.contains("it ended with status 137") == true)
    #expect(try await managed.marks(3).count == 3)
  }

  @Test func anotherServerOnThePortIsNotTakenForIt() async throws {
    let managed = try Managed("exit 0") { _ in
      // Answers only once the program has surely gone.
      Thread.sleep(forTimeInterval: 0.3)
      return true
    }
    let error = await #expect(throws: StudyError.self) { try await managed.server.start() }
    #expect(error?.description.contains("another server answers") == true)
  }

  /// Requests wait while it is away, and go on when it has back what it lost.
  @Test func aServerThatCrashesIsStartedAgain() async throws {
    let managed = try Managed("echo $$ >> MARKS; exec sleep 1000")
    try await managed.server.start()
    for count in 1...2 {
      let process = try await managed.marks(count)[count - 1]
      kill(try #require(Int32(process)), SIGKILL)
      _ = try await managed.marks(count + 1)
      while managed.restarts.value < count { try await Task.sleep(for: .milliseconds(5)) }
      let lease = try await managed.pool.acquire()
      managed.pool.release(lease, .answered)
    }
    #expect(managed.restarts.value == 2)
    await managed.server.stop()
  }

  @Test func aServerThatCrashesTooOftenIsGivenUpAndNobodyWaitsForIt() async throws {
    let managed = try Managed("echo $$ >> MARKS; exec sleep 1000", maxRestarts: 1)
    try await managed.server.start()
    kill(try #require(Int32(try await managed.marks(1)[0])), SIGKILL)
    while managed.restarts.value < 1 { try await Task.sleep(for: .milliseconds(5)) }
    managed.pool.release(try await managed.pool.acquire(), .answered)
    managed.pool.suspend(0)
    kill(try #require(Int32(try await managed.marks(2)[1])), SIGKILL)
    let failure = await #expect(throws: ChatFailure.self) { try await managed.pool.acquire() }
    #expect(failure?.code == "server-gone")
    #expect(failure?.isFatal == true)
    #expect(failure?.message.contains("ended 2 times, the last with status 137") == true)
    await managed.server.stop()
  }

  /// As where the memory of the one that ended is not free at once.
  @Test func aStartAgainThatFailsIsTriedAgain() async throws {
    let managed = try Managed(
      "echo $$ >> MARKS; test $(wc -l < MARKS) = 2 && exit 1; exec sleep 1000"
    ) {
      // Until the second start has surely gone.
      if $0 == 1 { Thread.sleep(forTimeInterval: 0.5) }
      return $0 != 1
    }
    try await managed.server.start()
    kill(try #require(Int32(try await managed.marks(1)[0])), SIGKILL)
    let third = try await managed.marks(3)[2]
    while managed.restarts.value < 1 { try await Task.sleep(for: .milliseconds(5)) }
    managed.pool.release(try await managed.pool.acquire(), .answered)
    await managed.server.stop()
    #expect(!Self.isRunning(third))
  }

  @Test func startsAgainThatFailAreCounted() async throws {
    let managed = try Managed(
      "echo $$ >> MARKS; test $(wc -l < MARKS) -gt 1 && echo no memory && exit 1; exec sleep 1000"
    ) { $0 == 0 }
    try await managed.server.start()
    managed.pool.suspend(0)
    kill(try #require(Int32(try await managed.marks(1)[0])), SIGKILL)
    let failure = await #expect(throws: ChatFailure.self) { try await managed.pool.acquire() }
    #expect(failure?.code == "server-gone")
    #expect(failure?.message.contains("no memory") == true)
    #expect(try await managed.marks(3).count == 3)
    #expect(managed.restarts.value == 0)
    await managed.server.stop()
  }

  @Test func aServerThatCannotBeGivenWhatItLostIsGivenUp() async throws {
    let managed = try Managed(
      "echo $$ >> MARKS; exec sleep 1000", afterRestart: .fatal("adapter-refused", "no such folder")
    )
    try await managed.server.start()
    managed.pool.suspend(0)
    kill(try #require(Int32(try await managed.marks(1)[0])), SIGKILL)
    let failure = await #expect(throws: ChatFailure.self) { try await managed.pool.acquire() }
    #expect(failure?.code == "server-gone")
    #expect(failure?.message.contains("no such folder") == true)
    let second = try await managed.marks(2)[1]
    await managed.server.stop()
    #expect(!Self.isRunning(second))
  }
}
