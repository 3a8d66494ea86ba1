package import Foundation
import Testing

/// A Python with packages that tests compare results with.
package enum PeerPython {
  /// `LOXEVAL_PYTHON`, or the first python3 of the path, that has a package; nil where none has.
  package static func executable(with package: String) -> URL? {
    let environment = ProcessInfo.processInfo.environment
    let search = (environment["PATH"] ?? "").split(separator: ":").map { "\($0)/python3" }
    for path in (environment["LOXEVAL_PYTHON"].map { [$0] } ?? []) + search {
      guard FileManager.default.isExecutableFile(atPath: path) else { continue }
      let process = Process()
      process.executableURL = URL(filePath: path)
      process.arguments = ["-c", "import \(package)"]
      process.standardError = FileHandle.nullDevice
      guard (try? process.run()) != nil else { continue }
      process.waitUntilExit()
      if process.terminationStatus == 0 { return URL(filePath: path) }
    }
    return nil
  }

  /// Runs a script to its end; it fails by an assertion.
  ///
  /// - Returns: what it wrote.
  @discardableResult
  package static func run(
    _ script: URL, with package: String, _ arguments: [String]
  ) throws -> String {
    let process = Process()
    process.executableURL = executable(with: package)
    process.arguments = [script.path] + arguments
    process.environment = ProcessInfo.processInfo.environment.merging([
      "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error", "TQDM_DISABLE": "1",
      "HF_HUB_DISABLE_PROGRESS_BARS": "1",
    ]) { $1 }
    let (output, errors) = (Pipe(), Pipe())
    process.standardOutput = output
    process.standardError = errors
    // A full pipe would keep the script from ending.
    let errorText = ErrorText(errors)
    try process.run()
    let text = String(
      decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(errorText.value.suffix(3000))")
    return text
  }

  /// Reads a pipe on a thread of its own.
  private final class ErrorText: @unchecked Sendable {
    // Unchecked: `value` waits for the thread that writes it.
    private var text = ""
    private let group = DispatchGroup()

    init(_ pipe: Pipe) {
      group.enter()
      let handle = pipe.fileHandleForReading
      Thread { [self] in
        text = String(decoding: handle.readDataToEndOfFile(), as: UTF8.self)
        group.leave()
      }.start()
    }

    var value: String {
      group.wait()
      return text
    }
  }
}
