import Decoder
import Dispatch
import Foundation
import Runs
import Scoring
import Studies
import StudyDesign
import Support
import Synchronization

/// What is told of a command's work, on stderr: steps, counts, what to know. `--quiet` silences it.
final class Console: Sendable {
  private let isQuiet: Bool
  private let screen: Screen
  private let time: any TimeSource
  private let progress: Mutex<ProgressLine>
  private let pulse = Mutex(ProgressPulse())
  /// Of all of a study, as it was last told.
  private let left = Mutex<StudyPace.Left?>(nil)

  init(isQuiet: Bool, screen: Screen = .shared, time: any TimeSource = SystemTime()) {
    self.isQuiet = isQuiet
    self.screen = screen
    self.time = time
    progress = Mutex(ProgressLine(style: screen.drawsBars ? .bar : .lines, now: time.now))
    // Programs are told when there is something to tell.
    if !isQuiet, !screen.tellsJSON { watch() }
  }

  /// What a reader of the result must know; said even where no progress is shown.
  static func warning(_ message: String) {
    Screen.shared.say("loxeval: warning: \(message)", as: .warning)
  }

  /// Looks each second whether something is due to be told, also where the work tells nothing.
  private func watch() {
    let thread = Thread { [weak self] in
      while let console = self {
        console.tick()
        Thread.sleep(forTimeInterval: 1)
      }
    }
    thread.name = "loxeval-progress"
    thread.start()
  }

  private func tick() {
    progress.withLock { progress in show(progress.tick(at: time.now)) }
  }

  /// Says something to know.
  func note(_ message: String) {
    guard !isQuiet else { return }
    screen.say(message)
  }

  /// Says that a step begins.
  func step(_ message: String) {
    guard !isQuiet else { return }
    if screen.tellsJSON { return screen.tell(ProgressEvent(.step, text: message)) }
    progress.withLock { progress in
      screen.keepBar()
      screen.say(message)
      progress.begin(message, at: time.now)
    }
  }

  func show(_ event: StudyEvent) {
    switch event {
    case .step(let text):
      step(text)
    case .count(let what, let done, let total):
      update(what, done, total)
    case .left(let told):
      left.withLock { $0 = told }
    case .training(let progress):
      let speed = progress.seconds > 0 ? Double(progress.tokens) / progress.seconds : 0
      let left = left.withLock { $0 }
      update(
        "steps", progress.step, progress.steps,
        detail: String(format: "  loss %.4f, %.0f tokens a second", progress.loss, speed)
          + (left.map(Self.text) ?? "")
      ) {
        $0.loss = progress.loss.isFinite ? progress.loss : nil
        $0.tokensPerSecond = speed.rounded()
        $0.studySecondsLeft = left.map { $0.seconds.rounded() }
      }
    case .look(let look):
      let counts = [
        ("passed", look.count(.passed)), ("breached", look.count(.breached)),
        ("undecided", look.count(.undecided)),
      ].filter { $0.1 > 0 }.map { "\($0.1) \($0.0)" }.joined(separator: ", ")
      let limits = look.checks.count == 1 ? "1 limit" : "\(look.checks.count) limits"
      step(
        "looked: of \(limits) \(counts)"
          + (look.isFinished
            ? "" : "; asking \(look.open.reduce(0) { $0 + $1.prompts.count }) more"))
    case .samples(let progress):
      let errors = progress.errors > 0 ? ", \(progress.errors) errors" : ""
      update(
        "samples", progress.done, progress.total,
        detail: errors + (progress.cell.map { "  \($0)" } ?? "")
      ) {
        $0.errors = progress.errors
        $0.cell = progress.cell?.rawValue
      }
    }
  }

  /// Of the study that a training is part of; of a single one its own line says all.
  private static func text(_ left: StudyPace.Left) -> String {
    guard left.trainings > 1 || left.seconds > left.trainingSeconds else { return "" }
    let trainings =
      left.trainings > 1
      ? "; \(left.trainings) trainings \(Duration.text(seconds: left.trainingSeconds))" : ""
    return trainings + "; the study \(left.isRough ? "roughly" : "about") "
      + "\(Duration.text(seconds: left.seconds)) left"
  }

  /// - Parameter add: what else programs are told of it.
  private func update(
    _ what: String, _ done: Int, _ total: Int, detail: String = "",
    add: (inout ProgressEvent) -> Void = { _ in }
  ) {
    guard !isQuiet else { return }
    if screen.tellsJSON {
      return pulse.withLock { pulse in
        guard var event = pulse.update(what, done: done, of: total, at: time.now) else { return }
        add(&event)
        screen.tell(event)
      }
    }
    progress.withLock { progress in
      show(progress.update(what, done: done, of: total, detail: detail, at: time.now))
    }
  }

  private func show(_ output: ProgressLine.Output?) {
    switch output {
    case nil: break
    case .draw(let share, let line): screen.draw(bar(share) + line)
    case .close(let line):
      screen.draw(bar(1) + line)
      screen.keepBar()
    case .line(let line): screen.say(line)
    }
  }

  /// `█████░░░ `; shorter where there is little room, since numbers tell more.
  private func bar(_ share: Double) -> String {
    let columns = screen.columns
    guard columns >= 40 else { return "" }
    let cells = columns >= 72 ? 24 : 8
    let filled = max(0, min(cells, Int(share * Double(cells))))
    return String(repeating: "█", count: filled) + String(repeating: "░", count: cells - filled)
      + " "
  }
}
