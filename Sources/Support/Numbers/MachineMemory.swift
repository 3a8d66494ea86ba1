import Foundation

/// What fits into the machine's memory beside all else that is in it.
package enum MachineMemory {
  /// Whether so many bytes are more than a quarter of it. Methods read two models and write one: files as large do not
  /// stay in the system's cache from one pass to the next.
  package static func isFilled(by byteCount: Int) -> Bool {
    UInt64(max(0, byteCount)) > ProcessInfo.processInfo.physicalMemory / 4
  }
}
