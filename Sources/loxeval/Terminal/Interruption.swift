import Dispatch
import Foundation
import Support
import Synchronization

/// SIGINT (Ctrl-C), SIGTERM and SIGHUP: the first asks the work to stop, a later one ends the process.
///
/// A journal has each line with the kernel as soon as it is written, so neither way loses any.
final class Interruption: Sendable {
  static let shared = Interruption()

  /// Signals within this time are one: `timeout` sends its signal to the process and to its group.
  static let together = Duration.seconds(1)
  /// Work that has not stopped by then is ended.
  static let patience = Duration.seconds(20)

  private struct State {
    var first: Int32?
    var at: Duration = .zero
    var asksToStartAgain = false
    var isPaging = false
  }

  private let state = Mutex(State())
  private nonisolated(unsafe) var sources: [any DispatchSourceSignal] = []
  private let time = SystemTime()
  private let screen: Screen

  private init(screen: Screen = .shared) { self.screen = screen }

  /// The first signal that came.
  var signal: Int32? { state.withLock { $0.first } }

  /// Whether SIGTERM means that a machine is wanted back and the work is to go on elsewhere, as schedulers have
  /// it: the exit code then asks to be started again.
  var asksToStartAgain: Bool {
    get { state.withLock { $0.asksToStartAgain } }
    set { state.withLock { $0.asksToStartAgain = newValue } }
  }

  /// Whether a pager has the terminal: Ctrl-C is then for it alone.
  var isPaging: Bool {
    get { state.withLock { $0.isPaging } }
    set { state.withLock { $0.isPaging = newValue } }
  }

  /// The exit code of work that a signal ended.
  func status(of signal: Int32) -> ExitStatus {
    signal == SIGTERM && asksToStartAgain ? .stoppedInTime : .interrupted(by: signal)
  }

  /// Ends work that a signal asked to stop, on whichever thread it runs.
  ///
  /// - Throws: `CancellationError`.
  func check() throws { if signal != nil { throw CancellationError() } }

  /// Takes the signals from here on.
  ///
  /// - Parameter stop: asks the work to stop.
  func watch(_ stop: @escaping @Sendable () -> Void) {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      // Who starts a program by `nohup` wants it to outlive the terminal.
      let before = Foundation.signal(number, SIG_IGN)
      if number == SIGHUP, unsafe unsafeBitCast(before, to: Int.self) == 1 { continue }
      let source = DispatchSource.makeSignalSource(signal: number, queue: .global())
      source.setEventHandler { [self] in receive(number, stop) }
      source.resume()
      // Set once, before any work begins.
      unsafe sources.append(source)
    }
  }

  private func receive(_ number: Int32, _ stop: @Sendable () -> Void) {
    guard number != SIGINT || !isPaging else { return }
    let now = time.now
    let isFirst = state.withLock { state -> Bool? in
      guard state.first != nil else {
        (state.first, state.at) = (number, now)
        return true
      }
      return now - state.at < Self.together ? nil : false
    }
    switch isFirst {
    case true?:
      screen.say("loxeval: stopping (\(Self.name(number))); once more ends it at once")
      stop()
      let deadline = DispatchTime.now() + Self.patience.inSeconds
      DispatchQueue.global().asyncAfter(deadline: deadline) { [self] in
        end(number, "it did not stop within \(Duration.text(seconds: Self.patience.inSeconds))")
      }
    case false?: end(number, "a second signal came")
    case nil: break
    }
  }

  private func end(_ number: Int32, _ reason: String) -> Never {
    screen.say(
      "loxeval: ended at once (\(Self.name(number))): \(reason); a sweep or evaluation continues with "
        + "--resume")
    _exit(status(of: number).rawValue)
  }

  private static func name(_ number: Int32) -> String {
    switch number {
    case SIGINT: "SIGINT"
    case SIGTERM: "SIGTERM"
    default: "SIGHUP"
    }
  }
}
