import Foundation
import Support

/// Where a long result goes: through the pager where stdout is a terminal, else to stdout.
///
/// Its reader may end at any time, as `head` and pagers do; that is no error.
@safe final class Pages {
  private let screen: Screen
  /// The pager's stdin; nil where there is none. Owned by this object, and used by nobody else.
  private var pager: UnsafeMutablePointer<FILE>?

  /// - Parameter isPaged: whether a pager is wanted where there is a terminal.
  init(isPaged: Bool, screen: Screen = .shared) {
    self.screen = screen
    guard isPaged, isatty(STDOUT_FILENO) == 1, let command = Self.command else { return }
    // In this process's group, or it could not read the terminal; popen's shell is that.
    unsafe pager = popen(command, "w")
    Interruption.shared.isPaging = unsafe pager != nil
  }

  /// `PAGER`, `less` where it is not set; nil where it is set to nothing or to `cat`.
  private static var command: String? {
    let environment = ProcessInfo.processInfo.environment
    // As git has it: what fits the screen is not paged, and stays there.
    if environment["LESS"] == nil { unsafe setenv("LESS", "FRX", 0) }
    guard let named = environment["PAGER"] else {
      let paths = (environment["PATH"] ?? "").split(separator: ":")
      return paths.contains { FileManager.default.isExecutableFile(atPath: "\($0)/less") }
        ? "less" : nil
    }
    return named.isEmpty || named == "cat" ? nil : named
  }

  /// Shows a printable part of the result.
  ///
  /// - Returns: whether there is still a reader.
  func show(_ text: String) -> Bool {
    guard let pager = unsafe pager else { return screen.offer(text) }
    return unsafe fputs(text, pager) >= 0 && fflush(pager) == 0
  }

  /// Waits for the reader to be done.
  func close() {
    guard let open = unsafe pager else { return }
    _ = unsafe pclose(open)
    unsafe pager = nil
    Interruption.shared.isPaging = false
  }

  deinit { close() }
}
