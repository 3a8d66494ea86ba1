import Foundation
import Testing

/// The kernels against sums in double precision, with each of the instruction sets that this processor has: the
/// choice is made once in a process, so each has one of its own.
@Suite struct KernelTests {
  private static var program: URL {
    let bundle = Bundle.allBundles.map(\.bundleURL).first { $0.pathExtension == "xctest" }
    let start = bundle ?? URL(filePath: CommandLine.arguments[0])
    return start.deletingLastPathComponent().appending(path: "kernel-checks")
  }

  @Test(arguments: ["generic", "avx2", "avx512", "avx512-bf16", "amx"])
  func kernelsAgreeWithDoublePrecision(most instructions: String) throws {
    let process = Process()
    process.executableURL = Self.program
    process.environment = ["LOXEVAL_INSTRUCTIONS": instructions]
    let output = Pipe()
    process.standardOutput = output
    try process.run()
    let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
    process.waitUntilExit()
    #expect(process.terminationStatus == 0, "\(text)")
    // A set that the processor lacks leaves the best that it has.
    #expect(
      text.hasSuffix(" 0 wrong\n") && (instructions != "generic" || text.hasPrefix("generic,")))
  }
}
