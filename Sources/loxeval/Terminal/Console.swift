import Decoder
import Foundation
import Studies
import Support
import Synchronization

/// What goes to stderr: progress and diagnostics. Results go to stdout or files.
final class Console: Sendable {
  private struct State {
    var hasOpenLine = false
    var lastDrawn = ContinuousClock.now - .seconds(60)
    var startedAt = ContinuousClock.now
    var startedDone = 0
    var lastTenth = -1
  }

  private let isQuiet: Bool
  private let isTerminal = isatty(STDERR_FILENO) == 1
  private let state = Mutex(State())

  init(isQuiet: Bool) { self.isQuiet = isQuiet }

  static func error(_ message: String) { put("loxeval: error: \(message)\n") }

  private static func put(_ text: String) {
    FileHandle.standardError.write(Data(text.utf8))
  }

  func note(_ message: String) {
    guard !isQuiet else { return }
    state.withLock { state in
      if state.hasOpenLine { Self.put("\n") }
      state.hasOpenLine = false
      state.startedAt = .now
      state.startedDone = 0
      state.lastTenth = -1
    }
    Self.put("\(message)\n")
  }

  func show(_ event: StudyEvent) {
    switch event {
    case .step(let text):
      note(text)
    case .count(let what, let done, let total):
      draw(what, done, total, detail: "")
    case .training(let progress):
      let speed = progress.seconds > 0 ? Double(progress.tokens) / progress.seconds : 0
      draw(
        "steps", progress.step, progress.steps,
        detail: String(format: "  loss %.4f, %.0f tokens a second", progress.loss, speed))
    case .samples(let progress):
      let errors = progress.errors > 0 ? ", \(progress.errors) errors" : ""
      draw(
        "samples", progress.done, progress.total,
        detail: errors + (progress.cell.map { "  \($0)" } ?? ""))
    }
  }

  /// A bar with rate and time left on a terminal, otherwise a line for each tenth.
  private func draw(_ what: String, _ done: Int, _ total: Int, detail: String) {
    guard !isQuiet, total > 0 else { return }
    state.withLock { state in
      if done == 0 || state.lastTenth < 0 {
        state.startedAt = .now
        state.startedDone = done
      }
      let seconds = (ContinuousClock.now - state.startedAt).inSeconds
      let rate = seconds > 0 ? Double(done - state.startedDone) / seconds : 0
      let left = rate > 0 ? Double(total - done) / rate : 0
      let pace =
        rate > 0
        ? ", \(String(format: "%.1f", rate)) a second, \(Duration.text(seconds: left)) left" : ""
      let tenth = done * 10 / total
      if isTerminal {
        guard done == total || (ContinuousClock.now - state.lastDrawn).inSeconds > 0.1 else {
          return
        }
        state.lastDrawn = .now
        let filled = done * 24 / total
        let bar = String(repeating: "█", count: filled) + String(repeating: "░", count: 24 - filled)
        Self.put("\r\u{1B}[K\(bar) \(done) of \(total) \(what)\(pace)\(detail)")
        state.hasOpenLine = true
        if done == total {
          Self.put("\n")
          state.hasOpenLine = false
        }
      } else if tenth != state.lastTenth {
        Self.put("\(done) of \(total) \(what)\(pace)\(detail)\n")
      }
      state.lastTenth = tenth
    }
  }
}
