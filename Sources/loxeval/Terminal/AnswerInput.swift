import Foundation

/// Answers to questions: single keys of a terminal, or words on stdin, a line each.
final class AnswerInput {
  /// Whether each key is an answer.
  let isTerminal: Bool
  /// The terminal as it was.
  private var before = termios()
  private var buffer: [UInt8] = []
  private var isAtEnd = false

  init() {
    var found = termios()
    let isKnown = unsafe tcgetattr(STDIN_FILENO, &found) == 0
    isTerminal = isKnown && isatty(STDIN_FILENO) == 1
    guard isTerminal else { return }
    before = found
    // Each key at once, and none shown; Ctrl-C stays a signal.
    var keys = before
    keys.c_lflag &= ~tcflag_t(ICANON | ECHO)
    _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &keys)
  }

  /// Leaves the terminal as it was.
  func close() {
    guard isTerminal else { return }
    _ = unsafe tcsetattr(STDIN_FILENO, TCSANOW, &before)
  }

  /// The next key, or the next line that is not blank, without blanks around it; nil at the end of input.
  ///
  /// - Throws: `CancellationError` where a signal asked to stop.
  func next() throws -> String? {
    isTerminal ? try key() : try line()
  }

  private func line() throws -> String? {
    while true {
      if let end = buffer.firstIndex(of: UInt8(ascii: "\n")) {
        let text = String(decoding: buffer[..<end], as: UTF8.self)
        buffer.removeFirst(end + 1)
        let word = text.trimmingCharacters(in: .whitespacesAndNewlines)
        if !word.isEmpty { return word }
        continue
      }
      guard try fill() else {
        let word = String(decoding: buffer, as: UTF8.self)
          .trimmingCharacters(in: .whitespacesAndNewlines)
        buffer = []
        return word.isEmpty ? nil : word
      }
    }
  }

  private func key() throws -> String? {
    while true {
      guard let first = buffer.first else {
        guard try fill() else { return nil }
        continue
      }
      buffer.removeFirst()
      switch first {
      // Ctrl-D.
      case 0x04: return nil
      case 0x1B: dropSequence()
      case ...0x20, 0x7F: continue
      default: return String(decoding: [first], as: UTF8.self)
      }
    }
  }

  /// Arrows and other keys of several bytes are no answers, whichever letters are in them.
  private func dropSequence() {
    guard let introducer = buffer.first, "[O".utf8.contains(introducer) else { return }
    buffer.removeFirst()
    let end = buffer.firstIndex { (0x40...0x7E).contains($0) }
    buffer.removeFirst(end.map { $0 + 1 } ?? buffer.count)
  }

  /// Waits for more bytes; false at the end of input.
  private func fill() throws -> Bool {
    guard !isAtEnd else { return false }
    while true {
      try Interruption.shared.check()
      var wait = pollfd(fd: STDIN_FILENO, events: Int16(POLLIN), revents: 0)
      guard unsafe poll(&wait, 1, 100) != 0 else { continue }
      var piece = [UInt8](repeating: 0, count: 4_096)
      let count = unsafe piece.withUnsafeMutableBytes {
        unsafe read(STDIN_FILENO, $0.baseAddress, $0.count)
      }
      if count < 0, errno == EINTR || errno == EAGAIN { continue }
      guard count > 0 else {
        isAtEnd = true
        return false
      }
      buffer += piece[..<count]
      return true
    }
  }
}
