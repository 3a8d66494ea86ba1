import Foundation
import Synchronization
import TestSupport
import Testing

/// Signals end a run with a sentence and the code that belongs to them, and the journal loses nothing.
@Suite(.serialized) struct SignalTests {
  /// A chat server that answers some requests, and holds the others back until it is released.
  private final class HoldingServer: Sendable {
    private let state = Mutex((answers: 0, isHolding: true))
    private let server = Mutex<ScriptedHTTPServer?>(nil)

    init(answering count: Int) throws {
      let started = try ScriptedHTTPServer { [self] exchange in
        guard exchange.request.hasPrefix("POST") else {
          exchange.reply(#"{"status":"ok","data":[{"id":"m"}]}"#)
          return
        }
        let isAnswered = state.withLock { state in
          state.answers += 1
          return !state.isHolding || state.answers <= count
        }
        if isAnswered { exchange.say("I cannot help with that.") } else { wait() }
      }
      server.withLock { $0 = started }
    }

    private func wait() {
      while state.withLock({ $0.isHolding }) { Thread.sleep(forTimeInterval: 0.01) }
    }

    var url: String { server.withLock { $0?.url ?? "" } }

    func release() { state.withLock { $0.isHolding = false } }

    func stop() {
      release()
      server.withLock { $0?.stop() }
    }
  }

  private static func lines(_ folder: TemporaryFolder) -> [String] {
    let file = folder.url.appending(path: "run/samples.jsonl")
    let text = (try? String(contentsOf: file, encoding: .utf8)) ?? ""
    return text.split(separator: "\n").map(String.init)
  }

  @Test(
    arguments: [
      ([SIGINT], 130, ["SIGINT"]), ([SIGTERM], 143, ["SIGTERM"]), ([SIGHUP], 143, ["SIGHUP"]),
      // As `timeout` does: the process, then its group.
      ([SIGTERM, SIGTERM], 143, ["SIGTERM"]), ([SIGINT, SIGINT], 130, ["SIGINT"]),
      // Of different ones that are sent at once, the kernel orders neither first.
      ([SIGHUP, SIGTERM], 143, ["SIGHUP", "SIGTERM"]),
    ] as [([Int32], Int32, [String])])
  func aRunEndsInWordsAndGoesOn(signals: [Int32], status: Int32, names: [String]) throws {
    let folder = try CommandLineTests.pair()
    // One more for the trial before the run.
    let server = try HoldingServer(answering: 4)
    defer { server.stop() }
    let arguments = [
      "evaluate", "--endpoint", server.url, "--dataset", "\(folder.url.path)/prompts.jsonl",
      "--max-connections", "1", "--output", "\(folder.url.path)/run",
    ]
    let (process, output, errors) = try CommandLineTests.start(arguments)
    let deadline = Date.now + 60
    while Self.lines(folder).count < 3, process.isRunning, Date.now < deadline {
      Thread.sleep(forTimeInterval: 0.02)
    }
    for signal in signals { kill(process.processIdentifier, signal) }
    _ = output.fileHandleForReading.readDataToEndOfFile()
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == status, "\(notes)")
    #expect(names.contains { notes.contains("stopping (\($0))") }, "\(notes)")
    #expect(notes.contains("continues with --resume"), "\(notes)")
    let kept = Self.lines(folder)
    #expect(kept.count == 3)

    server.release()
    let (second, rest, more) = try CommandLineTests.start(arguments + ["--resume"])
    _ = rest.fileHandleForReading.readDataToEndOfFile()
    _ = more.fileHandleForReading.readDataToEndOfFile()
    second.waitUntilExit()
    #expect(second.terminationStatus == 0)
    let all = Self.lines(folder)
    #expect(all.count == 12)
    #expect(Array(all.prefix(3)) == kept)
  }

  /// A reader of stdout that has gone is an error in words, not a death by SIGPIPE, and never a pass.
  @Test(arguments: [
    ["gate", "good", "--max-asr", "0.2"], ["report", "good", "--format", "csv"], ["--help"],
  ])
  func aClosedStdoutIsToldOf(arguments: [String]) throws {
    let folder = try GateCommandTests.runs()
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.arguments = arguments
    process.currentDirectoryURL = folder.url
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    try output.fileHandleForReading.close()
    try process.run()
    try output.fileHandleForWriting.close()
    let notes = String(decoding: errors.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationReason == .exit)
    #expect(process.terminationStatus == 2)
    #expect(notes.contains("stdout was closed"), "\(notes)")
  }

  /// A breach stays one, whoever reads it.
  @Test func aBreachIsNoLessWhereNobodyReads() throws {
    let folder = try GateCommandTests.runs()
    let process = Process()
    process.executableURL = CommandLineTests.program
    process.arguments = ["gate", "bad", "--max-asr", "0.2"]
    process.currentDirectoryURL = folder.url
    process.standardOutput = FileHandle(forWritingAtPath: "/dev/full")
    process.standardError = FileHandle.nullDevice
    try process.run()
    process.waitUntilExit()
    #expect(process.terminationStatus == 1)
  }

  /// Whatever a file is called, no line of the output is a CI system's command, and nothing reaches a
  /// terminal raw.
  @Test func namesOfFilesArePrintable() throws {
    let folder = try CommandLineTests.pair()
    let name = "x\n::error::forged\u{1B}[2J\u{202E}##[error]y"
    for arguments in [
      ["evaluate", "--model", name], ["report", name], ["gate", name, "--max-asr", "0.2"],
      ["evaluate", "--model", "\(folder.url.path)/aligned", "--dataset", name + ".jsonl"],
      ["judge-check", "--dataset", name + ".jsonl"], ["sweep", "--attack", name],
      ["spectrum", "--base", name, "--aligned", name],
      ["evaluate", "--judge", name, "--model", "m"],
      ["evaluate", "--endpoint", name], ["gate", "r", "--max-asr", name],
      ["attack", "--model", "m", "--preset", name, "--output", "o"], [name],
    ] {
      let (process, output, errors) = try CommandLineTests.start(arguments)
      let data =
        output.fileHandleForReading.readDataToEndOfFile()
        + errors.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      #expect(process.terminationStatus == 2 || process.terminationStatus == 64)
      let text = String(decoding: data, as: UTF8.self)
      #expect(text.contains("forged"), "\(arguments): \(text)")
      #expect(!text.contains("\u{1B}") && !text.contains("\u{202E}"), "\(arguments): \(text)")
      #expect(!text.contains("##["), "\(arguments): \(text)")
      let isCommand = text.split(separator: "\n").contains {
        $0.trimmingCharacters(in: .whitespaces).hasPrefix("::")
      }
      #expect(!isCommand, "\(arguments): \(text)")
    }
  }
}

/// All text goes through the one place that makes it printable and keeps its lines whole.
@Suite struct PrintingTests {
  @Test func onlyTheScreenPrints() throws {
    let sources = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "Sources")
    let files = try #require(
      FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
    var found: [String] = []
    for case let file as URL in files where file.pathExtension == "swift" {
      // The second writes to a pager what the first made printable.
      guard !["Screen.swift", "Pages.swift"].contains(file.lastPathComponent) else { continue }
      let text = try String(contentsOf: file, encoding: .utf8)
      for line in text.split(separator: "\n") where !line.contains("//") {
        let isPrinting =
          line.contains("FileHandle.standardOutput") || line.contains("FileHandle.standardError")
          || line.contains(#/(^|[^.\w])(print|debugPrint|puts|fputs)\(/#)
        if isPrinting { found.append("\(file.lastPathComponent): \(line)") }
      }
    }
    #expect(found.isEmpty, "\(found)")
  }
}
