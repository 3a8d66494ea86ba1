import Foundation
import TestSupport
import Testing

/// The prompt sets that come with the project: no two prompts alike, none trained on, none taken.
@Suite struct BundledSetsTests {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()
  static let python = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    .map { "\($0)/python3" }.first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(.enabled(if: python != nil, "needs python3"))
  func theCheckOfTheSetsFindsNothing() throws {
    let process = Process()
    process.executableURL = URL(filePath: try #require(Self.python))
    process.arguments =
      [Self.root.appending(path: "Scripts/check-sets").path]
      + (SharedMaterial.has("data") ? [SharedMaterial.folder.appending(path: "data").path] : [])
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
  }
}
