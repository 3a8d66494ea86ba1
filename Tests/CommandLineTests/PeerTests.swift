import Foundation
import TestSupport
import Testing

/// Programs that others wrote, against the built program.
@Suite(.serialized) struct PeerTests {
  /// A Python that has a package: `LOXEVAL_PYTHON`, or python3 of the path.
  static func python(with package: String) -> URL? {
    let named = ProcessInfo.processInfo.environment["LOXEVAL_PYTHON"].map { [$0] } ?? []
    let search = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    for path in named + search.map({ "\($0)/python3" }) {
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

  @Test(
    .enabled(
      if: python(with: "openai") != nil,
      "needs Python with the package openai: pip install openai, or set LOXEVAL_PYTHON"))
  func theOpenAIPackageIsServed() throws {
    let folder = try CommandLineTests.pair()
    let (server, output, _) = try CommandLineTests.start([
      "serve", "--model", folder.url.appending(path: "aligned").path, "-q",
    ])
    defer {
      kill(server.processIdentifier, SIGKILL)
      server.waitUntilExit()
    }
    var line = ""
    while !line.hasSuffix("\n") {
      let data = output.fileHandleForReading.readData(ofLength: 1)
      try #require(!data.isEmpty, "the server ended")
      line += String(decoding: data, as: UTF8.self)
    }
    let script = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "Peers/openai_client.py")
    let client = Process()
    client.executableURL = Self.python(with: "openai")
    client.arguments = [
      script.path, line.trimmingCharacters(in: .whitespacesAndNewlines), "aligned",
    ]
    let pipe = Pipe()
    client.standardError = pipe
    try client.run()
    let errors = String(decoding: pipe.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    client.waitUntilExit()
    #expect(client.terminationStatus == 0, "\(errors)")
  }
}
