import Foundation
import Support
import Synchronization

/// The one place that prints: results to stdout, all else to stderr, each line whole.
///
/// Every text is made printable here. A progress bar that stands on the terminal is taken away before
/// another line comes, on either stream.
final class Screen: Sendable {
  static let shared = Screen()

  /// The text of the bar that is open on stderr; nil where none is.
  private let bar = Mutex<String?>(nil)
  /// The system's reason why a result could not be printed; nil where all were.
  private let loss = Mutex<Int32?>(nil)

  private let json = Mutex(false)

  /// Whether everything on stderr is a JSON object a line.
  var tellsJSON: Bool {
    get { json.withLock { $0 } }
    set { json.withLock { $0 = newValue } }
  }

  /// Whether stderr can redraw a line in place.
  let drawsBars: Bool

  private init() {
    let kind = ProcessInfo.processInfo.environment["TERM"] ?? ""
    drawsBars = isatty(STDERR_FILENO) == 1 && !kind.isEmpty && kind != "dumb"
  }

  /// How wide the terminal is now; it may be resized at any time.
  var columns: Int {
    var size = winsize()
    let isKnown = unsafe ioctl(STDERR_FILENO, UInt(TIOCGWINSZ), &size) == 0 && size.ws_col > 0
    return isKnown ? Int(size.ws_col) : 80
  }

  /// Prints a result, in lines; a last line break is added where it lacks one.
  func print(_ text: String) {
    let shown = PrintableText.lines(text)
    put(shown.hasSuffix("\n") ? shown : shown + "\n", to: STDOUT_FILENO)
  }

  /// Prints a part of a result whose reader may end before it is whole, as `head` does.
  ///
  /// - Returns: whether more can be printed.
  func offer(_ text: String) -> Bool {
    put(PrintableText.lines(text), to: STDOUT_FILENO, isPart: true)
  }

  /// Prints a line that a CI system reads as a command; what in it is not the project's own is escaped
  /// by who made it.
  func printCommand(_ line: String) { put(line + "\n", to: STDOUT_FILENO) }

  /// Says something beside the result, in one line.
  func say(_ line: String, as kind: ProgressEvent.Kind = .note) {
    if tellsJSON { return tell(ProgressEvent(kind, text: line)) }
    put(PrintableText.line(line) + "\n", to: STDERR_FILENO)
  }

  /// Says something beside the result, in lines.
  func sayLines(_ text: String, as kind: ProgressEvent.Kind = .note) {
    if tellsJSON { return tell(ProgressEvent(kind, text: text)) }
    put(PrintableText.lines(text) + "\n", to: STDERR_FILENO)
  }

  /// Tells programs of the work, where they are told.
  func tell(_ event: ProgressEvent) {
    guard tellsJSON else { return }
    put(event.line + "\n", to: STDERR_FILENO)
  }

  /// Draws a line on stderr in place of the one that stands there, cut to the terminal's width.
  func draw(_ line: String) {
    bar.withLock { open in
      // The last column stays free: a full line would move the cursor to the next.
      let text = DisplayWidth.fitting(PrintableText.line(line), columns: columns - 1)
      open = text
      Self.write("\r\(text)\u{1B}[K", to: STDERR_FILENO)
    }
  }

  /// Leaves the bar as it stands and goes on below it.
  func keepBar() {
    bar.withLock { open in
      if open != nil { Self.write("\n", to: STDERR_FILENO) }
      open = nil
    }
  }

  /// Why a result could not be printed, in words; nil where all were.
  var lossOfResults: String? {
    loss.withLock { $0 }.map { code in
      code == EPIPE
        ? "stdout was closed before everything was printed"
        : "expected to print to stdout, found: \(unsafe String(cString: strerror(code)))"
    }
  }

  /// - Parameter isPart: whether a reader that has gone wanted no more.
  @discardableResult
  private func put(_ text: String, to stream: Int32, isPart: Bool = false) -> Bool {
    bar.withLock { open in
      if open != nil { Self.write("\r\u{1B}[K", to: STDERR_FILENO) }
      let isWritten = Self.write(text, to: stream)
      let reason = errno
      if !isWritten, stream == STDOUT_FILENO, !(isPart && reason == EPIPE) {
        loss.withLock { $0 = $0 ?? reason }
      }
      if let text = open { Self.write("\(text)\u{1B}[K", to: STDERR_FILENO) }
      return isWritten
    }
  }

  /// Returns false where the stream's reader has gone. Diagnostics have nobody else to tell.
  @discardableResult
  private static func write(_ text: String, to stream: Int32) -> Bool {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBytes {
        unsafe Foundation.write(stream, $0.baseAddress, $0.count)
      }
      if count > 0 {
        rest = rest.dropFirst(count)
      } else if errno == EAGAIN {
        // A terminal that another program set to return at once.
        usleep(1_000)
      } else if errno != EINTR {
        return false
      }
    }
    return true
  }
}
